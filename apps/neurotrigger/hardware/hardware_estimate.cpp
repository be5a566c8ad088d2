#include "apps/neurotrigger/hardware/hardware_estimate.h"

#include "core/base/error.h"

#include <algorithm>
#include <bit>

namespace thimble::neurotrigger {
namespace {

constexpr std::int64_t kBlockRamBits = 36 * 1024;

std::int64_t ceil_log2(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(n - 1)));
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

LayerEstimate layer_of(const hw::op::Cmvm& op, const std::string& name, const HardwareKeys& keys, std::int64_t m) {
  LayerEstimate layer{name, op.n_in, op.n_out};
  layer.macs = (op.n_in + 1) * op.n_out;
  layer.multiplex = m;
  layer.multipliers = ceil_div(layer.macs, m);
  const std::int64_t tree = ceil_log2(op.n_in + 1), behind = keys.c_acc < 0 ? tree : keys.c_acc;
  layer.cycles = keys.c_mul + (m == 1 ? tree : m + behind) + keys.c_lut;
  return layer;
}

std::vector<std::pair<const hw::op::Cmvm*, std::string>> matrices(const hw::Graph& graph) {
  std::vector<std::pair<const hw::op::Cmvm*, std::string>> found;
  for (const hw::Node& node : graph.nodes)
    if (const auto* op = std::get_if<hw::op::Cmvm>(&node.op)) found.emplace_back(op, graph.tensor(node.output).name);
  return found;
}

void add_tables(const hw::Graph& graph, Estimate& e) {
  for (const hw::Node& node : graph.nodes) {
    const auto* op = std::get_if<hw::op::Lut>(&node.op);
    if (op == nullptr) continue;
    const hw::Table& table = graph.table(op->table);
    const auto entries = static_cast<std::int64_t>(table.values.size()) - 1;
    const auto ports = static_cast<std::int64_t>(graph.tensor(node.output).size());
    e.table_entries = std::max(e.table_entries, entries);
    e.table_width = std::max<std::int64_t>(e.table_width, table.type.f);
    e.table_ports += ports;
    e.block_rams += static_cast<double>(ports * ceil_div(entries * table.type.f, kBlockRamBits)) / 2;
  }
}

report::Column text_column(const char* name) {
  return {name, "", true, false};
}

report::Cell whole(std::int64_t value) {
  return text::grouped(value);
}

double nanoseconds(std::int64_t cycles, const HardwareKeys& keys) {
  return static_cast<double>(cycles) * 1e3 / keys.clock_mhz;
}

}  // namespace

int weight_width(const HardwareModel& model) {
  constexpr int kIntegerBitsA = 7;
  return model.letter == 'A' ? kIntegerBitsA + model.bits.weight : model.bits.weight + 1;
}

Estimate estimate(const hw::Graph& graph, const HardwareKeys& keys, int weight_width) {
  const auto layers = matrices(graph);
  if (!keys.multiplex.empty() && keys.multiplex.size() != layers.size())
    throw Error(
        ErrorKind::config,
        text::cat("hw.multiplex has ", keys.multiplex.size(), " numbers, the network ", layers.size(), " layers"),
        {"", 0, 0, "hw.multiplex"}, "give one number per layer, for example [4,1]");
  Estimate e;
  e.cycles = keys.c_in + keys.c_out;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    e.layers.push_back(
        layer_of(*layers[i].first, layers[i].second, keys, keys.multiplex.empty() ? 1 : keys.multiplex[i]));
    e.macs += e.layers.back().macs;
    e.multipliers += e.layers.back().multipliers;
    e.cycles += e.layers.back().cycles;
  }
  e.latency_ns = nanoseconds(e.cycles, keys);
  e.in_budget = e.latency_ns <= keys.budget_ns;
  e.weight_bits = e.macs * weight_width;
  add_tables(graph, e);
  return e;
}

std::string estimate_sentence(const Estimate& e, const HardwareKeys& keys) {
  return text::cat("by formula: ", e.cycles, " cycles = ", text::fixed(e.latency_ns, 0), " ns at ",
                   text::shortest(keys.clock_mhz), " MHz (", e.in_budget ? "inside" : "beyond", " the ",
                   text::shortest(keys.budget_ns), " ns of the trigger), ", text::grouped(e.multipliers),
                   " multipliers, ", text::shortest(e.block_rams), " block RAMs for tables");
}

report::Table estimate_table(const Estimate& e, const HardwareKeys& keys, std::int64_t networks) {
  report::Table table;
  table.title = "Estimate by formula";
  table.note = text::cat("per layer: ", keys.c_mul, " cycles for the product, the adder tree (or m + ",
                         keys.c_acc < 0 ? std::string("tree") : text::to_text(keys.c_acc), " when m products share a ",
                         "multiplier), ", keys.c_lut, " for the table; ", text::significant(keys.clock_mhz, 4), " MHz");
  table.columns = {text_column("layer"),
                   {"inputs", "", false, false},
                   {"outputs", "", false, false},
                   {"products", "", false, false},
                   {"shared by", "", false, false},
                   {"multipliers", "", false, false},
                   {"latency", "cycles", false, false},
                   {"latency", "ns", false, false}};
  for (const LayerEstimate& layer : e.layers)
    table.rows.push_back({layer.name, whole(layer.inputs), whole(layer.outputs), whole(layer.macs),
                          whole(layer.multiplex), whole(layer.multipliers), whole(layer.cycles),
                          report::number(nanoseconds(layer.cycles, keys), 1)});
  table.rows.push_back(
      {"network", "", "", whole(e.macs), "", whole(e.multipliers), whole(e.cycles), report::number(e.latency_ns, 1)});
  table.last_is_total = true;
  table.note += text::cat(
      "; tables: ", whole(e.table_ports).text, " ports x ", whole(e.table_entries).text, " x ", e.table_width,
      " bits = ", text::shortest(e.block_rams), " block RAMs of 36 Kbit; weights: ", whole(e.weight_bits).text,
      " bits, ", whole(networks * e.weight_bits).text, " for ", networks, networks == 1 ? " network" : " networks");
  return table;
}

report::Table published_table(const Estimate& e, const HardwareKeys& keys, std::int64_t latency_cycles) {
  report::Table table;
  table.title = "Beside the trigger in operation";
  table.note =
      "published: BASF2 sources and the summaries of the track trigger's theses; DSP and LUT shares of the 27-81-2 "
      "design and its measured latency are not published";
  table.columns = {text_column("quantity"), text_column("published"), text_column("here")};
  std::vector<std::string> sizes{e.layers.empty() ? "" : text::to_text(e.layers.front().inputs)};
  for (const LayerEstimate& layer : e.layers) sizes.push_back(text::to_text(layer.outputs));
  const auto time = [&](std::int64_t cycles) {
    return text::cat(cycles, " cycles, ", text::fixed(nanoseconds(cycles, keys), 0), " ns");
  };
  table.rows = {{"network", "27-81-2, five experts", text::join(sizes, "-")},
                {"time for the network", text::cat(text::shortest(keys.budget_ns), " ns"),
                 text::cat(time(latency_cycles), " in this Verilog at ", text::shortest(keys.clock_mhz), " MHz")},
                {"", "", text::cat(time(e.cycles), " by formula, one multiplier per product or as hw.multiplex says")},
                {"clock of the logic", "about 127 MHz", text::cat(text::shortest(keys.clock_mhz), " MHz assumed")},
                {"network latency on an FPGA of a graph network", "632.4 ns", ""}};
  return table;
}

}  // namespace thimble::neurotrigger
