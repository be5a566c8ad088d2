#pragma once
// Charts of a network in the integers of the chip, format by format, beside the network of floats.

#include "apps/fenet/evaluate/protocol.h"
#include "apps/fenet/look/look.h"
#include "apps/fenet/look/view.h"

#include <cstdint>
#include <vector>

namespace thimble::fenet {

/// Quantised features of segments as numbers: [B, C * N] f32, channel-major.
Tensor quantised_features_of(const Network& network, const SegmentSource& segments, std::int64_t word_length,
                             std::int64_t fraction);

/// Headline metric over repetitions: each time the segments are put into two random halves, PLS and decoder are fitted
/// on one half and judged on the other, both ways.
std::vector<double> repeated_scores(const Tensor& features, std::int64_t channels, const Tensor& labels,
                                    const Protocol& protocol, std::int64_t repetitions, std::uint64_t seed);

struct FormatScores {
  std::int64_t word_length = 0, fraction = 0;
  std::vector<double> scores;
};

struct QuantisedLookOptions {
  std::int64_t repetitions = 50;
  std::uint64_t seed = 1;
  std::vector<std::int64_t> word_lengths = {8, 9, 10, 11}, fractions = {4, 5, 6, 7, 8};
  std::int64_t word_length = 9, fraction = 6;  // of the trajectories
};

/// Bands per format, heat map of the medians, trajectories of every day with and without rounding.
Look quantised_look(const Network& network, const std::vector<DayFeatures>& days, const Protocol& protocol,
                    const QuantisedLookOptions& options);

}  // namespace thimble::fenet
