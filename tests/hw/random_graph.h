#pragma once
// Random graphs of every operator, rounding and overflow mode.

#include "core/random/splitmix.h"

#include "hw/ir/graph.h"

namespace thimble::test {

/// A random graph of everything the emitter knows, small enough to be compiled in a moment.
inline hw::Graph random_graph(SplitMix64& random) {
  using namespace hw;
  Graph graph;
  graph.name = "everything";
  const auto pick = [&](std::int64_t lo, std::int64_t hi) { return static_cast<int>(random.uniform(lo, hi)); };
  const auto quantiser = [&] {
    const bool s = pick(0, 1) == 1;
    op::Requant op{{{pick(2, 20), s, pick(-3, 12)}},
                   static_cast<fixed::Round>(pick(0, 6)),
                   static_cast<fixed::Overflow>(pick(0, s ? 4 : 3))};
    return op;
  };
  int made = 0;
  const auto add = [&](Op op, std::vector<TensorId> in) {
    return graph.append("n " + std::to_string(made++), std::move(op), std::move(in));
  };
  const TensorId x = graph.append("x", op::Input{{2, 3}, {{pick(2, 12), pick(0, 1) == 1, pick(-2, 6)}}});
  op::Cmvm cmvm{3, 4, {}, {1, 2, 0, 3}, {5, -6, 7, -8}};
  for (int i = 0; i < 12; ++i) cmvm.weights.push_back(random.uniform(-40, 40));
  const TensorId a = add(cmvm, {x});
  op::Requant per_channel = quantiser();
  for (int c = 0; c < 4; ++c)
    per_channel.format.channels.push_back({pick(2, 20), per_channel.format.type.s, pick(-3, 9)});
  per_channel.format.type = per_channel.format.channels[0];
  const TensorId b = add(per_channel, {a});
  const TensorId c = add(op::Add{}, {a, b});
  const TensorId d = add(op::Sub{}, {b, a});
  const TensorId e = add(quantiser(), {c});
  const TensorId f = add(quantiser(), {d});
  const TensorId g = add(op::LeakyShift{pick(0, 5), pick(0, 1) * 2 - 1}, {e});
  const TensorId h = add(op::Abs{}, {f});
  const TensorId i = add(op::Neg{}, {h});
  const TensorId j = add(op::ConstAdd{{1, -2, 300, -4000}}, {i});
  const TensorId k = add(quantiser(), {g});
  const TensorId l = add(quantiser(), {j});
  Table table{"table", {12, true, 5}, {}};
  for (int t = 0; t < 32; ++t) table.values.push_back(random.uniform(-1000, 1000));
  graph.add_table(table);
  const TensorId m =
      add(op::Lut{.table = "table", .fold = static_cast<Fold>(pick(0, 1)), .drop = pick(0, 4), .clamp = true}, {k});
  const TensorId n = add(op::Concat{0}, {l, l});
  const TensorId o = add(op::Slice{0, 1, 3}, {n});
  const TensorId p = add(op::Select{1, {3, 1, 1, 0}}, {o});
  const TensorId q = add(op::Relu{}, {p});
  const TensorId r = add(op::AvgShift{0, 1}, {q});
  const TensorId s = add(op::Sum{1}, {m});
  op::MulShift scale{{.mant = {1234567890, 1987654321}, .e = {-4, 2}, .zero = 3}};
  scale.rule.rounding = static_cast<fixed::Rounding>(pick(0, 1));
  const TensorId t = add(scale, {s});
  const TensorId u = add(op::Reshape{{2, 2}}, {r});
  op::Conv1d conv{.taps = 2, .n_in = 4, .n_out = 4, .stride = pick(1, 2), .dilation = pick(1, 2), .groups = pick(1, 2)};
  conv.before = pick(0, 2);
  conv.after = pick(1, 2);
  conv.pad = pick(-3, 3);
  conv.frac = {pick(0, 3)};
  conv.bias = {1, -20, 300, -4000};
  for (std::int64_t w = 0; w < 2 * conv.group_in() * 4; ++w) conv.weights.push_back(random.uniform(-40, 40));
  const TensorId v = add(conv, {g});
  for (const TensorId out : {m, u, s, t, k, v}) graph.append("", op::Output{}, {out});
  return graph;
}

}  // namespace thimble::test
