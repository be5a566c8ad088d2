#pragma once

#include "core/kernels/activation.h"

#include "autograd/tape.h"

namespace thimble {

/// y = act(x Wᵀ + b), one fused kernel.   x [B, I], w [O, I], b [O] (may be undefined) -> y [B, O].
/// dz = dy act'(y), dx = dz W, dw = dzᵀ x, db = Σ_B dz.   Throws Error(shape).
/// A leaky_relu with a slope <= 0 cannot be fused (its derivative needs the input): Error(value).
Var linear(const Var& x, const Var& w, const Var& b, Activation act = {});

}  // namespace thimble
