#pragma once
// Layers without parameters.

#include "core/kernels/activation.h"

#include "autograd/tape.h"

#include "nn/layers/pass.h"

namespace thimble::nn {

/// y = act(x), element by element.
struct Activate {
  static constexpr const char* kKind = "activation";
  Activation function;

  static void fields(auto& self, auto&& visit) { visit("function", self.function); }
  static void members(auto&, auto&&) {}
  void make(DType) {}
  Var operator()(const Var& x, const Pass&) const;
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t macs(const Shape&) const { return 0; }
};

/// In training every element is dropped with the given chance and the others are scaled by 1/(1 - share); the mask is a
/// function of (stream, step, element), so that a recomputed or replayed pass sees the same one.
struct Dropout {
  static constexpr const char* kKind = "dropout";
  double share = 0.5;

  static void fields(auto& self, auto&& visit) { visit("share", self.share); }
  static void members(auto&, auto&&) {}
  void make(DType) const;
  Var operator()(const Var& x, const Pass& pass) const;
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t macs(const Shape&) const { return 0; }
};

/// [B, C, H, W] -> [B, C*H*W], channels first (chw) or channels last (hwc, as Keras models have it).
struct Flatten {
  static constexpr const char* kKind = "flatten";
  enum class Order { chw, hwc };
  Order order = Order::chw;

  static void fields(auto& self, auto&& visit) { visit("order", self.order); }
  static void members(auto&, auto&&) {}
  void make(DType) {}
  Var operator()(const Var& x, const Pass&) const;
  Shape output_shape(const Shape& sample) const { return Shape{sample.numel()}; }
  std::int64_t macs(const Shape&) const { return 0; }
};

}  // namespace thimble::nn
