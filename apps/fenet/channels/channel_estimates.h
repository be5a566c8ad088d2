#pragma once
// What can be measured of every channel before anything is trained, and of every level of a network before it is
// rounded.

#include "apps/fenet/data/session.h"
#include "apps/fenet/model/network.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

/// Of one channel as recorded, over a session.
struct ChannelEstimate {
  double mean = 0, deviation = 0;  // microvolts
  double noise_rms = 0;            // median(|x|) / 0.6745 within 250 to 5000 Hz: spikes hardly count
  double spike_rms = 0;            // root mean square of the same band
  double line_ratio = 0;           // power at the mains, 50 or 60 Hz, over that of the frequencies around it
  bool dead = false;               // deviation below a hundredth of the median of all channels
  bool saturated = false;          // more than 0.1 % of the samples are its largest or its smallest
};
std::vector<ChannelEstimate> estimate_channels(const SegmentSource& recorded, double rate_hz);

/// Magnitudes in a network: 99.9 % of the numbers lie below.
struct LevelEstimate {
  std::string name;                             // "input", "level 1", ..., "level N", "last pass"
  double activation = 0;                        // of what enters the next level: the signal, then pass outputs
  double feature = 0;                           // of the features of the level; 0 for the input
  std::int64_t integer_bits = 0, fraction = 0;  // so that both fit into a word of the given length, sign included
};
/// Over at most 256 segments, evenly chosen. `word_length` as in quant.word_length.
std::vector<LevelEstimate> estimate_levels(const Network& network, const SegmentSource& segments,
                                           std::int64_t word_length);

}  // namespace thimble::fenet
