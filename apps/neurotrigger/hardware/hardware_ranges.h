#pragma once
// How large the sums inside a network become: proven from the weights, and seen on tracks. A sum that stays inside the
// proven bound can never leave the register that the bound sizes.

#include "core/report/table.h"

#include "hw/ir/graph.h"
#include "hw/ir/vectors.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

struct NeuronRange {
  std::int64_t bound = 0;          // |bias| + sum |weight| * largest |input|, in stored integers
  std::int64_t low = 0, high = 0;  // reachable interval, at most +-bound
  std::int64_t seen_low = 0, seen_high = 0;
  int bits = 0;       // of a register for the interval, sign included
  int seen_bits = 0;  // of one for what was seen
};

struct LayerRange {
  std::string name;
  std::vector<NeuronRange> neurons;
  const NeuronRange& largest() const;  // by bound
};

/// The graph with the sums of every layer as further outputs, behind its own, layer by layer.
hw::Graph with_sums(const hw::Graph& graph);

/// Ranges of all sums; `inputs` are tracks in stored integers (none: nothing was seen, all zero). Throws
/// Error(internal) if a sum leaves its proven interval.
std::vector<LayerRange> accumulator_ranges(const hw::Graph& graph, const hw::Vectors& inputs);

/// The layers: widest neuron, proven and seen.
report::Table range_table(const std::vector<LayerRange>& layers, std::size_t tracks);
/// Every neuron.
report::Table neuron_table(const std::vector<LayerRange>& layers);

}  // namespace thimble::neurotrigger
