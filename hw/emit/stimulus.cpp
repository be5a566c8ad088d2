#include "hw/emit/stimulus.h"

#include "core/base/error.h"
#include "core/random/splitmix.h"

namespace thimble::hw {
namespace {

struct Element {
  std::int64_t lo, hi;
  std::int64_t rest() const { return std::clamp<std::int64_t>(0, lo, hi); }
};

std::vector<Element> elements_of(const Graph& graph) {
  std::vector<Element> elements;
  for (const TensorId id : graph.inputs()) {
    const TensorInfo& port = graph.tensor(id);
    for (std::size_t i = 0; i < port.size(); ++i) elements.push_back({port.lo[i], port.hi[i]});
  }
  return elements;
}

/// One vector from a rule (element, index) -> integer.
template <class Rule>
std::vector<std::int64_t> made(const std::vector<Element>& elements, Rule rule) {
  std::vector<std::int64_t> row;
  for (std::size_t i = 0; i < elements.size(); ++i)
    row.push_back(std::clamp<std::int64_t>(rule(elements[i], i), elements[i].lo, elements[i].hi));
  return row;
}

/// Position of a port's first element among all input elements; nothing if the tensor is no input.
std::optional<std::size_t> port_offset(const Graph& graph, TensorId tensor) {
  std::size_t offset = 0;
  for (const TensorId id : graph.inputs()) {
    if (id == tensor) return offset;
    offset += graph.tensor(id).size();
  }
  return {};
}

void append_rows(Vectors& to, const Vectors& from, std::size_t most) {
  for (std::size_t r = 0; r < std::min(from.rows(), most); ++r) to.push(from.row(r));
}

void check_rows(const Graph& graph, const Vectors& data) {
  const auto elements = elements_of(graph);
  THIMBLE_CHECK(data.rows() == 0 || data.width == elements.size(), data, "recorded vectors have ", data.width,
                " elements, the graph takes ", elements.size());
  for (std::size_t i = 0; i < data.data.size(); ++i) {
    const Element& e = elements[i % data.width];
    THIMBLE_CHECK(e.lo <= data.data[i] && data.data[i] <= e.hi, data, "recorded vector ", i / data.width, " element ",
                  i % data.width, " = ", data.data[i], " is outside [", e.lo, ", ", e.hi, ']');
  }
}

}  // namespace

Vectors corner_vectors(const Graph& graph) {
  const auto elements = elements_of(graph);
  Vectors out{.width = elements.size()};
  out.push(made(elements, [](const Element& e, std::size_t) { return e.lo; }));
  out.push(made(elements, [](const Element& e, std::size_t) { return e.hi; }));
  out.push(made(elements, [](const Element& e, std::size_t i) { return i % 2 == 0 ? e.hi : e.lo; }));
  out.push(made(elements, [](const Element& e, std::size_t i) { return i % 2 == 0 ? e.lo : e.hi; }));
  for (const std::int64_t value : {0, 1, -1})
    out.push(made(elements, [&](const Element&, std::size_t) { return value; }));
  return out;
}

Vectors one_hot_vectors(const Graph& graph) {
  const auto elements = elements_of(graph);
  Vectors out{.width = elements.size()};
  for (std::size_t hot = 0; hot < elements.size(); ++hot)
    for (const bool high : {false, true})
      out.push(made(elements, [&](const Element& e, std::size_t i) {
        return i != hot ? e.rest() : high ? e.hi : e.lo;
      }));
  return out;
}

Vectors directed_vectors(const Graph& graph) {
  const auto elements = elements_of(graph);
  Vectors out{.width = elements.size()};
  for (const Node& node : graph.nodes) {
    const auto* cmvm = std::get_if<op::Cmvm>(&node.op);
    const auto offset = cmvm != nullptr ? port_offset(graph, node.inputs[0]) : std::nullopt;
    if (!offset || graph.tensor(node.inputs[0]).shape.size() != 1) continue;
    for (std::int64_t j = 0; j < cmvm->n_out; ++j)
      for (const bool high : {false, true})
        out.push(made(elements, [&](const Element& e, std::size_t i) {
          if (i < *offset || i >= *offset + static_cast<std::size_t>(cmvm->n_in)) return e.rest();
          return (cmvm->weight(static_cast<std::int64_t>(i - *offset), j) > 0) == high ? e.hi : e.lo;
        }));
  }
  return out;
}

Vectors random_vectors(const Graph& graph, std::size_t count, std::uint64_t seed) {
  const auto elements = elements_of(graph);
  Vectors out{.width = elements.size()};
  SplitMix64 random(seed);
  out.data.reserve(count * elements.size());
  for (std::size_t v = 0; v < count; ++v)
    for (const Element& e : elements) out.data.push_back(random.uniform(e.lo, e.hi));
  return out;
}

Vectors stimulus(const Graph& graph, std::size_t count, std::uint64_t seed, const Vectors& data) {
  check_rows(graph, data);
  Vectors out{.width = graph.input_size()};
  append_rows(out, corner_vectors(graph), count);
  append_rows(out, one_hot_vectors(graph), std::min(count / 4, count - out.rows()));
  append_rows(out, directed_vectors(graph), std::min(count / 4, count - out.rows()));
  append_rows(out, data, (count - out.rows()) / 2);
  append_rows(out, random_vectors(graph, count - out.rows(), seed), count - out.rows());
  return out;
}

}  // namespace thimble::hw
