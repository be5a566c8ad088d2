#pragma once
// Features of a recording that need no training, for comparison: what implants count and measure today.

#include "apps/fenet/data/session.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

enum class Baseline {
  threshold_crossings,  // per segment: downward crossings of -3.5 RMS within 250 to 5000 Hz (order 4)
  spiking_band_power,   // mean magnitude within 300 to 1000 Hz (order 2); Nason et al., Nature BME 2020
  wavelet_power,        // mean square of the Daubechies-4 coefficients of seven levels and of the rest
  field_potentials,     // mean, and mean magnitude within six bands from 0.5 to 200 Hz (order 2)
};

const std::vector<Baseline>& baselines();
/// "threshold crossings", ...; "tc", "sbp", "mwp", "lfp".
std::string title_of(Baseline baseline);
std::string short_name_of(Baseline baseline);
/// Features per channel.
std::int64_t features_of(Baseline baseline);

/// [B, C * K] f32, channel-major, of the signal as recorded. Filters are causal and carry their state from segment to
/// segment; the RMS of the crossings is that of the whole session.
Tensor baseline_features(Baseline baseline, const SegmentSource& recorded, double rate_hz);

}  // namespace thimble::fenet
