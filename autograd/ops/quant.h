#pragma once
// Quantisation-aware training: forward is the integer network, backward goes straight through.

#include "core/kernels/quant.h"

#include "autograd/tape.h"

namespace thimble {

/// x rounded to the quantiser's grid, as floating-point numbers; gradient as its `grad` says. With channel_f the
/// quantiser has one fraction per index of dimension 0 (rows layout).   Throws Error(shape).
Var fake_quant(const Var& x, const fixed::Quantiser& quantiser);

/// y = T(x Wᵀ + b): a dense layer whose activation is a table of integers, exactly as the chip computes it.
/// x [B, I], w [O, I], b [O], all on their grids; table i32 [N].   Throws Error(shape), Error(value) if a sum could
/// need more than 53 bits (`largest_sum`: a bound of |x Wᵀ + b| that the caller's formats prove).
Var linear_lut(const Var& x, const Var& w, const Var& b, const Tensor& table, const kernels::LutSpec& spec,
               double largest_sum);

}  // namespace thimble
