#pragma once
// Losses by name, as configurations give them.

#include "autograd/ops/loss.h"

#include <string>

namespace thimble::nn {

/// "MSELoss" or "mse", "mae", "HuberLoss" or "huber", "msle". `huber_delta`: where the Huber loss turns from a parabola
/// into a line. Throws Error(config) with the known names.
Loss parse_loss(const std::string& name, double huber_delta = 1.0);

/// Mean loss of a batch: over all elements, each feature weighted; with a weight per row Σ_b w_b L_b / B.
/// y, target [B, O], feature_weights [O] or undefined, row_weights [B] or undefined -> scalar.
Var batch_loss(const Var& y, const Var& target, Loss kind, const Tensor& feature_weights = {},
               const Tensor& row_weights = {});

}  // namespace thimble::nn
