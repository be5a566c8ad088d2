#include "hw/ir/graph.h"

#include "core/base/error.h"

#include <array>

namespace thimble::hw {

Interval TensorInfo::interval() const {
  if (lo.empty()) return {0, 0};
  return {*std::min_element(lo.begin(), lo.end()), *std::max_element(hi.begin(), hi.end())};
}

FxType TensorInfo::tight(std::size_t element) const {
  return fixed::type_of(interval(element), format.at(element).f, name);
}

std::string_view name(Fold fold) {
  constexpr std::array<std::string_view, 3> kNames = {"none", "odd", "half"};
  return kNames[static_cast<std::size_t>(fold)];
}

std::string_view op_name(const Op& op) {
  constexpr std::array<std::string_view, std::variant_size_v<Op>> kNames = {
      "input",     "const",  "cmvm",        "add",     "sub",      "const_add", "relu",
      "abs",       "neg",    "leaky_shift", "requant", "mulshift", "lut",       "sum",
      "avg_shift", "concat", "reshape",     "slice",   "select",   "conv1d",    "output"};
  static_assert(std::is_same_v<std::variant_alternative_t<20, Op>, op::Output>);
  return kNames[op.index()];
}

const Table& Graph::table(std::string_view table_name) const {
  std::vector<std::string> known;
  for (const Table& table : tables) {
    if (table.name == table_name) return table;
    known.push_back(table.name);
  }
  const std::string near = text::nearest(table_name, known);
  throw Error(ErrorKind::data, text::cat("no table named '", text::printable(table_name), "'"), {},
              near.empty() ? std::string() : text::cat("did you mean ", near, "?"));
}

void Graph::add_table(Table table) {
  fixed::check(table.type, text::cat("table '", text::printable(table.name), "'"));
  for (const Table& other : tables)
    THIMBLE_CHECK(other.name != table.name, data, "two tables named '", text::printable(table.name), "'");
  THIMBLE_CHECK(!table.values.empty(), data, "table '", text::printable(table.name), "' is empty");
  for (std::size_t i = 0; i < table.values.size(); ++i)
    THIMBLE_CHECK(table.type.contains(table.values[i]), data, "table '", text::printable(table.name), "' entry ", i,
                  " = ", table.values[i], " does not fit ", table.type.str());
  tables.push_back(std::move(table));
}

std::optional<TensorId> Graph::find(std::string_view tensor_name) const {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].name == tensor_name) return static_cast<TensorId>(i);
  return {};
}

std::vector<TensorId> Graph::inputs() const {
  std::vector<TensorId> ids;
  for (const Node& node : nodes)
    if (std::holds_alternative<op::Input>(node.op)) ids.push_back(node.output);
  return ids;
}

std::vector<TensorId> Graph::outputs() const {
  std::vector<TensorId> ids;
  for (const Node& node : nodes)
    if (std::holds_alternative<op::Output>(node.op)) ids.push_back(node.inputs[0]);
  return ids;
}

namespace {

std::size_t total_size(const Graph& graph, const std::vector<TensorId>& ids) {
  std::size_t total = 0;
  for (const TensorId id : ids) total += graph.tensor(id).size();
  return total;
}

/// Row-major position taken apart around one axis: [outer][axis][inner].
struct AxisSplit {
  std::size_t outer = 1, length = 1, inner = 1;
};

AxisSplit split_axis(const Dims& shape, int axis) {
  AxisSplit split;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const auto n = static_cast<std::size_t>(shape[d]);
    (static_cast<int>(d) < axis ? split.outer : static_cast<int>(d) > axis ? split.inner : split.length) *= n;
  }
  return split;
}

std::vector<Source> joined(const Graph& graph, const Node& node, int axis) {
  std::vector<Source> sources;
  const std::size_t outer = split_axis(graph.tensor(node.inputs[0]).shape, axis).outer;
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      const AxisSplit split = split_axis(graph.tensor(node.inputs[k]).shape, axis);
      const std::size_t block = split.length * split.inner;
      for (std::size_t i = 0; i < block; ++i) sources.push_back({static_cast<int>(k), o * block + i});
    }
  return sources;
}

