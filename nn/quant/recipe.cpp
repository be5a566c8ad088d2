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

constexpr double kWeightLimitA = 63;    // hardware range of weights
constexpr int kWeightIntegerBitsA = 7;  // sign included

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

void check_bits(const TriggerBits& bits, const char* model) {
  const auto within = [&](const char* what, int value, int low, int high) {
    THIMBLE_CHECK(value >= low && value <= high, value, model, ": ", what, " has ", value, " bits, possible are ", low,
                  " to ", high);
  };
  within("the input", bits.input, 1, 20);
  within("a node", bits.node, 1, 20);
  within("a weight", bits.weight, 1, 24);
  within("the address of the table", bits.lut, 1, 20);
}

/// Low bits of a value with f fraction bits (or `f` bits) that do not address the table.
int dropped_bits(int f, int address, const char* model) {
  THIMBLE_CHECK(address <= f, value, model, ": the address of the table has ", address,
                " bits, finer than the value with ", f, " that it is taken from");
  return f - address;
}

double largest_weight(const Graph& graph) {
  double largest = 0;
  for_each_parameter(graph, [&](const std::string&, const Parameter& p) {
    for (const double v : p.value.to_vector()) largest = std::max(largest, std::abs(v));
  });
  return largest;
}

}  // namespace

QuantRecipe trigger_recipe_a(const TriggerBits& bits) {
  check_bits(bits, "trigger model A");
  QuantRecipe recipe;
  recipe.input = {{bits.input + 2, true, bits.input}, Round::trn_zero, Overflow::sat};  // +-1.0 occurs: 14 bits for 12
  recipe.weight = {{kWeightIntegerBitsA + bits.weight, true, bits.weight}, Round::rnd_inf, Overflow::sat};
  recipe.bias = recipe.weight;
  recipe.weight_limit = kWeightLimitA;
  recipe.table = [bits](int f_sum) {
    LookUp table;
    table.f_acc = f_sum;
    table.drop = dropped_bits(f_sum, bits.lut, "trigger model A");
    table.out = {bits.node + 2, true, bits.node};
    table.real = Act::tanh_half;
    table.table = fixed::saturating_tanh_half(table.f_acc, table.drop, bits.node);
    return table;
  };
  return recipe;
}

QuantRecipe trigger_recipe_b(double limit, const TriggerBits& bits) {
  check_bits(bits, "trigger model B");
  const int f = bits.weight - static_cast<int>(std::ceil(std::log2(limit)));
  QuantRecipe recipe;
  recipe.input = {{bits.input + 2, true, bits.input}, Round::rnd_inf, Overflow::sat};
  // the magnitude has `weight` bits; a power of two needs one more
  recipe.weight = {{bits.weight + 2, true, f}, Round::rnd_inf, Overflow::sat};
  recipe.bias = recipe.weight;
  recipe.weight_limit = limit;
  recipe.table = [bits](int f_sum) {
    LookUp table;
    table.f_acc = f_sum;
    table.window = fixed::Quantiser{{bits.node + 6, true, bits.node}, Round::trn, Overflow::wrap};
    table.drop = dropped_bits(bits.node + 2, bits.lut, "trigger model B");
    table.out = {bits.node + 2, true, bits.node};
    table.real = Act::tanh;
    table.table = fixed::capped_tanh(bits.node, table.drop, bits.node, 4);
    return table;
  };
  return recipe;
}

QuantRecipe trigger_recipe_b(const Graph& trained, const TriggerBits& bits) {
  bool halved = false;
  for (const Graph::Node& node : trained.nodes())
    if (const auto* act = std::get_if<Activate>(&node.layer)) halved |= act->function.kind == Act::tanh_half;
  const double largest = largest_weight(trained) * (halved ? 0.5 : 1);
  THIMBLE_CHECK(largest > 0, value, "trigger model B: all weights are 0, there is no scale");
  QuantRecipe recipe = trigger_recipe_b(largest, bits);
  recipe.weight_limit = 0;  // the scale follows the weights, not the weights the scale
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
  int f = recipe.input.type.f;  // fraction bits of the value at hand
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
      f += recipe.weight.type.f;
    } else if (const auto* act = std::get_if<Activate>(&node.layer); act && recipe.table) {
      const LookUp table = recipe.table(f);
      const double factor = table_factor(act->function, table.real);
      THIMBLE_CHECK(factor > 0, value, "node ", node.name, ": the recipe has a table of ", name_of(table.real.kind),
                    ", the network uses ", name_of(act->function.kind));
      auto& before = added_linear(out, last);
      copy_layer(Linear(before), before, factor);
      f = table.out.f;
      out.add(node.name, table, {last});
    } else {
      out.add(node.name, node.layer, {last});
      if (act && recipe.activation) {
        out.add(node.name + "_format", FakeQuant{*recipe.activation});
        f = recipe.activation->type.f;
      }
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
