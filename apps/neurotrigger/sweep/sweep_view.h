#pragma once
// What a sweep found: arms ranked, compared pair by pair, and which one to take.

#include "core/linalg/stats.h"

#include "apps/common/sweep/sweep_figures.h"
#include "apps/neurotrigger/sweep/sweep_arm.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// How much worse (or better) an arm is than another, over the pairs of one expert and one seed, in percent of the
/// other's value. The 95 % interval of the mean: where every expert has several seeds, from their spread within each
/// expert (the experts are what they are; Welch and Satterthwaite's degrees of freedom), else from the spread over all
/// pairs; nothing for one pair.
struct PairedDifference {
  std::size_t pairs = 0;
  double percent = 0;  // mean over the experts
  std::optional<linalg::Interval> interval;
  /// The interval does not hold zero.
  bool clear() const { return interval && (interval->low > 0 || interval->high < 0); }
};

struct RankedArm {
  std::size_t number = 0;
  std::string name;
  nn::search::Assignment values;
  std::map<std::string, std::string> settings;  // resolved, key -> text; experts that differ joined by '/'
  bool failed = false;
  std::string reason;
  std::map<std::string, double> metrics;  // means over the seeds
  double seconds = 0;                     // of all its trainings
  bool hardware = false, front = false;
  std::optional<PairedDifference> to_best, to_reference;

  Maybe metric(const std::string& name) const;
};

struct SweepView {
  std::string metric;  // that ranks
  nn::Goal goal = nn::Goal::min;
  std::vector<RankedArm> arms;           // best first, failed ones last
  std::optional<std::size_t> reference;  // place among the arms
  std::size_t seeds = 1;
  std::string ended;
  bool interrupted = false;

  bool has_best() const { return !arms.empty() && arms.front().metric(metric).has_value(); }
};

SweepView view_of(const app::Sweep& sweep, const nn::search::StudyOptions& options,
                  const nn::search::StudyResult& result);

/// Differences of `arm` to `other` in a metric of the experts. Nothing without a common pair.
std::optional<PairedDifference> paired_difference(const nn::search::Arm& arm, const nn::search::Arm& other,
                                                  const std::string& metric);

/// Place of the best arm by one metric, among arms that fit the present hardware if wanted.
std::optional<std::size_t> best_by(const SweepView& view, const std::string& metric, nn::Goal goal,
                                   bool hardware_only = false);

/// For a physicist: which configuration to take and why, one sentence each.
std::vector<std::string> recommendation(const SweepView& view);

/// Arms in the order of their numbers with the settings in which they differ.
app::SweepPicture picture_of(const SweepView& view);

/// The metric's description; a plain one for a name that is not in sweep_metrics().
SweepMetric metric_called(const std::string& name);

}  // namespace thimble::neurotrigger
