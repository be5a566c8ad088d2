#pragma once
// How good predictions of movement are: the criteria of FENet with its names.

#include "core/linalg/stats.h"
#include "core/tensor/tensor.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace thimble::fenet {

using Metrics = std::map<std::string, double>;

/// Criteria of one stretch of data, labels and predictions [n, D] (f32 or f64):
///   pearsonr2-<axis>       squared correlation; NaN where labels or predictions are constant
///   pearsonr2-xy-normed    root of the mean square of those, over all D axes
///   decoder-R2             joint R2 of all axes
///   decoder-<axis>-R2      R2 of one axis; NaN where the labels are constant
///   decoder-xy-avg-R2, decoder-xy-norm-R2   mean and root mean square over the axes
///   decoder-MSE            mean of the squared differences
/// Axes are named by axis_name. Throws Error(shape) for tensors of different shape.
Metrics criteria_of(const Tensor& labels, const Tensor& predictions);

struct MeanMetrics {
  Metrics means;             // over the stretches that have a value
  std::int64_t invalid = 0;  // stretches of which some criterion is NaN
};
/// Every criterion by itself; NaN where no stretch has a value.
MeanMetrics mean_over_valid(const std::vector<Metrics>& stretches);

/// Criteria over days under the names of the reference, from those of the single days: `eval/timely/avg-decoder-R2`,
/// `-decoder-x-R2`, `-decoder-xy-avg-R2`, `-decoder-xy-norm-R2` (of the means over days), `eval/decoder-MSE`,
/// `eval/pearsonr2-...` (means of the days' values).
Metrics day_criteria(const std::vector<Metrics>& days);
/// `timely/decoder-R2`: how the joint R2 of the days is distributed; days without a value are outside.
linalg::Histogram day_histogram(const std::vector<Metrics>& days, std::size_t bins);

/// `unquantized-perf-cost-ratio` = average R2 / operations and `unquantized-perf-cost-combo` = average R2 - operations
/// / divisor. Throws Error(value) unless both are positive.
Metrics cost_criteria(double average_r2, double operations, double divisor = 30'000);

/// "x", "y", "z", "axis3", ...: how labels are called in metrics.
std::string axis_name(std::int64_t axis);

/// Red, green and blue, 0 .. 1, of a direction: colours that turn with the angle.
std::array<double, 3> direction_colour(double x, double y);

}  // namespace thimble::fenet
