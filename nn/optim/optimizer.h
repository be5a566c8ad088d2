#pragma once
// Optimisers: rules as plain values, one object that owns the moments and makes the step on flat buffers.

#include "core/kernels/optimizer.h"

#include "nn/optim/constraint.h"
#include "nn/parameter.h"
#include "nn/train/state.h"

#include <string>
#include <variant>

namespace thimble::nn {

using Adam = kernels::Adam;
using Rprop = kernels::Rprop;
/// buf = momentum buf + g, p -= rate buf (no dampening, no Nesterov; the first step takes buf = g).
struct Sgd {
  double momentum = 0;
};

using Rule = std::variant<Adam, Sgd, Rprop>;

/// "Adam" (weight decay as L2), "AdamW" (decoupled), "AdamKeras" (eps 1e-7), "SGD" (momentum 0.9), "Rprop" or "Rprob".
/// Throws Error(config) with the known names.
Rule parse_rule(const std::string& name, double weight_decay = 0);

/// Gradient clipping before the step; 0 = off.
struct GradientClip {
  double norm = 0;   // gradients are scaled so that their joint 2-norm is at most this
  double value = 0;  // every element is clamped to +-value
};

class Optimizer {
 public:
  /// `flat` must outlive the optimiser.
  Optimizer(Rule rule, const FlatParameters& flat);

  /// Learning rate of the next steps; captured programs see it too.
  void set_rate(double rate) { rate_ = rate; }
  double rate() const { return rate_; }
  void set_clip(GradientClip clip) { clip_ = clip; }
  /// Constraints act after every step, in this order.
  void add(Constraint constraint) { constraints_.push_back(std::move(constraint)); }
  /// Takes over Parameter::trainable and Parameter::rate; call it after a change of them.
  void refresh();
  /// Steps done.
  std::int64_t steps() const { return step_; }

  /// One step with the gradients as they are. Recorded as an effect, so a captured program repeats it.
  void step();

  void save(State& state) const;
  /// Throws Error(data) if the state is of another rule or model.
  void restore(const State& state);

 private:
  void run();
  template <class T>
  void run_typed();
  std::vector<std::pair<std::string, Tensor>> moments() const;

  Rule rule_;
  const FlatParameters* flat_;
  double rate_ = 0;
  GradientClip clip_;
  std::vector<Constraint> constraints_;
  std::int64_t step_ = 0;
  Tensor first_, second_;      // Adam m, v; Sgd buf; Rprop previous gradient, step size
  std::vector<float> factor_;  // learning-rate factor per element; empty when all are 1
};

}  // namespace thimble::nn
