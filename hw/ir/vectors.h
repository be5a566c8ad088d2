#pragma once
// Stimulus and expected vectors: what every engine is fed with and must answer.

#include "hw/ir/graph.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::hw {

/// Rows of stored integers, row-major.
struct Vectors {
  std::size_t width = 0;
  std::vector<std::int64_t> data = {};

  std::size_t rows() const { return width == 0 ? 0 : data.size() / width; }
  std::span<const std::int64_t> row(std::size_t r) const { return {data.data() + r * width, width}; }
  void push(std::span<const std::int64_t> row) { data.insert(data.end(), row.begin(), row.end()); }
  bool operator==(const Vectors&) const = default;
};

/// Formats of all elements of the ports in order; their widths are the widths of the packed ports.
std::vector<FxType> input_types(const Graph& graph);
std::vector<FxType> output_types(const Graph& graph);

/// Decimal text form: one vector per line, elements separated by one space, a newline after every line. Its SHA-256 is
/// the identity of a set of vectors.
std::string vectors_text(const Vectors& vectors);
/// Reads the text form back. Throws Error(data) with file and line for a wrong count, anything but integers and single
/// spaces, or a missing last newline.
Vectors parse_vectors(std::string_view text, std::size_t width, const std::string& file);

/// `$readmemh` form: one vector per line as one lower-case hexadecimal number, element 0 in the lowest bits, every
/// element in two's complement of its type's width, zeros on the left up to a whole digit.
std::string memory_text(const Vectors& vectors, const std::vector<FxType>& types);
/// Reads it back. Throws Error(data) with file and line for a wrong number of digits, other characters or padding bits
/// that are not zero.
Vectors parse_memory(std::string_view text, const std::vector<FxType>& types, const std::string& file);

}  // namespace thimble::hw
