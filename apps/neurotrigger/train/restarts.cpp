#include "apps/neurotrigger/train/restarts.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

constexpr const char* kChoiceFile = "restarts.json";

std::string restart_folder(const std::string& folder, std::int64_t restart) {
  return restart == 0 || folder.empty() ? folder : text::cat(folder, "/restart_", restart);
}

double choice_rms(const ExpertOutcome& outcome, const Dataset& validation) {
  const std::int64_t rows = std::min(validation.rows(), kChoiceRows);
  const Tensor y_hat = columns_of(predict(outcome.model, validation.inputs.rows(0, rows)), 0, 1);
  double squares = 0;
  for (const double d : differences(validation.targets.rows(0, rows), y_hat)) squares += d * d;
  return std::sqrt(squares / static_cast<double>(rows));
}

void write_choice(const std::string& folder, const std::vector<double>& rms, std::size_t chosen) {
  if (folder.empty()) return;
  io::atomic_replace(std::filesystem::path(folder) / kChoiceFile,
                     io::json_text(nlohmann::json{{"z_rms_cm", rms}, {"chosen", chosen}}, 1) + "\n");
}

}  // namespace

ExpertOutcome train_with_restarts(const ExpertTask& task) {
  if (task.settings->restarts <= 1) return train_expert(task);
  ExpertOutcome best;
  std::vector<double> rms;
  std::size_t chosen = 0;
  double seconds = 0;
  for (std::int64_t restart = 0; restart < task.settings->restarts; ++restart) {
    ExpertTask own = task;
    own.restart = restart;
    own.folder = restart_folder(task.folder, restart);
    if (restart > 0) own.mean = nullptr;  // the curves of the mean are those of the first one
    ExpertOutcome outcome = train_expert(own);
    seconds += outcome.seconds;
    rms.push_back(choice_rms(outcome, task.validation));
    const bool interrupted = outcome.status == ExpertStatus::interrupted;
    if (rms.size() == 1 || rms.back() < rms[chosen]) {
      chosen = rms.size() - 1;
      best = std::move(outcome);
    }
    if (interrupted) {
      best.status = ExpertStatus::interrupted;
      break;
    }
  }
  best.seconds = seconds;
  write_choice(task.folder, rms, chosen);
  return best;
}

std::filesystem::path chosen_folder(const std::filesystem::path& expert_folder) {
  const std::filesystem::path choice = expert_folder / kChoiceFile;
  if (!std::filesystem::exists(choice)) return expert_folder;
  const nlohmann::json file = io::read_json(choice);
  const std::int64_t chosen = file.is_object() ? file.value("chosen", std::int64_t{0}) : 0;
  return restart_folder(expert_folder.string(), chosen);
}

}  // namespace thimble::neurotrigger
