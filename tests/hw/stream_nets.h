#pragma once
// FENet-like chains as graphs: what the streaming schedule is made for.

#include "core/random/splitmix.h"

#include "hw/ir/graph.h"

#include "tests/hw/reference_nets.h"

namespace thimble::test {

/// One level of a chain: both filters, and what follows them.
struct StreamLevel {
  Integers feat, pass;
  std::int64_t stride = 2, before = 0, after = 0, dilation = 1;
  int power = 0, log2_divisor = 0, weight_fraction = 8;
};

inline hw::op::Conv1d conv_from(const StreamLevel& level, const Integers& taps) {
  hw::op::Conv1d op;
  op.taps = static_cast<std::int64_t>(taps.size());
  op.weights = taps;
  op.stride = level.stride;
  op.dilation = level.dilation;
  op.before = level.before;
  op.after = level.after;
  op.frac = {level.weight_fraction};
  return op;
}

/// x [length, 1] -> one feature per level and a final one; tensors feat<k>, pass<k>, out<k>, final.
inline hw::Graph wavelet_graph(std::int64_t length, const std::vector<StreamLevel>& levels, int final_power,
                               hw::FxType data) {
  using namespace hw;
  Graph graph;
  graph.name = "wavelet";
  graph.schedule = Schedule{.mode = "stream"};
  const op::Requant quantise{{data}, fixed::Round::rnd_conv, fixed::Overflow::sat_sym};
  TensorId x = graph.append("x", op::Input{{length, 1}, {data}});
  std::vector<TensorId> features;
  const auto feature = [&](const std::string& name, TensorId sums, int power, int d) {
    const TensorId folded = graph.append("act" + name, op::LeakyShift{power, -1}, {sums});
    const TensorId mean = graph.append("mean" + name, op::AvgShift{0, d}, {folded});
    features.push_back(graph.append("feature" + name, quantise, {mean}));
  };
  TensorId pass = -1;
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const std::string n = std::to_string(k);
    const TensorId feat = graph.append("feat" + n, conv_from(levels[k], levels[k].feat), {x});
    pass = graph.append("pass" + n, conv_from(levels[k], levels[k].pass), {x});
    feature(n, feat, levels[k].power, levels[k].log2_divisor);
    if (k + 1 < levels.size()) x = graph.append("out" + n, quantise, {pass});
  }
  feature("_final", pass, final_power, levels.back().log2_divisor);
  graph.append("", op::Output{}, {graph.append("features", op::Concat{0}, features)});
  return graph;
}

/// A case of wavelet_stream.json.
inline hw::Graph wavelet_graph(const nlohmann::json& test) {
  std::vector<StreamLevel> levels;
  for (std::size_t k = 0; k < test["weights"].size(); ++k) {
    StreamLevel level{test["weights"][k]["feat"].get<Integers>(), test["weights"][k]["pas"].get<Integers>()};
    level.stride = test["stride"].get<std::int64_t>();
    level.before = test["pad_left"].get<std::int64_t>();
    level.after = test["pad_right"].get<std::int64_t>();
    level.power = test["leaky_powers"][k].get<int>();
    level.log2_divisor = test["trace_vector0"][k]["log2_div"].get<int>();
    level.weight_fraction = test["weight"]["f"].get<int>();
    levels.push_back(std::move(level));
  }
  return wavelet_graph(test["L"].get<std::int64_t>(), levels, test["leaky_powers"].back().get<int>(),
                       type_from(test["data"]));
}

}  // namespace thimble::test
