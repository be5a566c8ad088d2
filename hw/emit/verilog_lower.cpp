#include "hw/emit/verilog_lower.h"

#include "core/base/error.h"

#include "hw/emit/identifiers.h"
#include "hw/ir/json.h"

#include <algorithm>

namespace thimble::hw::rtl {

using text::cat;

namespace {

constexpr std::size_t kNameBytes = 40;  // leaves room for element numbers and stages

constexpr const char* kPorts[] = {"clk", "rst", "in_valid", "in_last", "in_ready", "x", "out_valid", "y"};

}  // namespace

Context::Context(const Graph& graph_in, VerilogDesign& design_in) : graph(graph_in), design(design_in) {
  Identifiers identifiers(kNameBytes);
  for (const char* port : kPorts) {
    names.unique(port);
    identifiers.reserve(port);
  }
  for (const TensorInfo& tensor : graph.tensors) tensor_names.push_back(identifiers.unique(tensor.name, "t"));
}

std::string Context::element(TensorId tensor, std::size_t index) const {
  return cat(tensor_names[static_cast<std::size_t>(tensor)], "_", index);
}

std::string Context::memory(const std::string& wish, int width, const std::vector<std::string>& words) {
  const std::string name = names.unique(wish);
  const std::string file = cat(design.module, "_", name, ".mem");
  std::string image;
  for (const std::string& word : words) image += word + "\n";
  design.files.push_back({cat("rtl/", file), std::move(image)});
  design.rom_bits += static_cast<std::int64_t>(width) * static_cast<std::int64_t>(words.size());
  memory_text += cat("  reg ", bus(width), " ", name, " [0:", words.size() - 1, "];\n  initial $readmemh(\"", file,
                     "\", ", name, ");\n");
  return name;
}

const std::string& Context::table_memory(const Table& table) {
  const auto found = memories.find(table.name);
  if (found != memories.end()) return found->second;
  const int width = fixed::width_of(range_of_table(table));
  std::vector<std::string> words;
  for (const std::int64_t value : table.values) words.push_back(hex_word(value, width));
  return memories[table.name] = memory(cat("rom_", Identifiers(kNameBytes).unique(table.name, "table")), width, words);
}

bool is_elementwise(const Op& op) {
  return std::visit(Visitor{[](const op::Input&) { return false; }, [](const op::Const&) { return false; },
                            [](const op::Cmvm&) { return false; }, [](const op::Sum&) { return false; },
                            [](const op::AvgShift&) { return false; }, [](const op::Concat&) { return false; },
                            [](const op::Reshape&) { return false; }, [](const op::Slice&) { return false; },
                            [](const op::Select&) { return false; }, [](const op::Output&) { return false; },
                            [](const op::Conv1d&) { return false; }, [](const auto&) { return true; }},
                    op);
}

namespace {

const Format& input_format(const Context& context, const Node& node) {
  return context.graph.tensor(node.inputs.front()).format;
}

Ref aligned_sum(Context& context, Netlist& net, const Node& node, const std::string& name, const std::vector<Ref>& x,
                std::size_t index, int sign, Interval result) {
  const auto [a, b] = alignment(context.graph, node, index);
  return sum(net, name, {{Wide{1} << a, x[0]}, {sign * (Wide{1} << b), x[1]}}, 0, result);
}

}  // namespace

Ref elementwise(Context& context, Netlist& net, const Node& node, const std::string& name, const std::vector<Ref>& x,
                std::size_t index, Interval result) {
  const auto shifted = [&](const op::ConstAdd& op) {
    return sum(net, name, {{1, x[0]}}, op.c[op.c.size() == 1 ? 0 : index % op.c.size()], result);
  };
  const auto convert = [&](const op::Requant& op) {
    return requant(net, name, x[0], input_format(context, node).at(index).f, op.format.at(index), op.round, op.overflow,
                   result);
  };
  const auto look_up = [&](const op::Lut& op) {
    const Table& table = context.graph.table(op.table);
    if (result.lo != result.hi) ++context.design.table_ports;
    return lookup(net, name, x[0], input_format(context, node).at(index), op, table, context.table_memory(table),
                  result);
  };
  return std::visit(
      Visitor{[&](const op::Add&) { return aligned_sum(context, net, node, name, x, index, 1, result); },
              [&](const op::Sub&) { return aligned_sum(context, net, node, name, x, index, -1, result); }, shifted,
              [&](const op::Relu&) { return relu(net, name, x[0], result); },
              [&](const op::Abs&) { return absolute(net, name, x[0], result); },
              [&](const op::Neg&) { return negate(net, name, x[0], result); },
              [&](const op::LeakyShift& op) { return leaky_shift(net, name, x[0], op, result); }, convert,
              [&](const op::MulShift& op) { return mulshift(net, name, x[0], op.rule, index, result); }, look_up,
              [&](const auto&) -> Ref { fail(ErrorKind::internal, "node '", name, "' is not elementwise"); }},
      node.op);
}

namespace {

const TensorInfo& result_of(const Context& context, const Node& node) {
  return context.graph.tensor(node.output);
}

std::vector<Ref> lower_constant(Context& context, Netlist& net, const Node& node) {
  std::vector<Ref> out;
  for (const std::int64_t value : result_of(context, node).lo) out.push_back(net.constant(value));
  return out;
}

/// Every row of the input times the matrix.
std::vector<Ref> lower_cmvm(Context& context, Netlist& net, const Node& node, const op::Cmvm& op,
                            const std::vector<Ref>& x) {
  const TensorInfo& info = result_of(context, node);
  std::vector<Ref> out;
  for (std::size_t element = 0; element < info.size(); ++element) {
    const auto column = static_cast<std::int64_t>(element) % op.n_out;
    const auto row = static_cast<std::int64_t>(element) / op.n_out;
    std::vector<Term> terms;
    for (std::int64_t i = 0; i < op.n_in; ++i) {
      const std::int64_t weight = op.weight(i, column);
      if (weight == 0) continue;
      terms.push_back({weight, x[static_cast<std::size_t>(row * op.n_in + i)]});
      ++context.design.constant_multiplications;
    }
    out.push_back(sum(net, context.element(node.output, element), terms, op.bias_at(column), info.interval(element)));
  }
  return out;
}

/// Every patch times the filters; padding is a constant.
std::vector<Ref> lower_conv(Context& context, Netlist& net, const Node& node, const op::Conv1d& op,
                            const std::vector<Ref>& x) {
  const TensorInfo& info = result_of(context, node);
  const std::int64_t length = context.graph.tensor(node.inputs.front()).shape[0];
  std::vector<Ref> out;
  for (std::size_t element = 0; element < info.size(); ++element) {
    const std::int64_t p = static_cast<std::int64_t>(element) / op.n_out,
                       o = static_cast<std::int64_t>(element) % op.n_out;
    std::vector<Term> terms;
    for (std::int64_t t = 0; t < op.taps; ++t) {
      const std::int64_t at = op.source(p, t);
      for (std::int64_t i = 0; i < op.group_in(); ++i) {
        if (op.weight(t, i, o) == 0) continue;
        const bool inside = at >= 0 && at < length;
        terms.push_back({op.weight(t, i, o),
                         inside ? x[static_cast<std::size_t>(at * op.n_in + op.first(o) + i)] : net.constant(op.pad)});
        context.design.constant_multiplications += inside ? 1 : 0;
      }
    }
    out.push_back(sum(net, context.element(node.output, element), terms, op.bias_at(o), info.interval(element)));
  }
  return out;
}

/// Sum over an axis: the elements that differ only there.
std::vector<Ref> lower_sum(Context& context, Netlist& net, const Node& node, int axis, const std::vector<Ref>& x) {
  const TensorInfo& in = context.graph.tensor(node.inputs.front());
  const TensorInfo& info = result_of(context, node);
  const auto length = static_cast<std::size_t>(in.shape[static_cast<std::size_t>(axis)]);
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < in.shape.size(); ++i) {
    inner *= static_cast<std::size_t>(in.shape[i]);
  }
  std::vector<Ref> out;
  for (std::size_t element = 0; element < info.size(); ++element) {
    std::vector<Term> terms;
    for (std::size_t k = 0; k < length; ++k) {
      terms.push_back({1, x[(element / inner * length + k) * inner + element % inner]});
    }
    out.push_back(sum(net, context.element(node.output, element), terms, 0, info.interval(element)));
  }
  return out;
}

std::vector<Ref> lower_elementwise(Context& context, Netlist& net, const Node& node, const Elements& values) {
  const TensorInfo& info = result_of(context, node);
  std::vector<Ref> out;
  for (std::size_t element = 0; element < info.size(); ++element) {
    std::vector<Ref> x;
    for (const TensorId input : node.inputs) x.push_back(values[static_cast<std::size_t>(input)][element]);
    out.push_back(
        elementwise(context, net, node, context.element(node.output, element), x, element, info.interval(element)));
  }
  return out;
}

std::vector<Ref> lower_moved(const Context& context, const Node& node, const Elements& values) {
  std::vector<Ref> out;
  for (const Source& source : moved_elements(context.graph, node)) {
    const TensorId from = node.inputs[static_cast<std::size_t>(source.input)];
    out.push_back(values[static_cast<std::size_t>(from)][source.element]);
  }
  return out;
}

}  // namespace

