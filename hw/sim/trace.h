#pragma once
// Values of every node as text, for comparison between interpreter, trained network, C and RTL.

#include "hw/sim/evaluate.h"

#include <optional>

namespace thimble::hw {

/// Decimal text form of vectors: one per line, elements separated by one space, a newline after every line.
/// `values` is [rows][width], row-major.
std::string vectors_text(std::span<const std::int64_t> values, std::size_t width);

/// One line per node and vector: "<vector> <tensor name> <integers...>". Control characters in names are escaped.
std::string trace_text(const Graph& graph, const Values& values, std::size_t vector);

/// The first value in which two runs of one graph differ.
struct Difference {
  TensorId tensor;
  std::size_t element;
  std::int64_t left, right;
};

/// First differing node in graph order; nothing if all tensors are equal. Throws Error(shape) if they do not belong
/// to one graph.
std::optional<Difference> first_difference(const Graph& graph, const Values& left, const Values& right);

}  // namespace thimble::hw
