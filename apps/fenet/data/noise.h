#pragma once
// Random signals of the simulator.

#include "core/random/philox.h"

#include <cstdint>
#include <span>
#include <vector>

namespace thimble::fenet {

/// Adds `sigma` times standard normal numbers; number i of `out` is a function of (stream, step, i).
void add_white_noise(const Stream& stream, std::uint64_t step, double sigma, std::span<float> out);

/// A field potential: Gaussian, mean 0, variance 1, power as f^-1.5 from 0.5 Hz on, rolled off by 1 / (1 + (f/300)^8).
/// Made from independent windows of four seconds that overlap by half and fade into each other, at a quarter of the
/// sampling rate with straight lines between (its power lies below a thousand hertz). Any stretch can be asked for;
/// stretches in order are quick.
class FieldPotential {
 public:
  explicit FieldPotential(const Stream& stream) : stream_(stream) {}
  /// Adds `amplitude` times samples first .. first + out.size() - 1.
  void add(std::int64_t first, double amplitude, std::span<float> out);

 private:
  void go_to(std::int64_t hop);
  void make_window(std::int64_t window, std::vector<float>& out) const;

  Stream stream_;
  std::int64_t hop_ = -1;
  std::vector<float> values_;         // of the hop, and the first one of the next hop
  std::vector<float> early_, later_;  // the windows that overlap in this hop
};

}  // namespace thimble::fenet
