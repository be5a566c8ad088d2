#pragma once
// Trials of a sweep: the folds of a cross-validation, one by one, so that threads and ranks share them and a killed
// sweep loses one fold at most. The mean over the folds of an arm is its cross-validated score.

#include "apps/common/sweep/sweep_file.h"
#include "apps/fenet/data/recordings.h"
#include "apps/fenet/settings.h"

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace thimble::fenet {

/// Mean over the folds of the best saved pearsonr2-xy-normed: what arms are ranked by.
inline constexpr const char* kSweepScore = "cross-validation-avg-r2";

/// A number that arms are compared by.
struct SweepMetric {
  const char* name;
  const char* label;
  nn::Goal goal;
  int decimals;
};
/// cross-validation-avg-r2, last-r2 (of the last look, nothing was selected by it), operations-per-eval, exact-macs,
/// weights, weight-bits (weights times quant.word_length).
const std::vector<SweepMetric>& sweep_metrics();

/// Settings of an arm; `repeat` counts seeds. Throws Errors for settings that do not go together.
Settings settings_of(const app::Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat);
/// Trainings per seed: train.folds, or one with train.fold. Throws Error(config) when the sweep searches them.
std::size_t folds_of(const app::Sweep& sweep, const Settings& first);

/// The strategy of the sweep. Filters of levels that an arm does not have (n_feat_layers) count as their least value,
/// so that no two arms are the same network.
std::unique_ptr<nn::search::Strategy> network_search(const app::Sweep& sweep, nn::Goal goal);

/// Recordings of trials that share their settings, read or simulated once. Keeps the two used last.
class RecordingCache {
 public:
  std::shared_ptr<const Recordings> get(const Settings& settings);

 private:
  std::mutex mutex_;
  std::list<std::pair<std::string, std::shared_ptr<const Recordings>>> held_;
};

/// Trains folds; called from several threads at once.
class FoldTrials {
 public:
  /// `early`: folds may end at hurdles; then they are trained anew after a kill, since hurdles count from their start.
  FoldTrials(app::Sweep sweep, std::filesystem::path run, std::size_t folds, bool early)
      : sweep_(std::move(sweep)), run_(std::move(run)), folds_(folds), early_(early) {}
  /// Leaves the fold's weights and logs below arms/<number>.
  std::optional<nn::search::Outcome> operator()(const nn::search::Trial& trial);
  /// Folder of an arm with one seed: "arms/003", with several "arms/003-seed_2".
  static std::string folder_of(const app::Sweep& sweep, std::size_t arm, std::size_t seed);

 private:
  app::Sweep sweep_;
  std::filesystem::path run_;
  std::size_t folds_;
  bool early_;
  RecordingCache recordings_;
};

}  // namespace thimble::fenet