std::vector<Source> picked(const Graph& graph, const Node& node, int axis, const std::vector<std::int64_t>& indices) {
  std::vector<Source> sources;
  const AxisSplit split = split_axis(graph.tensor(node.inputs[0]).shape, axis);
  for (std::size_t o = 0; o < split.outer; ++o)
    for (const std::int64_t index : indices)
      for (std::size_t i = 0; i < split.inner; ++i)
        sources.push_back({0, (o * split.length + static_cast<std::size_t>(index)) * split.inner + i});
  return sources;
}

std::vector<std::int64_t> counted(std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = begin; i < end; ++i) indices.push_back(i);
  return indices;
}

}  // namespace

std::size_t Graph::input_size() const {
  return total_size(*this, inputs());
}
std::size_t Graph::output_size() const {
  return total_size(*this, outputs());
}

std::vector<Source> moved_elements(const Graph& graph, const Node& node) {
  if (const auto* concat = std::get_if<op::Concat>(&node.op)) return joined(graph, node, concat->axis);
  if (const auto* slice = std::get_if<op::Slice>(&node.op))
    return picked(graph, node, slice->axis, counted(slice->begin, slice->end));
  if (const auto* select = std::get_if<op::Select>(&node.op)) return picked(graph, node, select->axis, select->indices);
  THIMBLE_CHECK(std::holds_alternative<op::Reshape>(node.op), internal, "moved_elements: ", op_name(node.op),
                " does not only move data");
  std::vector<Source> sources(graph.tensor(node.inputs[0]).size());
  for (std::size_t i = 0; i < sources.size(); ++i) sources[i] = {0, i};
  return sources;
}

std::pair<int, int> alignment(const Graph& graph, const Node& node, std::size_t element) {
  const int a = graph.tensor(node.inputs[0]).format.at(element).f,
            b = graph.tensor(node.inputs[1]).format.at(element).f;
  return {std::max(a, b) - a, std::max(a, b) - b};
}

namespace {

fixed::Wide magnitude(std::int64_t q) {
  return q < 0 ? -fixed::Wide{q} : fixed::Wide{q};
}

fixed::Wide conv_sum_bound(const op::Conv1d& conv, const TensorInfo& x) {
  fixed::Wide largest = magnitude(conv.pad), bound = 0;
  if (x.size() > 0) largest = std::max(largest, fixed::abs(x.interval()).hi);
  for (std::int64_t o = 0; o < conv.n_out; ++o) {
    fixed::Wide sum = magnitude(conv.bias_at(o));
    for (std::int64_t t = 0; t < conv.taps; ++t)
      for (std::int64_t i = 0; i < conv.group_in(); ++i) sum += magnitude(conv.weight(t, i, o)) * largest;
    bound = std::max(bound, sum);
  }
  return bound;
}

}  // namespace

fixed::Wide partial_sum_bound(const Graph& graph, const Node& node) {
  if (const auto* conv = std::get_if<op::Conv1d>(&node.op)) return conv_sum_bound(*conv, graph.tensor(node.inputs[0]));
  const auto& cmvm = std::get<op::Cmvm>(node.op);
  const TensorInfo& x = graph.tensor(node.inputs[0]);
  std::vector<fixed::Wide> largest(static_cast<std::size_t>(cmvm.n_in), 0);
  for (std::size_t e = 0; e < x.size(); ++e) {
    const Interval magnitude = fixed::abs(x.interval(e));
    auto& place = largest[e % largest.size()];
    place = std::max(place, magnitude.hi);
  }
  fixed::Wide bound = 0;
  for (std::int64_t j = 0; j < cmvm.n_out; ++j) {
    fixed::Wide sum = magnitude(cmvm.bias_at(j));
    for (std::int64_t i = 0; i < cmvm.n_in; ++i)
      sum += magnitude(cmvm.weight(i, j)) * largest[static_cast<std::size_t>(i)];
    bound = std::max(bound, sum);
  }
  return bound;
}

}  // namespace thimble::hw
