#pragma once
// Networks of the reference vectors as graphs.

#include "core/fixed/table.h"
#include "core/io/json.h"

#include "hw/ir/graph.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "tests/support/shared_data.h"

namespace thimble::test {

using Integers = std::vector<std::int64_t>;

inline nlohmann::json hardware_data(const std::string& name) {
  return io::read_json(test_data("hardware/" + name));
}

inline hw::FxType type_from(const nlohmann::json& t) {
  return {t["w"].get<int>(), t["signed"].get<int>() != 0, t["f"].get<int>()};
}

inline hw::op::Cmvm cmvm_from(const nlohmann::json& rows, int frac, Integers bias) {
  hw::op::Cmvm op{.n_in = static_cast<std::int64_t>(rows.size()), .n_out = static_cast<std::int64_t>(bias.size())};
  for (const auto& row : rows)
    for (const auto& k : row) op.weights.push_back(k.get<std::int64_t>());
  op.frac = {frac};
  op.bias = std::move(bias);
  return op;
}

/// mlp_small.json or jet_mlp.json: tensors acc<k>, (act<k>,) out<k>.
inline hw::Graph dense_net(const nlohmann::json& file) {
  using namespace hw;
  Graph graph;
  graph.name = file["name"].get<std::string>();
  const auto& layers = file["net"]["layers"];
  const auto n_in = static_cast<std::int64_t>(layers[0]["K"].size());
  TensorId x = graph.append("x", op::Input{{n_in}, {type_from(layers[0]["in"])}});
  for (std::size_t k = 0; k < layers.size(); ++k) {
    const auto& layer = layers[k];
    const std::string n = std::to_string(k), kind = layer["act"]["kind"].get<std::string>();
    x = graph.append("acc" + n, cmvm_from(layer["K"], layer["fK"].get<int>(), layer["b"].get<Integers>()), {x});
    if (kind == "relu") x = graph.append("act" + n, op::Relu{}, {x});
    if (kind == "leaky_shift")
      x = graph.append("act" + n, op::LeakyShift{layer["act"]["n"].get<int>(), layer["act"]["sign"].get<int>()}, {x});
    const auto& out = layer["out_quant"];
    const op::Requant requant{{type_from(out["type"])},
                              fixed::parse_round(out["Q"].get<std::string>()),
                              fixed::parse_overflow(out["O"].get<std::string>())};
    x = graph.append(kind == "lut_odd" ? "lut_in" + n : "out" + n, requant, {x});
    if (kind != "lut_odd") continue;
    const std::string table = layer["act"]["table"].get<std::string>();
    graph.add_table({table, {8, true, 7}, file["net"]["tables"][table].get<Integers>()});
    x = graph.append("out" + n, op::Lut{.table = table, .fold = Fold::odd}, {x});
  }
  graph.append("", op::Output{}, {x});
  return graph;
}

/// belle_mlp.json: the bias of a row multiplies 2^frac_input; the table is model A's.
inline hw::Graph belle_net(const nlohmann::json& file) {
  using namespace hw;
  Graph graph;
  graph.name = "belle_mlp";
  graph.add_table({"tanh_half", {14, true, 12}, fixed::saturating_tanh_half(22, 12, 12)});
  TensorId x = graph.append("x", op::Input{{file["dims"][0].get<std::int64_t>()}, {{14, true, 12}}, {{-4096, 4096}}});
  for (std::size_t k = 0; k < file["weights"].size(); ++k) {
    const auto& rows = file["weights"][k];
    const auto n_out = static_cast<std::int64_t>(rows.size()), n_in = static_cast<std::int64_t>(rows[0].size()) - 1;
    op::Cmvm op{.n_in = n_in, .n_out = n_out, .frac = {10}};
    op.weights.resize(static_cast<std::size_t>(n_in * n_out));
    for (std::int64_t j = 0; j < n_out; ++j) {
      const auto row = rows[static_cast<std::size_t>(j)].get<Integers>();
      for (std::int64_t i = 0; i < n_in; ++i)
        op.weights[static_cast<std::size_t>(i * n_out + j)] = row[static_cast<std::size_t>(i)];
      op.bias.push_back(row.back() * 4096);
    }
    x = graph.append("acc" + std::to_string(k), op, {x});
    x = graph.append("node" + std::to_string(k),
                     op::Lut{.table = "tanh_half", .fold = Fold::odd, .drop = 12, .clamp = true}, {x});
  }
  graph.append("", op::Output{}, {x});
  return graph;
}

}  // namespace thimble::test
