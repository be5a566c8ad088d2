#include "apps/neurotrigger/hardware/hardware_model.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/parallel/blocks.h"

#include "hw/lower/lower.h"
#include "hw/sim/interpreter.h"

#include "apps/neurotrigger/look/metrics.h"
#include "apps/neurotrigger/train/models.h"

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

constexpr double kTrainingLimitB = 4;  // largest weight while model B is trained
constexpr int kWordFraction = 12;
constexpr std::int64_t kRowsPerTask = 2048;
constexpr std::int64_t kLowestWord = -4095, kHighestWord = 4096;

nn::QuantRecipe recipe_of(const nn::Graph& trained, const HardwareModel& model) {
  if (model.letter == 'A') return nn::trigger_recipe_a(model.bits);
  return model.weight_limit > 0 ? nn::trigger_recipe_b(model.weight_limit, model.bits)
                                : nn::trigger_recipe_b(trained, model.bits);
}

hw::Vectors integers_of(const Tensor& inputs, const fixed::Quantiser& format) {
  hw::Vectors out;
  out.width = static_cast<std::size_t>(inputs.size(1));
  out.data.resize(static_cast<std::size_t>(inputs.numel()));
  fixed::quantise(std::span<const float>(inputs.data<float>(), out.data.size()), format, out.data);
  return out;
}

/// Training needs a scale before there are weights.
HardwareModel with_limit(HardwareModel model) {
  if (model.letter == 'B' && model.weight_limit <= 0) model.weight_limit = kTrainingLimitB;
  return model;
}

bool has_table(const Activation& act) {
  return act.kind == Act::tanh || act.kind == Act::tanh_half;
}

}  // namespace

std::string HardwareModel::str() const {
  return text::cat("model ", letter, ", inputs ", bits.input, " bits, nodes ", bits.node, ", weights ", bits.weight,
                   ", table address ", bits.lut);
}

bool is_hardware(const std::string& target) {
  return target == "hw-a" || target == "hw-b";
}

HardwareModel hardware_model(const std::string& target, const HardwareKeys& keys) {
  THIMBLE_CHECK(is_hardware(target), internal, "hardware_model: target ", target);
  HardwareModel model;
  model.letter = target == "hw-b" ? 'B' : 'A';
  model.bits = target == "hw-b" ? nn::kTriggerBitsB : nn::kTriggerBitsA;
  model.bits.input = static_cast<int>(keys.input_bits);
  model.bits.node = static_cast<int>(keys.node_bits);
  if (keys.weight_bits > 0) model.bits.weight = static_cast<int>(keys.weight_bits);
  if (keys.lut_bits > 0) model.bits.lut = static_cast<int>(keys.lut_bits);
  return model;
}

nn::Graph hardware_network(const nn::Graph& trained, const HardwareModel& model) {
  return nn::quantised(trained, recipe_of(trained, model));
}

bool has_formats(const nn::Graph& network) {
  return !network.nodes().empty() && std::holds_alternative<nn::FakeQuant>(network.nodes().front().layer);
}

std::optional<nn::Graph> hardware_form(const nn::Graph& trained, const HardwareModel& model) {
  if (trained.nodes().empty()) return std::nullopt;
  if (has_formats(trained)) return trained;
  for (const nn::Graph::Node& node : trained.nodes()) {
    const auto* act = std::get_if<nn::Activate>(&node.layer);
    if (act != nullptr && !has_table(act->function)) return std::nullopt;
  }
  return hardware_network(trained, model);
}

nn::Graph training_form(const nn::Graph& plain, const HardwareModel& model) {
  return hardware_network(plain, with_limit(model));
}

void limit_weights(nn::Graph& network, const HardwareModel& model, nn::Optimizer& optimizer) {
  nn::limit_weights(optimizer, network, recipe_of(network, with_limit(model)));
}

const fixed::Quantiser& input_format(const nn::Graph& network) {
  THIMBLE_CHECK(has_formats(network), internal, "input_format: the network has no formats");
  return std::get<nn::FakeQuant>(network.nodes().front().layer).format;
}

hw::Graph hardware_graph(const nn::Graph& network, const std::string& name, bool scaled_inputs) {
  const std::int64_t one = std::int64_t{1} << input_format(network).type.f;
  hw::LowerOptions options;
  options.name = name;
  if (scaled_inputs) options.input = fixed::Interval{-one, one};
  return hw::lower(network, options);
}

hw::Vectors hardware_inputs(const nn::Graph& network, const Tensor& inputs) {
  return integers_of(inputs, input_format(network));
}

hw::Vectors hardware_outputs(const hw::Graph& graph, const fixed::Quantiser& format, const Tensor& inputs) {
  const hw::Interpreter interpreter(graph);
  const std::int64_t rows = inputs.size(0);
  hw::Vectors out{.width = graph.output_size()};
  out.data.resize(static_cast<std::size_t>(rows) * out.width);
  const std::int64_t blocks = (rows + kRowsPerTask - 1) / kRowsPerTask;
  parallel_blocks(blocks, [&](std::int64_t b) {
    const std::int64_t first = b * kRowsPerTask, count = std::min(kRowsPerTask, rows - first);
    const hw::Vectors part = interpreter.run(integers_of(inputs.rows(first, count), format));
    std::copy(part.data.begin(), part.data.end(), out.data.begin() + first * static_cast<std::ptrdiff_t>(out.width));
  });
  return out;
}

hw::Vectors output_words(const hw::Vectors& outputs, int fraction) {
  constexpr fixed::FxType kWide{40, true, kWordFraction};
  hw::Vectors words = outputs;
  for (std::int64_t& value : words.data)
    value = std::clamp(fixed::convert(value, fraction, kWide, fixed::Round::rnd_inf, fixed::Overflow::sat), kLowestWord,
                       kHighestWord);
  return words;
}

Drift drift_of(const nn::Graph& trained, const nn::Graph& hardware, const Tensor& inputs) {
  Drift drift;
  drift.rows = inputs.size(0);
  if (drift.rows == 0) return drift;
  const Tensor a = predict(trained, inputs), b = predict(hardware, inputs);
  double squares = 0;
  drift.differences_cm = differences(a, b);
  for (const double d : drift.differences_cm) {
    squares += d * d;
    drift.max_cm = std::max(drift.max_cm, std::abs(d));
  }
  drift.rms_cm = std::sqrt(squares / static_cast<double>(drift.rows));
  return drift;
}

}  // namespace thimble::neurotrigger
