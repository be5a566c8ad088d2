#pragma once
// Figures of a sweep that every application shares. Drawn without a script: each arm is a point or a line.

#include "core/report/figure.h"

#include "nn/train/metrics.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace thimble::app {

/// A setting in which the arms differ, as text, one per arm.
struct SweptSetting {
  std::string key;
  std::vector<std::string> values;
  /// The values as numbers; nothing if one is no number.
  std::optional<std::vector<double>> numbers() const;
  /// Different values: numbers ascending, words in the order of their first arm.
  std::vector<std::string> levels() const;
};

/// A sweep as the figures see it: arms in the order of their numbers.
struct SweepPicture {
  std::string metric, unit;  // "std z", "cm"
  nn::Goal goal = nn::Goal::min;
  std::vector<std::string> names;             // of the arms
  std::vector<std::optional<double>> values;  // of the metric; nothing for arms that failed
  std::vector<SweptSetting> settings;
};

/// Every arm with the best value so far.
report::Figure best_so_far(const SweepPicture& sweep);
/// The metric against one setting, a point per arm.
report::Figure strip_of(const SweepPicture& sweep, const SweptSetting& setting);
/// One line per arm across its settings to the metric; the best arm and the best quarter stand out. At most `most`
/// settings, the first ones.
report::Figure parallel_coordinates(const SweepPicture& sweep, std::size_t most = 5);

/// How much worse a setting's shuffling makes the prediction of the metric.
struct Importance {
  std::string key;
  double mean = 0, low = 0, high = 0;  // increase of the squared error, as a share of the metric's variance
};
/// Permutation importance of every setting, largest first: the metric of each arm is predicted from the others,
/// weighted by how many settings they share (numbers: by how near they are); then one setting is shuffled among the
/// arms, 50 times. low..high holds 90 % of the shuffles. Empty for fewer than five arms or fewer than two settings.
/// Method: Breiman, "Random forests", Machine Learning 45 (2001), with this predictor in place of the forest.
std::vector<Importance> permutation_importance(const SweepPicture& sweep, std::uint64_t seed = 1);
report::Figure importance_figure(const std::vector<Importance>& importance);

}  // namespace thimble::app
