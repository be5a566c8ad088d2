#include "apps/fenet/run/run_access.h"

#include "core/base/error.h"
#include "core/parallel/blocks.h"

#include "apps/common/run/run_folder.h"
#include "apps/fenet/run/fold_file.h"

#include <algorithm>

namespace thimble::fenet {

namespace fs = std::filesystem;

OldRun open_run(const app::Context& context, std::size_t word) {
  OldRun run;
  // --out of the verbs that read a run is where they write, so runs are looked for in the standard folder
  run.folder = app::find_run(context.word(word), "runs", "fenet");
  run.loaded = app::load_config((run.folder / "config.yaml").string(), context.overrides(), load_options());
  run.name = run.loaded.name = run.folder.parent_path().filename().string();
  run.settings = bind_settings(run.loaded);
  return run;
}

CrossValidation read_folds(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (fs::exists(entry.path() / "result.h5")) files.push_back(entry.path() / "result.h5");
  CrossValidation run;
  for (const fs::path& file : files) run.folds.push_back(read_fold(file));
  if (run.folds.empty())
    throw Error(ErrorKind::data, "the run has no finished fold", {folder.string(), 0, 0, ""},
                text::cat("thimble-fenet train --resume ", folder.string()));
  std::sort(run.folds.begin(), run.folds.end(), [](const auto& a, const auto& b) { return a.fold < b.fold; });
  summarise(run);
  return run;
}

Recordings load_recordings(const Settings& settings) {
  return load_recordings(settings.data, settings.synth, settings.seed);
}

void use_threads(const Settings& settings) {
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
}

std::vector<std::pair<std::string, std::string>> input_files(const Settings& settings) {
  std::vector<std::pair<std::string, std::string>> files;
  const auto add = [&](const std::string& key, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const fs::path path = fs::path(settings.data.dir) / name;
      if (fs::is_regular_file(path)) files.emplace_back(key, path.string());
    }
  };
  add("data.train", settings.data.train);
  add("data.dev", settings.data.dev);
  add("data.test", settings.data.test);
  if (settings.model.weights) files.emplace_back("model.weights", *settings.model.weights);
  return files;
}

}  // namespace thimble::fenet
