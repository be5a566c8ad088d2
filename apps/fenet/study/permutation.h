#pragma once
// How much of a metric is chance.

#include "apps/fenet/evaluate/protocol.h"

#include <cstdint>
#include <vector>

namespace thimble::fenet {

struct PermutationTest {
  double value = 0;            // with the labels where they belong
  std::vector<double> chance;  // with moved labels
  double p = 1;                // (1 + those at least as good) / (1 + all)
};

/// Moves the labels round in time by a random number of segments, at least a tenth of the session either way: each
/// series keeps its own smoothness, which shuffling single segments would destroy. Throws Error(data) below 20
/// segments.
PermutationTest permutation_test(const Tensor& features, std::int64_t channels, const Tensor& labels,
                                 const Protocol& protocol, std::int64_t permutations, std::uint64_t seed);

}  // namespace thimble::fenet
