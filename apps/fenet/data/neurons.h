#pragma once
// Neurons near the simulated electrodes.

#include "core/random/philox.h"

#include "apps/fenet/data/movement.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace thimble::fenet {

inline constexpr std::int64_t kWaveform = 48;  // samples of an action potential, 1.6 ms

struct Neuron {
  double amplitude = 0;  // microvolts
  double direction = 0;  // preferred direction, radians
  double baseline = 0;   // spikes per second
  double depth = 0;      // of the tuning to direction
  double speed = 0;      // of the tuning to speed
  std::array<float, kWaveform> waveform{};
  std::int64_t last_day = 0;  // silent behind it

  /// Spikes per second at `velocity`, with the preferred direction turned by `turn`; `drive` is the common-mode
  /// excitability, unit variance.
  double rate(Vector2 velocity, double fastest, double turn, double drive) const;
};

/// The neurons of a channel: near, middle and far ones. `quality` scales the numbers of the first two.
std::vector<Neuron> make_neurons(const Stream& stream, std::int64_t channel, double quality, double unit_loss,
                                 std::int64_t days);

}  // namespace thimble::fenet
