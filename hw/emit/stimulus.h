#pragma once
// Stimulus vectors: corners first, because they find most faults, then one-hot, recorded data and random ones.

#include "hw/ir/vectors.h"

namespace thimble::hw {

/// All lo, all hi, alternating both ways, zeros, +1 and -1, each cut to the intervals of the inputs.
Vectors corner_vectors(const Graph& graph);
/// For every input element its lo and its hi, the others zero (or the end nearest to zero).
Vectors one_hot_vectors(const Graph& graph);
/// For every result of every cmvm that reads a port directly: the inputs that reach its lo and its hi.
Vectors directed_vectors(const Graph& graph);
/// SplitMix64(seed), vector by vector, element by element, uniform over the interval of the element.
Vectors random_vectors(const Graph& graph, std::size_t count, std::uint64_t seed);

/// Exactly `count` vectors: corners, then at most a quarter each of one-hot and directed ones, then recorded data (may
/// be empty; at most half of the rest), then random ones. Throws Error(data) if a data row is outside the inputs'
/// intervals.
Vectors stimulus(const Graph& graph, std::size_t count, std::uint64_t seed, const Vectors& data = {});

}  // namespace thimble::hw
