#include "apps/neurotrigger/run/legacy_names.h"

#include "core/io/json.h"

#include "apps/common/run/run_folder.h"
#include "apps/neurotrigger/run/run_files.h"
#include "apps/neurotrigger/run/run_origin.h"

#include <nlohmann/json.hpp>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// A second name for a file; a copy where links are impossible.
void add_name(const fs::path& file, const fs::path& name) {
  if (!fs::exists(file)) return;
  fs::remove(name);
  std::error_code error;
  fs::create_hard_link(file, name, error);
  if (error) fs::copy_file(file, name, fs::copy_options::overwrite_existing);
}

/// Steps done when the best epoch ended.
std::int64_t best_step(const ExpertOutcome& outcome) {
  const auto epoch = static_cast<std::size_t>(outcome.best_epoch);
  return epoch == 0 || epoch > outcome.table.step.size() ? 0 : static_cast<std::int64_t>(outcome.table.step[epoch - 1]);
}

}  // namespace

std::string result_name(Split split, bool legacy) {
  return text::cat(legacy ? text::to_text(static_cast<int>(split)) : std::string(name_of(split)), "_result.json");
}

std::string result_text(const Merit& merit, Split split, bool legacy) {
  if (!legacy) return merit_json(merit);
  const auto value = [](Maybe number) { return number ? nlohmann::json(*number) : nlohmann::json(nullptr); };
  const std::string prefix = text::cat(static_cast<int>(split), "_");
  const nlohmann::json object{{prefix + "loss", value(merit.loss)},
                              {prefix + "loss_old", value(merit.loss_old)},
                              {prefix + "loss_vs_old_loss", value(merit.loss_vs_old)},
                              {prefix + "z_diff_std", value(merit.z_std)}};
  return io::json_text(object, 2) + "\n";
}

std::string plots_name(bool legacy) {
  return legacy ? "1_post_training_plots" : "post_training_plots";
}

void add_legacy_names(const fs::path& folder, const RunResult& run) {
  add_name(folder / "log.txt", folder / "app.log");
  for (const ExpertResult& expert : run.experts) {
    const fs::path own = folder / text::cat("expert_", expert.outcome.expert), saved = own / "checkpoints";
    if (!fs::exists(saved) || expert.outcome.best_epoch == 0) continue;
    fs::create_directories(own / "ckpts");
    add_name(saved / "best.h5",
             own / "ckpts" /
                 text::cat("epoch=", expert.outcome.best_epoch - 1, "-step=", best_step(expert.outcome) - 1, ".ckpt"));
    add_name(saved / "last.h5", own / "ckpts/last.ckpt");
  }
}

std::string legacy_summary(const RunSettings& settings, const Splits& splits, const std::string& config_json,
                           const std::string& losses_json, const std::string& status) {
  nlohmann::json summary = nlohmann::json::parse(config_json);
  summary["config"] = settings.config;
  summary["git_id"] = app::git_state().id;
  summary["run_description"] = settings.all.note;
  summary["data_path"] = nlohmann::json::array();
  for (const Split split : kSplits) summary["data_path"].push_back(split_paths(splits, split));
  if (!losses_json.empty()) summary["loss"] = nlohmann::json::parse(losses_json);
  summary["status"] = status;
  return io::json_text(summary, 2) + "\n";
}

}  // namespace thimble::neurotrigger
