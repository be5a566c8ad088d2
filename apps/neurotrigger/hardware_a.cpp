#include "apps/neurotrigger/hardware_a.h"

#include "core/fixed/convert.h"

#include "nn/quant/recipe.h"

#include "hw/lower/lower.h"

#include "apps/neurotrigger/metrics.h"
#include "apps/neurotrigger/models.h"

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {

nn::Graph hardware_a_model(const nn::Graph& trained) {
  return nn::quantised(trained, nn::trigger_recipe_a());
}

std::optional<nn::Graph> hardware_form(const nn::Graph& trained) {
  if (trained.nodes().empty()) return std::nullopt;
  if (std::holds_alternative<nn::FakeQuant>(trained.nodes().front().layer)) return trained;
  const Activation tanh_half(act_from_name("tanh/2"));
  for (const nn::Graph::Node& node : trained.nodes()) {
    const auto* act = std::get_if<nn::Activate>(&node.layer);
    if (act != nullptr && !(act->function == tanh_half)) return std::nullopt;
  }
  return hardware_a_model(trained);
}

void limit_weights(nn::Graph& model, nn::Optimizer& optimizer) {
  nn::limit_weights(optimizer, model, nn::trigger_recipe_a());
}

hw::Graph hardware_a_graph(const nn::Graph& model, const std::string& name) {
  hw::LowerOptions options;
  options.name = name;
  options.input = fixed::Interval{-(1 << kNodeBits), 1 << kNodeBits};
  return hw::lower(model, options);
}

hw::Vectors hardware_a_inputs(const Tensor& inputs) {
  hw::Vectors out;
  out.width = static_cast<std::size_t>(inputs.size(1));
  out.data.resize(static_cast<std::size_t>(inputs.numel()));
  fixed::quantise(std::span<const float>(inputs.data<float>(), out.data.size()), nn::trigger_recipe_a().input,
                  out.data);
  return out;
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
