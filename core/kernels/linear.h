#pragma once
// y = act(x Wᵀ + b), fused. f32 in the lanes layout runs on the kernels of core/kernels/isa, everything in the rows
// layout on gemm.

#include "core/kernels/activation.h"
#include "core/kernels/into.h"

namespace thimble::kernels {

/// x [B, I], w [O, I], b [O] or undefined -> y [B, O]; x and y in the same layout.
void linear(const Tensor& x, const Tensor& w, const Tensor& b, Activation act, const Tensor& y);

/// dz = dy * act'(y); dx = dz W, dw = dzᵀ x, db = sum over B of dz. `act` must satisfy gradient_from_output().
void linear_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& y, Activation act, Into dx,
                     Into dw, Into db);

}  // namespace thimble::kernels
