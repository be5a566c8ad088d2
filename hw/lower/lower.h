#pragma once
// A quantised network written down as the exact integer graph. Nothing is decided here: every format and table comes
// from the network, which has computed with them in training.

#include "nn/graph/graph.h"

#include "hw/ir/graph.h"

namespace thimble::hw {

struct LowerOptions {
  std::string name = "net";
  /// Narrows the input port below the range of its format (track trigger: +-4096 of 14 bits).
  std::optional<Interval> input = {};
  /// A weight outside its format is an error; false: it saturates as in training (Keras-style clipping by the format).
  bool refuse_saturation = true;
};

/// Chain of fake_quant, linear, lut, activation (relu, leaky_relu with slope 2^-n) -> input, [requant,] cmvm,
/// [requant,] lut, relu, leaky_shift, output. Tensors carry the names of the nodes. The first node must be the format
/// of the input. Throws Error(value) naming the node that has no integer form or the weight that does not fit.
Graph lower(const nn::Graph& network, const LowerOptions& options = {});

/// Stored integers of a sample as the network's input format rounds it.
std::vector<std::int64_t> input_integers(const nn::Graph& network, std::span<const float> sample);

}  // namespace thimble::hw
