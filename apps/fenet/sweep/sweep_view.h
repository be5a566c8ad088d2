#pragma once
// What a sweep of FENets found: arms ranked, the front of quality against cost, the pictures of its settings.

#include "apps/common/sweep/sweep_charts.h"
#include "apps/fenet/sweep/fold_trials.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace thimble::fenet {

struct SweepArm {
  std::size_t number = 0;
  std::string name;
  /// Levels, filters of every level ("-" where the network has no such level), then what else was searched.
  std::vector<std::pair<std::string, std::string>> settings;
  bool failed = false;
  std::size_t stopped = 0;  // folds ended early
  std::string reason;
  std::map<std::string, double> metrics;  // means over folds and seeds
  double seconds = 0;
  bool front = false;  // no other arm is better in R2, MACs and bits at once

  std::optional<double> metric(const std::string& wanted) const;
};

struct SweepView {
  std::string metric;
  nn::Goal goal = nn::Goal::max;
  std::size_t folds = 1, seeds = 1;
  std::string ended;
  bool interrupted = false;
  std::vector<SweepArm> arms;  // best first, failed ones last

  bool has_best() const { return !arms.empty() && arms.front().metric(metric).has_value(); }
  /// Arms in the order of their numbers.
  std::vector<const SweepArm*> by_number() const;
};

SweepView view_of(const app::Sweep& sweep, const nn::search::StudyOptions& options, std::size_t folds,
                  const nn::search::StudyResult& result);

/// The arms with all settings in which they differ.
app::SweepPicture picture_of(const SweepView& view);

/// Its label for people; the name itself when it is not among sweep_metrics().
std::string label_of(const std::string& metric);
/// Throws Error(config) with the nearest name for another than those of sweep_metrics().
void check_sweep_metric(const std::string& name);

/// What to take and why, one sentence each.
std::vector<std::string> sweep_advice(const SweepView& view);

}  // namespace thimble::fenet
