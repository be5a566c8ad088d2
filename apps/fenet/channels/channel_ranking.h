#pragma once
// How well each channel alone tells the movement.

#include "apps/fenet/data/session.h"
#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/model/network.h"

#include <string>
#include <vector>

namespace thimble::fenet {

/// Squared correlation per channel, by the evaluation of the settings on the features of that channel alone.
struct ChannelScores {
  std::string day;  // "pooled": the mean over the days
  Tensor r2;        // [C, D] f64, the mean over the sessions; 0 where every fold had a constant axis
  /// Channel numbers, best first: by the better axis, equal ones in order.
  std::vector<std::int64_t> ranking() const;
  /// True for the `top` best (0: all); as many as asked for, unlike the choice by stored R2, which keeps equals.
  std::vector<bool> mask(std::int64_t top) const;
};

/// Per day, and at the end pooled if there is more than one day with the same channels.
std::vector<ChannelScores> score_channels(const Network& network, const std::vector<Day>& days,
                                          const Protocol& protocol);

}  // namespace thimble::fenet
