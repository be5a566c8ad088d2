#include "nn/optim/optimizer.h"

#include "core/base/error.h"

#include "autograd/tape.h"

#include <algorithm>
#include <cmath>

namespace thimble::nn {
namespace {

/// Joint 2-norm, summed in order in double.
template <class T>
double norm_of(const T* values, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return std::sqrt(sum);
}

template <class T>
void clip_gradients(T* gradient, std::int64_t count, const GradientClip& clip) {
  if (clip.value > 0) {
    const T limit = static_cast<T>(clip.value);
    for (std::int64_t i = 0; i < count; ++i) gradient[i] = std::clamp(gradient[i], -limit, limit);
  }
  const double norm = clip.norm > 0 ? norm_of(gradient, count) : 0;
  if (norm <= clip.norm) return;
  const T scale = static_cast<T>(clip.norm / norm);
  for (std::int64_t i = 0; i < count; ++i) gradient[i] *= scale;
}

/// Elements of a parameter that belong to one neuron lie together, because `out` is the first axis of every weight.
std::int64_t elements_per_neuron(const FlatParameters::Slice& slice) {
  const auto neurons = static_cast<std::int64_t>(slice.parameter->rate.size());
  THIMBLE_CHECK(neurons == slice.parameter->value.size(0), shape, "parameter ", slice.path, " has ",
                slice.parameter->value.size(0), " neurons, ", neurons, " learning-rate factors are given");
  return slice.count / neurons;
}

}  // namespace

Rule parse_rule(const std::string& name, double weight_decay) {
  Adam adam;
  adam.decay_rate = weight_decay;
  adam.decay = weight_decay > 0 ? kernels::Decay::l2 : kernels::Decay::none;
  if (name == "Adam") return adam;
  if (name == "AdamW") {
    adam.decay = kernels::Decay::decoupled;
    return adam;
  }
  if (name == "AdamKeras") {
    adam.eps_form = kernels::EpsForm::keras;
    adam.eps = 1e-7;
    return adam;
  }
  if (name == "SGD") return Sgd{0.9};
  if (name == "Rprop" || name == "Rprob") return Rprop{};
  const std::vector<std::string> known{"Adam", "AdamW", "AdamKeras", "SGD", "Rprop", "Rprob"};
  const std::string near = text::nearest(name, known);
  throw Error(ErrorKind::config, text::cat("optimizer not supported: '", text::printable(name), "'"), {},
              near.empty() ? "known: " + text::join(known, ", ") : "did you mean '" + near + "'?");
}

Optimizer::Optimizer(Rule rule, const FlatParameters& flat) : rule_(rule), flat_(&flat) {
  if (flat.size() == 0) return;
  first_ = Tensor::zeros(flat.values().shape(), flat.values().dtype());
  if (!std::holds_alternative<Sgd>(rule_)) second_ = Tensor::zeros(flat.values().shape(), flat.values().dtype());
  refresh();
}

void Optimizer::refresh() {
  factor_.clear();
  const auto plain = [](const FlatParameters::Slice& s) { return s.parameter->trainable && s.parameter->rate.empty(); };
  if (std::all_of(flat_->slices().begin(), flat_->slices().end(), plain)) return;
  factor_.assign(static_cast<std::size_t>(flat_->size()), 1.0F);
  for (const FlatParameters::Slice& slice : flat_->slices()) {
    const auto first = factor_.begin() + slice.first;
    if (!slice.parameter->trainable) std::fill_n(first, slice.count, 0.0F);
    if (!slice.parameter->trainable || slice.parameter->rate.empty()) continue;
    const std::int64_t width = elements_per_neuron(slice);
    for (std::int64_t i = 0; i < slice.count; ++i)
      first[i] = static_cast<float>(slice.parameter->rate[static_cast<std::size_t>(i / width)]);
  }
}

void Optimizer::step() {
  effect("optimizer", [this](const Run&) { run(); });
}

void Optimizer::run() {
  if (flat_->size() == 0) return;
  flat_->values().dtype() == DType::f64 ? run_typed<double>() : run_typed<float>();
  for (const Constraint& constraint : constraints_) constraint.apply();
}

template <class T>
void Optimizer::run_typed() {
  const std::int64_t n = flat_->size();
  T* value = flat_->values().mut<T>();
  T* grad = flat_->grads().mut<T>();
  clip_gradients(grad, n, clip_);
  kernels::PerElement per_element;
  if (!factor_.empty()) per_element.rate = factor_.data();
  const bool first = step_++ == 0;
  if (const auto* adam = std::get_if<Adam>(&rule_)) {
    kernels::adam_step(value, grad, first_.mut<T>(), second_.mut<T>(), n, *adam, rate_, step_, per_element);
  } else if (const auto* sgd = std::get_if<Sgd>(&rule_)) {
    kernels::sgd_step(value, grad, first_.mut<T>(), n, sgd->momentum, rate_, first, per_element);
  } else {
    if (first) std::fill_n(second_.mut<T>(), n, static_cast<T>(rate_));
    kernels::rprop_step(value, grad, first_.mut<T>(), second_.mut<T>(), n, std::get<Rprop>(rule_), per_element);
  }
}

/// Names as they stand in a checkpoint.
std::vector<std::pair<std::string, Tensor>> Optimizer::moments() const {
  if (std::holds_alternative<Adam>(rule_)) return {{"m", first_}, {"v", second_}};
  if (std::holds_alternative<Sgd>(rule_)) return {{"buf", first_}};
  return {{"prev", first_}, {"delta", second_}};
}

void Optimizer::save(State& state) const {
  state.set("steps", step_);
  for (const auto& [name, flat] : moments())
    for (const auto& slice : flat_->slices())
      state.tensors[slice.path + "." + name] = FlatParameters::part(flat, slice).clone();
}

void Optimizer::restore(const State& state) {
  step_ = state.integer("steps");
  for (const auto& [name, flat] : moments())
    for (const auto& slice : flat_->slices()) {
      const Tensor& saved = state.tensor(slice.path + "." + name);
      const Tensor place = FlatParameters::part(flat, slice);
      THIMBLE_CHECK(saved.shape() == place.shape() && saved.dtype() == place.dtype(), data, "optimiser state of ",
                    slice.path, " is ", name_of(saved.dtype()), " ", saved.shape(), ", wanted ", name_of(place.dtype()),
                    " ", place.shape());
      copy_into(saved, place);
    }
}

}  // namespace thimble::nn
