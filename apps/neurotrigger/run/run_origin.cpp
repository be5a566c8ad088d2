#include "apps/neurotrigger/run/run_origin.h"

#include "core/base/log.h"
#include "core/io/atomic_file.h"

#include "apps/common/run/run_folder.h"

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

app::Node text_node(const std::string& text) {
  return app::Node::scalar(text, true);
}

app::Node paths_node(const std::vector<std::string>& paths) {
  std::vector<app::Node> items;
  for (const std::string& path : paths) items.push_back(text_node(path));
  return app::Node::list(std::move(items));
}

std::string hyper_parameters(const RunSettings& settings, const Splits& splits, int expert, const std::string& git_id) {
  app::ConfigTree tree = settings.tree.replaced_by_block(text::cat("expert_", expert));
  tree.set("config", text_node(settings.config));
  tree.set("git_id", text_node(git_id));
  tree.set("run_description", text_node(settings.all.note));
  for (const Split split : kSplits)
    tree.set(text::cat("datapaths.", name_of(split)), paths_node(split_paths(splits, split)));
  return app::to_yaml(tree.nested());
}

}  // namespace

std::vector<std::string> split_paths(const Splits& splits, Split split) {
  std::vector<std::string> paths;
  for (const auto& [key, path] : splits.inputs)
    if (key == text::cat("data.", name_of(split))) paths.push_back(path);
  return paths;
}

void write_origin_files(const fs::path& folder, const RunSettings& settings, const Splits& splits) {
  const app::GitState git = app::git_state();
  if (git.id.empty()) log::debug("not inside a git repository: git_id.txt and git_diff.txt are empty");
  io::atomic_replace(folder / "git_id.txt", git.id.empty() ? "" : git.id + "\n");
  io::atomic_replace(folder / "git_diff.txt", git.diff);
  for (const int expert : settings.experts) {
    const std::string parameters = hyper_parameters(settings, splits, expert, git.id);
    for (const char* logger : {"csv", "tb"}) {
      const fs::path own = folder / text::cat("expert_", expert) / logger / "version_0";
      fs::create_directories(own);
      io::atomic_replace(own / "hparams.yaml", parameters);
    }
  }
}

}  // namespace thimble::neurotrigger
