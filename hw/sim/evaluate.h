#pragma once
// The definition of what a graph computes: one vector, every tensor, plain loops over 64-bit integers. The fast
// interpreter, the C source and the Verilog are compared with this.

#include "hw/ir/graph.h"

#include <span>
#include <string>

namespace thimble::hw {

/// Stored integers of every tensor of the graph, by TensorId.
using Values = std::vector<std::vector<std::int64_t>>;

/// Evaluates one vector: `input` holds the elements of all input ports in order. Throws Error(data) for a wrong
/// length or an element outside its interval, Error(internal) if a result leaves its proven interval.
Values evaluate(const Graph& graph, std::span<const std::int64_t> input);

/// Elements of all output ports, in order.
std::vector<std::int64_t> outputs_of(const Graph& graph, const Values& values);

/// Names the first element outside its interval; `row` is the vector's number in the message.
void check_input(const Graph& graph, std::span<const std::int64_t> input, std::size_t row);

}  // namespace thimble::hw
