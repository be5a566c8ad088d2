#include "nn/quant/recipe.h"

#include "core/base/error.h"
#include "core/fixed/table.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace thimble::nn {
namespace {

using fixed::Overflow;
using fixed::Round;

constexpr int kNodeBits = 12;         // fraction bits of inputs and activations of both trigger models
constexpr int kWeightBitsA = 10;      // fraction bits of weights, model A
constexpr double kWeightLimitA = 63;  // hardware range of weights

/// t[i] = value(i), in double.
template <class F>
void assign(const Tensor& t, const F& value) {
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    if (t.dtype() == DType::f64)
      t.mut<double>()[i] = value(i);
    else
      t.mut<float>()[i] = static_cast<float>(value(i));
  }
}

void copy_layer(const Linear& from, Linear& to, double factor = 1) {
  const std::vector<double> w = from.weight.value.to_vector();
  assign(to.weight.value, [&](std::int64_t i) { return factor * w[static_cast<std::size_t>(i)]; });
  if (!from.has_bias) return;
  const std::vector<double> b = from.bias.value.to_vector();
  assign(to.bias.value, [&](std::int64_t i) { return factor * b[static_cast<std::size_t>(i)]; });
}

Linear& added_linear(Graph& graph, const std::string& name) {
  return std::get<Linear>(*graph.find(name));
}

Linear folded(const Linear& linear, const BatchNorm& norm, DType dtype) {
  Linear out = linear;
  out.has_bias = true;
  out.make(dtype);
  const auto w = linear.weight.value.to_vector();
  const auto b =
      linear.has_bias ? linear.bias.value.to_vector() : std::vector<double>(static_cast<std::size_t>(linear.out));
  const auto mean = norm.mean.value.to_vector(), variance = norm.variance.value.to_vector();
  const auto gamma = norm.affine ? norm.weight.value.to_vector() : std::vector<double>(mean.size(), 1);
  const auto beta = norm.affine ? norm.bias.value.to_vector() : std::vector<double>(mean.size());
  const auto scale = [&](std::size_t o) { return gamma[o] / std::sqrt(variance[o] + norm.eps); };
  assign(out.weight.value, [&](std::int64_t i) {
    return w[static_cast<std::size_t>(i)] * scale(static_cast<std::size_t>(i / linear.in));
  });
  assign(out.bias.value, [&](std::int64_t i) {
    const auto o = static_cast<std::size_t>(i);
    return (b[o] - mean[o]) * scale(o) + beta[o];
  });
  return out;
}

/// Factor on the weights before an activation so that the recipe's table stands for it; 0 if it cannot.
double table_factor(const Activation& wanted, const Activation& tabled) {
  if (wanted == tabled) return 1;
  if (wanted.kind == Act::tanh_half && tabled.kind == Act::tanh) return 0.5;
  if (wanted.kind == Act::tanh && tabled.kind == Act::tanh_half) return 2;
  return 0;
}

double largest_weight(const Graph& graph) {
  double largest = 0;
  for_each_parameter(graph, [&](const std::string&, const Parameter& p) {
    for (const double v : p.value.to_vector()) largest = std::max(largest, std::abs(v));
  });
  return largest;
}

}  // namespace

QuantRecipe trigger_recipe_a() {
  QuantRecipe recipe;
  recipe.input = {{14, true, kNodeBits}, Round::trn_zero, Overflow::sat};  // +-1.0 occurs, so 14 bits
  recipe.weight = {{17, true, kWeightBitsA}, Round::rnd_inf, Overflow::sat};
  recipe.bias = recipe.weight;
  recipe.weight_limit = kWeightLimitA;
  LookUp table;
  table.f_acc = kNodeBits + kWeightBitsA;
  table.drop = 12;
  table.out = {14, true, kNodeBits};
  table.real = Act::tanh_half;
  table.table = fixed::saturating_tanh_half(table.f_acc, table.drop, kNodeBits);
  recipe.table = std::move(table);
  return recipe;
}

