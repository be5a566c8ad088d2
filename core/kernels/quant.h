#pragma once
// Quantisation inside training: the numbers are those of core/fixed, so what training sees is what the chip computes.

#include "core/fixed/type.h"
#include "core/kernels/activation.h"
#include "core/kernels/into.h"

namespace thimble::kernels {

/// A Quantiser without its per-channel table: plain data that an operation may capture.
struct QuantSpec {
  fixed::FxType type;
  fixed::Round round = fixed::Round::rnd_conv;
  fixed::Overflow overflow = fixed::Overflow::sat;
  fixed::Grad grad = fixed::Grad::pass;
};

/// y = q * 2^-f with q = overflow(round(x * 2^f)). channel_f (i32) gives one f per index of dimension 0, or is
/// undefined. A NaN stays NaN.
void fake_quant(const Tensor& x, const Tensor& channel_f, const QuantSpec& spec, const Tensor& y);
/// Straight-through: dx = dy * g with g = 1 (pass), 1 inside [lo, hi] (mask), 1 inside (0, hi] (mask_pos).
void fake_quant_backward(const Tensor& dy, const Tensor& x, const Tensor& channel_f, const QuantSpec& spec, Into dx);

/// An activation read from a table of integers, as the operator `lut` of the integer graph.
struct LutSpec {
  int f_acc = 0;         // fraction bits of the exact sum
  fixed::FxType window;  // the sum is converted to this first, when has_window
  fixed::Round round = fixed::Round::trn;
  fixed::Overflow overflow = fixed::Overflow::wrap;
  bool has_window = false;
  int drop = 0;     // low bits that do not address
  int f_out = 0;    // fraction bits of the entries
  Activation real;  // the function the table stands for; its derivative is the gradient
};

/// y = T(x Wᵀ + b), odd fold: sign(s) T[min(|s| >> drop, last)], 0 counts as positive. x, w, b hold exact multiples of
/// their steps; the sum is formed in double, which is exact below 2^53 steps. table i32 [N]; `sums` [B, O] keeps x Wᵀ +
/// b.
void linear_lut(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& table, const LutSpec& spec,
                const Tensor& y, const Tensor& sums);
/// dz = dy * real'(sums), then as linear_backward.
void linear_lut_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& sums, const LutSpec& spec,
                         Into dx, Into dw, Into db);

}  // namespace thimble::kernels