std::vector<Ref> lower(Context& context, Netlist& net, const Node& node, const Elements& values) {
  if (is_elementwise(node.op)) return lower_elementwise(context, net, node, values);
  const auto x = [&]() -> const std::vector<Ref>& { return values[static_cast<std::size_t>(node.inputs.front())]; };
  return std::visit(Visitor{[&](const op::Const&) { return lower_constant(context, net, node); },
                            [&](const op::Cmvm& op) { return lower_cmvm(context, net, node, op, x()); },
                            [&](const op::Conv1d& op) { return lower_conv(context, net, node, op, x()); },
                            [&](const op::Sum& op) { return lower_sum(context, net, node, op.axis, x()); },
                            [&](const op::AvgShift& op) { return lower_sum(context, net, node, op.axis, x()); },
                            [&](const op::Input&) { return std::vector<Ref>{}; },
                            [&](const op::Output&) { return std::vector<Ref>{}; },
                            [&](const auto&) { return lower_moved(context, node, values); }},
                    node.op);
}

std::vector<PortBit> port_bits(const Graph& graph, const std::vector<TensorId>& ports, int& total) {
  std::vector<PortBit> out;
  total = 0;
  for (const TensorId port : ports) {
    const TensorInfo& info = graph.tensor(port);
    for (std::size_t element = 0; element < info.size(); ++element) {
      const int width = info.format.at(element).w;
      out.push_back({port, element, total, width});
      total += width;
    }
  }
  return out;
}

