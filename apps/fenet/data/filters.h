#pragma once
// Causal filters as cascades of second-order sections whose state is carried on, so that a signal filtered in pieces
// has the bits of the whole one. Source of the design: Butterworth poles and the bilinear transform with pre-warped
// edges (Oppenheim and Schafer, "Discrete-Time Signal Processing", chapter 7).

#include "apps/fenet/data/data_keys.h"

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace thimble::fenet {

/// y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2].
struct FilterSection {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};
using Filter = std::vector<FilterSection>;

/// Butterworth filters of the given order; edges in hertz, 0 < edge < rate / 2, low < high. Gain 1 far above the edge,
/// below it, or in the middle of the band. The band-pass has `order` poles for each edge. Throw Error(value).
Filter highpass(std::int64_t order, double edge, double rate);
Filter lowpass(std::int64_t order, double edge, double rate);
Filter bandpass(std::int64_t order, double low, double high, double rate);
/// Cuts out a frequency, `width` hertz wide at half the power.
Filter notch(double frequency, double width, double rate);
/// All filters of the settings, one behind the other; empty if none is wanted. Throws Errors(config) naming the keys.
Filter filters_of(const PreprocessKeys& keys, double rate);

/// Gain at a frequency.
std::complex<double> response(const Filter& filter, double frequency, double rate);

/// What a filter remembers of one channel. Before the first sample the signal is taken to have stood at its value.
class FilterState {
 public:
  explicit FilterState(const Filter& filter) : memory_(2 * filter.size()) {}
  /// In place, the next samples of the channel; computed in double.
  void run(const Filter& filter, std::span<float> samples);

 private:
  void start(const Filter& filter, double value);
  std::vector<double> memory_;  // two numbers per section
  bool started_ = false;
};

}  // namespace thimble::fenet
