#pragma once
// Behaviour with times of its own, brought to the segments of a recording. Times decide, never indices.

#include "core/tensor/tensor.h"

#include <cstdint>
#include <vector>

namespace thimble::fenet {

struct TimedSeries {
  std::vector<double> times;  // seconds, ascending
  Tensor values;              // [n, D] f64
};

/// Labels of the segments that the series covers.
struct TimedLabels {
  std::int64_t first = 0;  // number of the first such segment
  Tensor labels;           // [count, D] f32
};

/// Segment b lasts from begin + b * seconds to begin + (b + 1) * seconds. Velocities are taken in the middle, by a
/// straight line between the two samples around it; of positions, the change over the segment divided by its length.
/// Segments that are not wholly inside the times of the series are left out at both ends.
TimedLabels labels_at(const TimedSeries& series, bool positions, double begin, double seconds, std::int64_t segments);

}  // namespace thimble::fenet
