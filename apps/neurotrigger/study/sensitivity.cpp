#include "apps/neurotrigger/study/sensitivity.h"

#include "core/base/error.h"
#include "core/linalg/stats.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/loss.h"

#include "apps/neurotrigger/data/chamber.h"
#include "apps/neurotrigger/data/scaling.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace thimble::neurotrigger {
namespace {

constexpr std::int64_t kGradientRows = 4096;
constexpr double kSaturation = 0.99, kSaturatedShare = 0.99, kDeadShare = 0.999, kConstantShare = 0.01;

/// 1 in column 0, 0 elsewhere: picks z out of the outputs.
Tensor z_mask(const Tensor& y) {
  Tensor mask = Tensor::zeros(y.shape());
  for (std::int64_t row = 0; row < y.size(0); ++row) mask.mut<float>()[row * y.size(1)] = 1.0f;
  return mask.to(y.layout());
}

/// The nodes up to and including `last`, with their weights.
nn::Graph front_of(const nn::Graph& model, std::size_t last) {
  nn::Graph front(model.sample_shape(), model.dtype());
  for (std::size_t i = 0; i <= last; ++i)
    front.add(model.nodes()[i].name, model.nodes()[i].layer, model.nodes()[i].inputs);
  std::map<std::string, Tensor> weights;
  nn::for_each_leaf(model, [&](const std::string& path, const auto& leaf) { weights[path] = leaf.value; });
  nn::for_each_leaf(front, [&](const std::string& path, auto& leaf) { copy_into(weights.at(path), leaf.value); });
  return front;
}

/// Ends of an activation's output; nothing on a side without end.
struct OutputRange {
  bool bounded = false;  // -1 .. 1 or 0 .. 1
  double width = 2;
  bool rectified = false;  // 0 for half of the inputs
};

OutputRange range_of_layer(const nn::Layer& layer) {
  const auto* activate = std::get_if<nn::Activate>(&layer);
  if (activate == nullptr) return {true, 2, false};  // tables hold tanh
  const auto is = [&](const char* name) { return activate->function == Activation(act_from_name(name)); };
  if (is("relu")) return {false, 1, true};
  if (is("sigmoid")) return {true, 1, false};
  if (is("leaky_relu") || is("selu")) return {false, 1, false};
  return {true, 2, false};
}

bool is_hidden_activation(const nn::Graph& model, std::size_t node) {
  const nn::Layer& layer = model.nodes()[node].layer;
  const bool activation = std::holds_alternative<nn::Activate>(layer) || std::holds_alternative<nn::LookUp>(layer);
  return activation && node + 1 < model.nodes().size();
}

/// Length of the column of outgoing weights of a neuron in the next linear layer; 0 when there is none.
double outgoing(const nn::Graph& model, std::size_t node, std::int64_t neuron) {
  for (std::size_t i = node + 1; i < model.nodes().size(); ++i) {
    const auto* linear = std::get_if<nn::Linear>(&model.nodes()[i].layer);
    if (linear == nullptr) continue;
    const Tensor& w = linear->weight.value;  // [out, in]
    double squares = 0;
    for (std::int64_t o = 0; o < w.size(0); ++o) {
      const double value = static_cast<double>(w.data<float>()[o * w.size(1) + neuron]);
      squares += value * value;
    }
    return std::sqrt(squares);
  }
  return 0;
}

NeuronState state_of_neuron(const NeuronReport& n, const OutputRange& range, double layer_deviation) {
  if (range.rectified && n.zero >= kDeadShare) return NeuronState::dead;
  if (range.bounded && n.saturated >= kSaturatedShare) return NeuronState::saturated;
  // without ends the other neurons of the layer are the measure
  const double scale = range.bounded ? range.width : layer_deviation;
  return n.deviation < kConstantShare * scale ? NeuronState::constant : NeuronState::alive;
}

NeuronReport report_of(const Tensor& outputs, std::int64_t neuron, const OutputRange& range) {
  const std::int64_t rows = outputs.size(0), width = outputs.size(1);
  std::vector<double> values;
  std::int64_t saturated = 0, zero = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double v = static_cast<double>(outputs.data<float>()[row * width + neuron]);
    values.push_back(v);
    // 0.99 of a range 0 .. 1 ends at 0.005 and 0.995
    const double place = range.width == 1 ? 2 * v - 1 : v;
    if (range.bounded && std::abs(place) > kSaturation) ++saturated;
    if (range.rectified && v == 0.0) ++zero;
  }
  NeuronReport n;
  n.neuron = neuron;
  n.mean = linalg::mean(values);
  n.deviation = linalg::standard_deviation(values, linalg::Divisor::n);
  n.saturated = static_cast<double>(saturated) / static_cast<double>(rows);
  n.zero = static_cast<double>(zero) / static_cast<double>(rows);
  return n;
}

}  // namespace

