#include "core/io/atomic_file.h"
#include "core/io/hash.h"
#include "core/io/json.h"

#include "hw/ir/json.h"

#include <nlohmann/json.hpp>

namespace thimble::hw {
namespace {

using nlohmann::json;

constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53;

/// Integers that a reader with doubles would damage travel as text.
json stored(std::int64_t value) {
  if (value > kExactInDouble || value < -kExactInDouble) return std::to_string(value);
  return value;
}
json stored(const std::vector<std::int64_t>& values) {
  json list = json::array();
  for (const std::int64_t value : values) list.push_back(stored(value));
  return list;
}
json written(const FxType& type) {
  return {{"w", type.w}, {"s", type.s ? 1 : 0}, {"f", type.f}};
}
json written(const Format& format) {
  if (format.uniform()) return written(format.type);
  json list = json::array();
  for (const FxType& type : format.channels) list.push_back(written(type));
  return list;
}
json written(const Interval& interval) {
  return {stored(static_cast<std::int64_t>(interval.lo)), stored(static_cast<std::int64_t>(interval.hi))};
}

/// Weights as [taps][channels of a group][n_out]; what has its usual value is left out.
json conv_members(const op::Conv1d& o) {
  json taps = json::array();
  for (std::int64_t t = 0; t < o.taps; ++t) {
    taps.push_back(json::array());
    for (std::int64_t i = 0; i < o.group_in(); ++i) {
      const auto row = o.weights.begin() + static_cast<std::ptrdiff_t>((t * o.group_in() + i) * o.n_out);
      taps.back().push_back(stored(std::vector<std::int64_t>(row, row + static_cast<std::ptrdiff_t>(o.n_out))));
    }
  }
  json node = {{"K", taps}, {"fK", o.frac.size() == 1 ? json(o.frac[0]) : json(o.frac)}};
  if (!o.bias.empty()) node["bias"] = stored(o.bias);
  if (o.stride != 1) node["stride"] = o.stride;
  if (o.dilation != 1) node["dilation"] = o.dilation;
  if (o.groups != 1) node["groups"] = o.groups;
  if (o.before != 0 || o.after != 0) node["pad"] = {o.before, o.after};
  if (o.pad != 0) node["pad_value"] = stored(o.pad);
  return node;
}

/// The members of a node that belong to its operator.
json members(const Graph& graph, const Op& op) {
  return std::visit(
      Visitor{[](const op::Input& o) {
                json node = json::object();
                if (o.interval.size() == 1) node["interval"] = written(o.interval[0]);
                for (std::size_t i = 0; o.interval.size() > 1 && i < o.interval.size(); ++i)
                  node["interval"].push_back(written(o.interval[i]));
                return node;
              },
              [](const op::Const& o) {
                return json{{"data", stored(o.data)}};
              },
              [](const op::Cmvm& o) {
                json rows = json::array();
                for (std::int64_t i = 0; i < o.n_in; ++i) {
                  const auto row = o.weights.begin() + static_cast<std::ptrdiff_t>(i * o.n_out);
                  rows.push_back(stored(std::vector<std::int64_t>(row, row + static_cast<std::ptrdiff_t>(o.n_out))));
                }
                json node = {{"K", rows}, {"fK", o.frac.size() == 1 ? json(o.frac[0]) : json(o.frac)}};
                if (!o.bias.empty()) node["bias"] = stored(o.bias);
                return node;
              },
              [](const op::Conv1d& o) { return conv_members(o); },
              [](const op::ConstAdd& o) {
                return json{{"c", stored(o.c)}};
              },
              [](const op::LeakyShift& o) {
                return json{{"n", o.n}, {"sign", o.sign}};
              },
              [](const op::Requant& o) {
                return json{{"type", written(o.format)}, {"Q", fixed::name(o.round)}, {"O", fixed::name(o.overflow)}};
              },
              [](const op::MulShift& o) {
                return json{{"mant", o.rule.mant},       {"shift", o.rule.e},
                            {"zp", o.rule.zero},         {"act_min", o.rule.act_min},
                            {"act_max", o.rule.act_max}, {"rounding", fixed::name(o.rule.rounding)}};
              },
              [&](const op::Lut& o) {
                json node = {{"table", o.table},
                             {"fold", name(o.fold)},
                             {"drop", o.drop},
                             {"type", written(graph.table(o.table).type)}};
                if (o.clamp) node["clamp"] = true;
                return node;
              },
              [](const op::Sum& o) {
                return json{{"axis", o.axis}};
              },
              [](const op::AvgShift& o) {
                return json{{"axis", o.axis}, {"d", o.d}};
              },
              [](const op::Concat& o) {
                return json{{"axis", o.axis}};
              },
              [](const op::Reshape& o) {
                return json{{"shape", o.shape}};
              },
              [](const op::Slice& o) {
                return json{{"axis", o.axis}, {"begin", o.begin}, {"end", o.end}};
              },
              [](const op::Select& o) {
                return json{{"axis", o.axis}, {"indices", o.indices}};
              },
              [](const op::Add&) { return json::object(); },
              [](const op::Sub&) { return json::object(); },
              [](const op::Relu&) { return json::object(); },
              [](const op::Abs&) { return json::object(); },
              [](const op::Neg&) { return json::object(); },
              [](const op::Output&) { return json::object(); }},
      op);
}

json written(const Graph& graph, const Node& node) {
  json out = members(graph, node.op);
  out["op"] = op_name(node.op);
  if (!node.inputs.empty()) out["in"] = json::array();
  for (const TensorId id : node.inputs) out["in"].push_back(graph.tensor(id).name);
  if (node.output >= 0) out["out"] = graph.tensor(node.output).name;
  return out;
}

/// Ports and constants take shape and format from their declaration, so those are always written.
bool needs_declaration(const Graph& graph, const TensorInfo& tensor) {
  const Op& op = graph.nodes[static_cast<std::size_t>(tensor.producer)].op;
  return tensor.declared || std::holds_alternative<op::Input>(op) || std::holds_alternative<op::Const>(op);
}

}  // namespace

std::string canonical_text(const Graph& graph) {
  json tensors = json::object(), tables = json::object(), nodes = json::array();
  for (const TensorInfo& tensor : graph.tensors)
    if (needs_declaration(graph, tensor))
      tensors[tensor.name] = {{"shape", tensor.shape}, {"type", written(tensor.format)}};
  for (const Table& table : graph.tables)
    tables[table.name] = {{"type", written(table.type)}, {"values", stored(table.values)}};
  for (const Node& node : graph.nodes) nodes.push_back(written(graph, node));
  json document = {{"fxir", 1},          {"name", graph.name}, {"meta", graph.meta},
                   {"tensors", tensors}, {"nodes", nodes},     {"tables", tables}};
  if (graph.schedule)
    document["schedule"] = {{"mode", graph.schedule->mode},
                            {"levels_per_stage", graph.schedule->levels_per_stage},
                            {"ii", graph.schedule->ii}};
  return io::canonical_json(document);
}

std::string hash_of(const Graph& graph) {
  return io::sha256_hex(canonical_text(graph));
}

void write_graph(const std::filesystem::path& path, const Graph& graph) {
  io::atomic_replace(path, canonical_text(graph) + "\n");
}

}  // namespace thimble::hw