std::string packed(const std::vector<std::string>& from_lowest) {
  std::string out = "{";
  for (auto it = from_lowest.rbegin(); it != from_lowest.rend(); ++it) out += (out.size() > 1 ? ", " : "") + *it;
  return out + "}";
}

std::string valid_in(const std::string& name, const std::string& source, int stage) {
  return stage == 0 ? source : cat(name, "[", stage - 1, "]");
}

std::string valid_chain(const std::string& name, const std::string& source, int depth) {
  const std::string next = depth == 1 ? source : cat("{", name, "[", depth - 2, ":0], ", source, "}");
  return cat("  reg ", bus(depth), " ", name, ";\n  always @(posedge clk) ", name, " <= rst ? ", depth, "'d0 : ", next,
             ";\n");
}

std::string module_head(const Context& context, bool with_ready) {
  const VerilogDesign& design = context.design;
  return cat("// ", comment_text(context.graph.name), ", FXIR sha256 ", hash_of(context.graph), "\n// ",
             name(design.timing), " schedule, ", design.latency, " clock cycles, one vector every ", design.interval,
             "\nmodule ", design.module, " (\n  input wire clk,\n  input wire rst,\n  input wire in_valid,\n",
             with_ready ? "  output wire in_ready,\n" : "", "  input wire ", bus(design.input_bits),
             " x,\n  output wire out_valid,\n  output wire ", bus(design.output_bits), " y\n);\n");
}

void emit_parallel(Context& context, const VerilogOptions& options) {
  const Graph& graph = context.graph;
  VerilogDesign& design = context.design;
  Netlist net(context.names, options.levels_per_stage);
  Elements values(graph.tensors.size());
  std::string inputs;
  for (const PortBit& bit : port_bits(graph, graph.inputs(), design.input_bits)) {
    auto& elements = values[static_cast<std::size_t>(bit.tensor)];
    const Interval range = graph.tensor(bit.tensor).interval(bit.element);
    if (range.lo == range.hi) {
      elements.push_back(net.constant(range.lo));
      continue;
    }
    const std::string name = context.names.unique(context.element(bit.tensor, bit.element));
    const int width = fixed::width_of(range);
    inputs += cat("  reg ", bus(width), " ", name, ";\n  always @(posedge clk) ", name, " <= x[",
                  bit.offset + width - 1, ":", bit.offset, "];\n");
    elements.push_back(net.port(name, range));
  }
  for (const Node& node : graph.nodes) {
    if (node.output >= 0 && !std::holds_alternative<op::Input>(node.op)) {
      values[static_cast<std::size_t>(node.output)] = lower(context, net, node, values);
    }
  }
  const std::vector<PortBit> outputs = port_bits(graph, graph.outputs(), design.output_bits);
  std::vector<Ref> results;
  for (const PortBit& bit : outputs) results.push_back(values[static_cast<std::size_t>(bit.tensor)][bit.element]);
  const int depth = net.finish(results);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::string word = extended(net, results[i], 0, outputs[i].width);
    for (std::size_t at; (at = word.find("@0;")) != std::string::npos;) {
      word.replace(at, 3, net.name_in(results[i], depth));
    }
    words.push_back(word);
  }
  const std::string valid = context.names.unique("valid");
  design.latency = depth + 1;
  design.stages = depth + 1;
  design.register_bits = net.register_bits() + depth + 1;
  for (std::size_t t = 0; t < values.size(); ++t) {
    for (std::size_t e = 0; e < values[t].size(); ++e) {
      const Value& value = net[values[t][e]];
      if (value.kind == Value::Kind::constant) continue;
      design.taps.push_back({static_cast<TensorId>(t), e, values[t].size(), 1, value.name,
                             valid_in(valid, "in_valid", value.stage + 1), value.width, value.is_signed});
      if (value.kind == Value::Kind::port) design.register_bits += value.width;
    }
  }
  std::string& text = design.files.front().text;
  text += module_head(context, false) + context.memory_text + inputs + net.print() +
          valid_chain(valid, "in_valid", depth + 1) + cat("  assign out_valid = ", valid, "[", depth, "];\n") +
          cat("  assign y = ", packed(words), ";\nendmodule\n");
}

}  // namespace thimble::hw::rtl