QuantRecipe trigger_recipe_b(const Graph& trained) {
  bool halved = false;
  for (const Graph::Node& node : trained.nodes())
    if (const auto* act = std::get_if<Activate>(&node.layer)) halved |= act->function.kind == Act::tanh_half;
  const double largest = largest_weight(trained) * (halved ? 0.5 : 1);
  THIMBLE_CHECK(largest > 0, value, "trigger model B: all weights are 0, there is no scale");
  const int f = 17 - static_cast<int>(std::ceil(std::log2(largest)));
  QuantRecipe recipe;
  recipe.input = {{14, true, kNodeBits}, Round::rnd_inf, Overflow::sat};
  recipe.weight = {
      {19, true, f}, Round::rnd_inf, Overflow::sat};  // 17 bits of magnitude; a power of two needs one more
  recipe.bias = recipe.weight;
  LookUp table;
  table.f_acc = kNodeBits + f;
  table.window = fixed::Quantiser{{18, true, kNodeBits}, Round::trn, Overflow::wrap};
  table.drop = 2;
  table.out = {14, true, kNodeBits};
  table.real = Act::tanh;
  table.table = fixed::capped_tanh(kNodeBits, table.drop, kNodeBits, 4);
  recipe.table = std::move(table);
  return recipe;
}

Graph fold_batch_norm(const Graph& graph) {
  Graph out(graph.sample_shape(), graph.dtype());
  std::map<std::string, std::string> renamed;  // a folded batch norm is known by its linear node
  for (const Graph::Node& node : graph.nodes()) {
    std::string input = node.inputs[0];
    if (renamed.count(input)) input = renamed.at(input);
    if (const auto* norm = std::get_if<BatchNorm>(&node.layer)) {
      Layer* before = out.find(input);
      auto* linear = before ? std::get_if<Linear>(before) : nullptr;
      THIMBLE_CHECK(linear && norm->running, value, "batch norm ", node.name,
                    " cannot be folded: it must stand behind a linear layer and have running statistics");
      *linear = folded(*linear, *norm, graph.dtype());
      renamed[node.name] = input;
      continue;
    }
    out.add(node.name, node.layer, {input});
    if (const auto* linear = std::get_if<Linear>(&node.layer)) copy_layer(*linear, added_linear(out, node.name));
  }
  return out;
}

Graph quantised(const Graph& graph, const QuantRecipe& recipe) {
  const Graph plain = fold_batch_norm(graph);
  Graph out(plain.sample_shape(), plain.dtype());
  out.add("input_format", FakeQuant{recipe.input});
  std::string last = "input_format";
  for (std::size_t i = 0; i < plain.nodes().size(); ++i) {
    const Graph::Node& node = plain.nodes()[i];
    THIMBLE_CHECK(i == 0 || node.sources[0] == static_cast<int>(i) - 1, value, "node ", node.name,
                  ": only chains of layers can be quantised");
    if (const auto* linear = std::get_if<Linear>(&node.layer)) {
      Linear layer = *linear;
      layer.weight_format = recipe.weight;
      layer.bias_format = recipe.bias;
      out.add(node.name, layer, {last});
      copy_layer(*linear, added_linear(out, node.name));
    } else if (const auto* act = std::get_if<Activate>(&node.layer); act && recipe.table) {
      const double factor = table_factor(act->function, recipe.table->real);
      THIMBLE_CHECK(factor > 0, value, "node ", node.name, ": the recipe has a table of ",
                    name_of(recipe.table->real.kind), ", the network uses ", name_of(act->function.kind));
      auto& before = added_linear(out, last);
      copy_layer(Linear(before), before, factor);
      out.add(node.name, *recipe.table, {last});
    } else {
      out.add(node.name, node.layer, {last});
      if (act && recipe.activation) out.add(node.name + "_format", FakeQuant{*recipe.activation});
    }
    last = out.nodes().back().name;
  }
  return out;
}

void limit_weights(Optimizer& optimizer, Graph& graph, const QuantRecipe& recipe) {
  if (recipe.weight_limit <= 0) return;
  for_each_parameter(graph, [&](const std::string&, Parameter& p) {
    optimizer.add({&p, ClipValues{-recipe.weight_limit, recipe.weight_limit}});
  });
}

}  // namespace thimble::nn
