#pragma once

#include "core/kernels/loss.h"

#include "autograd/tape.h"

namespace thimble {

/// Mean loss over all elements, weighted per feature: Σ w_f loss(y, t) / (B F).   y, t [B, ...], weights [F] or
/// undefined (all 1) -> scalar []. The target gets no gradient.   Throws Error(shape).
Var loss(const Var& y, const Var& t, Loss kind, const Tensor& feature_weights = {});
/// loss(y, t, mse).
Var mse(const Var& y, const Var& t);
/// The loss of each sample: Σ_f w_f loss(y, t) / F.   -> [B].
Var sample_losses(const Var& y, const Var& t, Loss kind, const Tensor& feature_weights = {});
/// log Σ_c exp(y) - y[label] of each sample.   y [B, C], labels i32 [B], values below C -> [B].
Var cross_entropy(const Var& y, const Tensor& labels);
/// Σ x / numel -> scalar.
Var mean(const Var& x);
/// Σ x -> scalar.
Var sum(const Var& x);
/// Σ w_b x_b / B over samples.   x [B], weights of the same shape, type and layout (undefined: 1) -> scalar.
/// Throws Error(shape), Error(dtype).
Var weighted_mean(const Var& x, const Tensor& weights = {});

}  // namespace thimble
