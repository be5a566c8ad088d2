#pragma once
// Where an axis has its marks and how they are written. Ours, because gnuplot writes 1e+06 and 10^6, and leaves short
// logarithmic axes with a single label.

#include <string>
#include <vector>

namespace thimble::report {

struct Tick {
  double at;
  std::string label;  // empty: a small mark
};

/// About `wanted` round marks between low and high.
std::vector<Tick> linear_ticks(double low, double high, int wanted);
/// Decades, with 2 and 5 or linear marks where the range is short. 0 < low < high.
std::vector<Tick> log_ticks(double low, double high, int wanted);

}  // namespace thimble::report
