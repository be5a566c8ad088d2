#pragma once
// One fused optimiser step over flat buffers: all parameters of a model lie in one buffer, so a step is one call.

#include <cstdint>

namespace thimble::kernels {

enum class EpsForm : std::uint8_t {
  torch,  // m̂ / (sqrt(v̂) + eps) with bias-corrected m̂, v̂
  keras,  // lr sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + eps)
};
enum class Decay : std::uint8_t {
  none,
  l2,         // decay * value is added to the gradient
  decoupled,  // value *= 1 - lr * decay before the step (AdamW)
};

struct Adam {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  EpsForm eps_form = EpsForm::torch;
  Decay decay = Decay::none;
  double decay_rate = 0;
};

/// Options per element, all null in the usual case. Surgery gives new neurons step counts of their own and layers rates
/// of their own (weightslab.md 2.5, 2.7).
struct PerElement {
  const std::int64_t* steps = nullptr;  // step count t of each element, in place of `step`
  const float* rate = nullptr;          // factor on the learning rate
  const float* gradient = nullptr;      // factor on the gradient before it enters the moments (0: frozen)
};

/// Step number `step` (1 for the first) of n elements. T is float or double.
/// Source: Kingma & Ba 2015; Loshchilov & Hutter 2019 for the decoupled decay.
template <class T>
void adam_step(T* value, const T* grad, T* m, T* v, std::int64_t n, const Adam& rule, double learning_rate,
               std::int64_t step, const PerElement& per_element = {});

/// buf = momentum buf + grad (buf = grad at the first step), value -= lr buf (PyTorch, no dampening, no Nesterov).
template <class T>
void sgd_step(T* value, const T* grad, T* momentum_buffer, std::int64_t n, double momentum, double learning_rate,
              bool first, const PerElement& per_element = {});

struct Rprop {
  double shrink = 0.5, grow = 1.2, smallest = 1e-6, largest = 50;
};
/// Resilient propagation: the step of an element grows while its gradient keeps its sign and shrinks when it turns;
/// then the gradient counts as 0 in this step and as the previous one of the next. `delta` starts as the learning rate.
/// Source: Riedmiller & Braun 1993 (Rprop- with the PyTorch conventions).
template <class T>
void rprop_step(T* value, const T* grad, T* previous, T* delta, std::int64_t n, const Rprop& rule,
                const PerElement& per_element = {});

}  // namespace thimble::kernels
