#include "hw/sim/trace.h"

#include "core/base/error.h"

namespace thimble::hw {
namespace {

void append_row(std::string& text, std::span<const std::int64_t> row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) text += ' ';
    text += std::to_string(row[i]);
  }
  text += '\n';
}

}  // namespace

std::string vectors_text(std::span<const std::int64_t> values, std::size_t width) {
  THIMBLE_CHECK(width > 0 && values.size() % width == 0, shape, "vectors_text: ", values.size(), " values in rows of ",
                width);
  std::string text;
  text.reserve(values.size() * 5);
  for (std::size_t at = 0; at < values.size(); at += width) append_row(text, values.subspan(at, width));
  return text;
}

std::string trace_text(const Graph& graph, const Values& values, std::size_t vector) {
  std::string text;
  for (const Node& node : graph.nodes) {
    if (node.output < 0) continue;
    text += text::cat(vector, ' ', text::printable(graph.tensor(node.output).name), ' ');
    append_row(text, values[static_cast<std::size_t>(node.output)]);
  }
  return text;
}

std::optional<Difference> first_difference(const Graph& graph, const Values& left, const Values& right) {
  THIMBLE_CHECK(left.size() == graph.tensors.size() && right.size() == left.size(), shape, "first_difference: runs of ",
                left.size(), " and ", right.size(), " tensors");
  for (const Node& node : graph.nodes) {
    if (node.output < 0) continue;
    const auto& a = left[static_cast<std::size_t>(node.output)];
    const auto& b = right[static_cast<std::size_t>(node.output)];
    THIMBLE_CHECK(a.size() == b.size(), shape, "first_difference: tensors of ", a.size(), " and ", b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a[i] != b[i]) return Difference{node.output, i, a[i], b[i]};
  }
  return {};
}

}  // namespace thimble::hw
