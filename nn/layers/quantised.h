#pragma once
// Layers that compute in training what the hardware computes: values rounded to a format, activations read from a
// table.

#include "core/fixed/type.h"
#include "core/kernels/activation.h"

#include "autograd/tape.h"

#include "nn/layers/linear.h"

#include <optional>
#include <vector>

namespace thimble::nn {

/// y = x rounded to a format; straight-through gradient as the quantiser says. For inputs and between layers.
struct FakeQuant {
  static constexpr const char* kKind = "fake_quant";
  fixed::Quantiser format;

  static void fields(auto& self, auto&& visit) { visit("format", self.format); }
  static void members(auto&, auto&&) {}
  void make(DType) const { fixed::check(format.type, "fake_quant"); }
  Var operator()(const Var& x, const Pass&) const;
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t macs(const Shape&) const { return 0; }
};

/// The activation behind a quantised linear layer as the chip has it: the exact sum s in steps of 2^-f_acc is brought
/// into `window` (if there is one), then y = sign(s) * table[min(|s| >> drop, last)] in steps of out.step(); 0 counts
/// as positive. The gradient is that of `real` at the exact sum.
struct LookUp {
  static constexpr const char* kKind = "lut";
  int f_acc = 0;
  std::optional<fixed::Quantiser> window;
  int drop = 0;
  fixed::FxType out;
  Activation real;
  std::vector<std::int64_t> table;

  static void fields(auto& self, auto&& visit) {
    visit("f_acc", self.f_acc);
    visit("window", self.window);
    visit("drop", self.drop);
    visit("out", self.out);
    visit("real", self.real);
    visit("table", self.table);
  }
  static void members(auto&, auto&&) {}
  /// Throws Error(value) for an empty table or an entry outside `out`.
  void make(DType);
  /// A table works on exact sums, so it cannot run apart from its linear layer: Error(internal).
  Var operator()(const Var& x, const Pass&) const;
  /// Both layers in one. `largest_input`: bound of |x| that the format of x proves. Throws Error(value) if a sum could
  /// leave the exact range.
  Var after(const Linear& linear, const Var& x, double largest_input) const;
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t macs(const Shape&) const { return 0; }

 private:
  Tensor entries_;  // i32
};

}  // namespace thimble::nn
