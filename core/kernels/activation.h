#pragma once
// Activation functions, once for every layout, type and instruction set.

#include "core/kernels/isa/act_code.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace thimble {

/// y = act(x). `slope` is used by leaky_relu alone: x for x > 0, slope * x otherwise (the slope's branch also at 0).
struct Activation {
  Act kind = Act::none;
  double slope = 0.01;
  constexpr Activation() = default;
  constexpr Activation(Act k, double s = 0.01) : kind(k), slope(s) {}  // NOLINT(google-explicit-constructor)
  bool operator==(const Activation&) const = default;
  /// True if the derivative follows from y alone, so that a fused kernel need not keep x.
  bool gradient_from_output() const { return kind != Act::leaky_relu || slope > 0; }
};

/// "tanh", "tanh/2", "softsign", "relu", "sigmoid", "leaky_relu", "selu", "hard_sigmoid", "none".
std::string name_of(Act act);
/// Reverse of name_of; throws Error(value) with a suggestion.
Act act_from_name(std::string_view name);

namespace kernels {

/// The function itself in double, by the C library (reference, f64 path, tables).
double activate(Activation act, double x);
/// Its derivative at x with y = act(x); where only y is known pass x = y (see gradient_from_output).
/// At 0: relu 0, leaky_relu the slope.
double activate_gradient(Activation act, double x, double y);

}  // namespace kernels
}  // namespace thimble
