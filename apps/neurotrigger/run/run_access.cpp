#include "apps/neurotrigger/run/run_access.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/parallel/blocks.h"

#include "nn/train/checkpoint.h"

#include "apps/common/run/run_folder.h"
#include "apps/neurotrigger/train/restarts.h"

namespace thimble::neurotrigger {

OldRun open_run(const app::Context& context, std::size_t word) {
  OldRun run;
  // --out of the verbs that read a run is where they write, so runs are looked for in the standard folder
  run.folder = app::find_run(context.word(word), "runs", "neurotrigger");
  app::LoadedConfig loaded =
      app::load_config((run.folder / "config.yaml").string(), context.overrides(), load_options());
  loaded.name = run.folder.parent_path().filename().string();
  run.settings = bind_settings(loaded);
  return run;
}

std::map<int, nn::Graph> load_models(const RunSettings& settings, const std::filesystem::path& weights) {
  std::map<int, nn::Graph> models;
  const Networks networks = read_weights(weights);
  for (const int expert : settings.experts) {
    const auto found = networks.find(expert);
    if (found == networks.end()) continue;
    nn::Graph model = model_of(settings.own.at(expert));
    load_state(model, found->second, weights.string());
    models.emplace(expert, std::move(model));
  }
  if (models.empty())
    throw Error(ErrorKind::data, "the file holds no network of the configured experts",
                {weights.string(), 0, 0, "experts"});
  return models;
}

std::map<int, ExpertOutcome> load_histories(const RunSettings& settings, const std::filesystem::path& folder) {
  std::map<int, ExpertOutcome> histories;
  for (const int expert : settings.experts) {
    const std::filesystem::path own = chosen_folder(folder / text::cat("expert_", expert)) / "checkpoints";
    if (!std::filesystem::exists(own)) continue;
    const nn::CheckpointStore::Found found = nn::CheckpointStore(own).newest();
    if (found.file.empty()) continue;
    ExpertOutcome outcome = outcome_of(found.checkpoint);
    outcome.expert = expert;
    histories.emplace(expert, std::move(outcome));
  }
  return histories;
}

void use_threads(const Settings& settings) {
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
}

}  // namespace thimble::neurotrigger
