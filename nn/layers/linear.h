#pragma once

#include "core/fixed/type.h"
#include "core/kernels/activation.h"

#include "autograd/tape.h"

#include "nn/layers/pass.h"
#include "nn/parameter.h"

#include <optional>

namespace thimble::nn {

/// y = x Wᵀ + b;  x [B, in] -> y [B, out]. With quantisers, weight and bias are rounded on their way into the product,
/// with a straight-through gradient, so that the product is the one the hardware computes.
struct Linear {
  static constexpr const char* kKind = "linear";

  std::int64_t in = 0, out = 0;
  bool has_bias = true;
  std::optional<fixed::Quantiser> weight_format, bias_format;
  Parameter weight;  // [out, in]
  Parameter bias;    // [out]

  Linear() = default;
  Linear(std::int64_t inputs, std::int64_t outputs, bool with_bias = true, DType dtype = DType::f32);

  static void fields(auto& self, auto&& visit) {
    visit("in", self.in);
    visit("out", self.out);
    visit("bias", self.has_bias);
    visit("weight_format", self.weight_format);
    visit("bias_format", self.bias_format);
  }
  static void members(auto& self, auto&& visit) {
    visit("weight", self.weight);
    if (self.has_bias) visit("bias", self.bias);
  }

  /// Allocates weight and bias for `in` and `out`. Throws Error(value) for sizes below 1.
  void make(DType dtype);
  /// act(x Wᵀ + b) in one kernel where the activation allows it.
  Var operator()(const Var& x, const Pass& pass, Activation act = {}) const;
  /// The weight as it enters the product: rounded if there is a format.
  Var quantised_weight() const;
  /// Undefined without bias.
  Var quantised_bias() const;
  /// Throws Error(shape).
  Shape output_shape(const Shape& sample) const;
  std::int64_t macs(const Shape&) const { return in * out; }
};

/// A parameter in a computation: a leaf while it is trained, else a constant.
Var as_var(const Parameter& parameter);

}  // namespace thimble::nn
