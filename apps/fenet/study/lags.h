#pragma once
// By how much the movement follows the recording: the decoder at one lag after another.

#include "apps/fenet/evaluate/protocol.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace thimble::fenet {

/// One row of a scan: decoder.lag, and the headline metric and joint R2 of every evaluation fold.
struct LagScore {
  std::int64_t lag = 0;
  std::vector<double> correlation, r2;
};
/// `protocol` with its decoder at every lag from `first` to `last`: the numbers are those that judge() gives at that
/// lag. Throws Error(value) unless first <= last, and what judge() throws.
std::vector<LagScore> scan_lags(const Tensor& features, std::int64_t channels, const Tensor& labels,
                                const Protocol& protocol, std::int64_t first, std::int64_t last);

/// "-5:5" as first and last lag. Throws Error(usage) naming --lags.
std::pair<std::int64_t, std::int64_t> lag_range(std::string_view text);

}  // namespace thimble::fenet
