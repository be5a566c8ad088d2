#pragma once
// One trial of a sweep: a real training of all experts, and the numbers that arms are compared by.

#include "apps/common/sweep/sweep_file.h"
#include "apps/neurotrigger/train/experts.h"

#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace thimble::neurotrigger {

/// A number that arms are compared by.
struct SweepMetric {
  const char* name;  // "z_cm"
  const char* label;
  const char* unit;
  int decimals;
  nn::Goal goal;
  double scale;  // shown = value * scale
};
/// Mean over the experts of the validation tracks, the same of the test tracks as "test_NAME", of one expert as
/// "expert_0.NAME": z_cm, z_near_cm, efficiency, far_kept, feed_down_cm, theta_deg, loss.
const std::vector<SweepMetric>& sweep_metrics();
/// Rejection of background at which `efficiency` is quoted.
inline constexpr double kSweepRejection = 0.80;

/// Metrics of a training by name: those above, and epochs (mean), unfinished (share of experts
/// whose best epoch lies in the last tenth), parameters and macs of one network, hardware (1:
/// every expert's network exists in hardware model A).
std::map<std::string, double> arm_metrics(const RunResult& run, const Splits& splits);

/// Tracks of trials that share their data settings and seed, read or simulated once. Keeps the four used last.
class SplitCache {
 public:
  std::shared_ptr<const Splits> get(const Settings& settings);

 private:
  std::mutex mutex_;
  std::list<std::pair<std::string, std::shared_ptr<const Splits>>> held_;
};

/// The configuration of a trial with the sweep's settings in place.
app::LoadedConfig loaded_arm(const app::Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat);
/// Its settings. Throws Errors for settings that do not go together.
RunSettings settings_of(const app::Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat);

/// Folder of a trial inside the run: "arms/003", with several seeds "arms/003-seed_2".
std::string folder_of(const app::Sweep& sweep, std::size_t arm, std::size_t repeat);

/// Trains trials; copies may run on several threads.
class ArmTrainer {
 public:
  ArmTrainer(const app::Sweep& sweep, std::filesystem::path run) : sweep_(sweep), run_(std::move(run)) {}
  /// Leaves config.yaml, weights.json, summary.json and a folder per expert; goes on where a killed process left off.
  std::optional<nn::search::Outcome> operator()(const nn::search::Trial& trial);

 private:
  const app::Sweep& sweep_;
  std::filesystem::path run_;
  SplitCache splits_;
};

}  // namespace thimble::neurotrigger