Tensor z_gradients(const nn::Graph& model, const Tensor& inputs) {
  const std::int64_t rows = inputs.size(0), width = inputs.size(1);
  Tensor out = Tensor::empty({rows, width});
  for (std::int64_t first = 0; first < rows; first += kGradientRows) {
    const std::int64_t count = std::min(kGradientRows, rows - first);
    const Tensor x = inputs.rows(first, count).to(Layout::lanes);
    const Tensor gradient = Tensor::zeros(x.shape(), x.dtype(), Layout::lanes);
    Tape tape;
    const TapeScope scope(tape);
    const Var y = model(variable(x, gradient));
    backward(sum(mul(y, constant(z_mask(y.value())))));  // tracks are independent: each gets its own gradient
    const Tensor scaled = gradient.to(Layout::rows);
    std::transform(scaled.data<float>(), scaled.data<float>() + scaled.numel(), out.mut<float>() + first * width,
                   [](float g) { return g * static_cast<float>(kCmPerUnit); });
  }
  return out;
}

InputSensitivity input_sensitivity(const nn::Graph& model, const Tensor& inputs) {
  const std::int64_t rows = inputs.size(0), width = inputs.size(1);
  InputSensitivity out;
  out.tracks = rows;
  out.gradient_cm.assign(static_cast<std::size_t>(width), 0.0);
  out.product_cm = out.mean_cm = out.gradient_cm;
  if (rows == 0) return out;
  const Tensor gradients = z_gradients(model, inputs);
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t i = 0; i < width; ++i) {
      const double g = static_cast<double>(gradients.data<float>()[row * width + i]);
      const double x = static_cast<double>(inputs.data<float>()[row * width + i]);
      const auto at = static_cast<std::size_t>(i);
      out.gradient_cm[at] += std::abs(g);
      out.product_cm[at] += std::abs(g * x);
      out.mean_cm[at] += g;
    }
  for (auto* list : {&out.gradient_cm, &out.product_cm, &out.mean_cm})
    for (double& v : *list) v /= static_cast<double>(rows);
  return out;
}

const char* name_of(NeuronState state) {
  switch (state) {
    case NeuronState::alive:
      return "alive";
    case NeuronState::constant:
      return "constant";
    case NeuronState::saturated:
      return "saturated";
    case NeuronState::dead:
      return "dead";
  }
  return "?";
}

std::vector<NeuronReport> neuron_reports(const nn::Graph& model, const Tensor& inputs) {
  std::vector<NeuronReport> all;
  if (inputs.size(0) == 0) return all;
  for (std::size_t node = 0; node < model.nodes().size(); ++node) {
    if (!is_hidden_activation(model, node)) continue;
    const Tensor outputs = predict(front_of(model, node), inputs);
    const OutputRange range = range_of_layer(model.nodes()[node].layer);
    std::vector<NeuronReport> layer;
    double deviation = 0;
    for (std::int64_t neuron = 0; neuron < outputs.size(1); ++neuron) {
      layer.push_back(report_of(outputs, neuron, range));
      layer.back().layer = model.nodes()[node].name;
      layer.back().reach = layer.back().deviation * outgoing(model, node, neuron);
      deviation += layer.back().deviation / static_cast<double>(outputs.size(1));
    }
    for (NeuronReport& n : layer) n.state = state_of_neuron(n, range, deviation);
    all.insert(all.end(), layer.begin(), layer.end());
  }
  return all;
}

std::string input_name(std::size_t input) {
  constexpr std::array<const char*, 3> kinds{"relID", "driftT", "alpha"};
  if (input < kInputs) return text::cat("SL", input / 3, " ", kinds[input % 3]);
  return text::cat("SL", (input - kInputs) / kPatternWires, " wire ", (input - kInputs) % kPatternWires);
}

}  // namespace thimble::neurotrigger
