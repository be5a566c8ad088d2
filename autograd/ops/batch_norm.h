#pragma once

#include "core/kernels/batch_norm.h"

#include "autograd/tape.h"

namespace thimble {

/// y = (x - μ) / sqrt(σ² + eps) γ + β per channel.   x [B, C, ...]; gamma, beta [C] or undefined; running_mean and
/// running_var [C] are read in evaluation and updated in training.   Throws Error(shape), Error(value) for B = 1 in
/// training.
Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean, const Tensor& running_var,
               const kernels::BatchNormArgs& args);

}  // namespace thimble
