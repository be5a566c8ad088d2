#include "apps/neurotrigger/hardware/hardware_ranges.h"

#include "core/base/error.h"

#include "hw/sim/interpreter.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

std::vector<hw::TensorId> sums_of(const hw::Graph& graph) {
  std::vector<hw::TensorId> tensors;
  for (const hw::Node& node : graph.nodes)
    if (std::holds_alternative<hw::op::Cmvm>(node.op)) tensors.push_back(node.output);
  return tensors;
}

/// |bias_j| + sum_i |K_ij| * max |x_i|
fixed::Wide bound_of(const hw::op::Cmvm& op, const hw::TensorInfo& x, std::int64_t j) {
  const auto magnitude = [](fixed::Wide v) { return v < 0 ? -v : v; };
  fixed::Wide bound = magnitude(op.bias_at(j));
  for (std::int64_t i = 0; i < op.n_in; ++i) {
    const auto at = static_cast<std::size_t>(i);
    bound += magnitude(op.weight(i, j)) * std::max(magnitude(x.lo[at]), magnitude(x.hi[at]));
  }
  return bound;
}

int bits_of_interval(std::int64_t low, std::int64_t high) {
  return fixed::width_of(fixed::hull({low, high}, {-1, 0}));
}

std::vector<LayerRange> proven_ranges(const hw::Graph& graph) {
  std::vector<LayerRange> layers;
  for (const hw::Node& node : graph.nodes) {
    const auto* op = std::get_if<hw::op::Cmvm>(&node.op);
    if (op == nullptr) continue;
    const hw::TensorInfo &y = graph.tensor(node.output), &x = graph.tensor(node.inputs[0]);
    LayerRange layer{y.name, {}};
    for (std::int64_t j = 0; j < op->n_out; ++j) {
      const auto at = static_cast<std::size_t>(j);
      NeuronRange range;
      range.bound = static_cast<std::int64_t>(bound_of(*op, x, j));
      range.low = y.lo[at];
      range.high = y.hi[at];
      range.bits = bits_of_interval(range.low, range.high);
      layer.neurons.push_back(range);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

void see(NeuronRange& range, std::int64_t value, bool first) {
  THIMBLE_CHECK(range.low <= value && value <= range.high && range.bound >= (value < 0 ? -value : value), internal,
                "a sum of ", value, " left its proven interval ", range.low, " .. ", range.high);
  range.seen_low = first ? value : std::min(range.seen_low, value);
  range.seen_high = first ? value : std::max(range.seen_high, value);
}

}  // namespace

const NeuronRange& LayerRange::largest() const {
  return *std::max_element(neurons.begin(), neurons.end(),
                           [](const NeuronRange& a, const NeuronRange& b) { return a.bound < b.bound; });
}

hw::Graph with_sums(const hw::Graph& graph) {
  hw::Graph out = graph;
  for (const hw::TensorId sums : sums_of(graph)) out.append("", hw::op::Output{}, {sums});
  return out;
}

std::vector<LayerRange> accumulator_ranges(const hw::Graph& graph, const hw::Vectors& inputs) {
  std::vector<LayerRange> layers = proven_ranges(graph);
  if (inputs.rows() == 0) return layers;
  const hw::Vectors values = hw::interpret(with_sums(graph), inputs);
  for (std::size_t row = 0; row < values.rows(); ++row) {
    std::size_t at = row * values.width + graph.output_size();
    for (LayerRange& layer : layers)
      for (NeuronRange& neuron : layer.neurons) see(neuron, values.data[at++], row == 0);
  }
  for (LayerRange& layer : layers)
    for (NeuronRange& neuron : layer.neurons) neuron.seen_bits = bits_of_interval(neuron.seen_low, neuron.seen_high);
  return layers;
}

report::Table range_table(const std::vector<LayerRange>& layers, std::size_t tracks) {
  report::Table table;
  table.title = "Largest sums";
  table.note = text::cat("bound: |bias| + sum |weight| * largest |input|, which no input can exceed; seen on ", tracks,
                         " tracks; bits with sign. A register of the proven bits cannot overflow");
  table.columns = {{"layer", "", true, false},        {"neurons", "", false, false},
                   {"bound", "", false, false},       {"proven", "bits", false, false},
                   {"seen lowest", "", false, false}, {"seen highest", "", false, false},
                   {"seen", "bits", false, false}};
  for (const LayerRange& layer : layers) {
    NeuronRange all = layer.neurons.front();
    for (const NeuronRange& n : layer.neurons) {
      all.bits = std::max(all.bits, n.bits);
      all.seen_bits = std::max(all.seen_bits, n.seen_bits);
      all.seen_low = std::min(all.seen_low, n.seen_low);
      all.seen_high = std::max(all.seen_high, n.seen_high);
    }
    table.rows.push_back({layer.name, text::grouped(static_cast<std::int64_t>(layer.neurons.size())),
                          text::grouped(layer.largest().bound), text::to_text(all.bits), text::grouped(all.seen_low),
                          text::grouped(all.seen_high), text::to_text(all.seen_bits)});
  }
  return table;
}

report::Table neuron_table(const std::vector<LayerRange>& layers) {
  report::Table table;
  table.title = "Sums of every neuron";
  table.columns = {{"neuron", "", true, false},        {"bound", "", false, false},
                   {"lowest", "", false, false},       {"highest", "", false, false},
                   {"proven", "bits", false, false},   {"seen lowest", "", false, false},
                   {"seen highest", "", false, false}, {"seen", "bits", false, false}};
  for (const LayerRange& layer : layers)
    for (std::size_t j = 0; j < layer.neurons.size(); ++j) {
      const NeuronRange& n = layer.neurons[j];
      table.rows.push_back({text::cat(layer.name, '[', j, ']'), text::grouped(n.bound), text::grouped(n.low),
                            text::grouped(n.high), text::to_text(n.bits), text::grouped(n.seen_low),
                            text::grouped(n.seen_high), text::to_text(n.seen_bits)});
    }
  return table;
}

}  // namespace thimble::neurotrigger
