#include "nn/loss.h"

#include "core/base/error.h"

namespace thimble::nn {

Loss parse_loss(const std::string& name, double huber_delta) {
  if (name == "MSELoss" || name == "mse") return {LossKind::mse};
  if (name == "mae") return {LossKind::mae};
  if (name == "HuberLoss" || name == "huber") return {LossKind::huber, huber_delta};
  if (name == "msle") return {LossKind::msle};
  const std::vector<std::string> known{"MSELoss", "mse", "mae", "HuberLoss", "huber", "msle"};
  const std::string near = text::nearest(name, known);
  throw Error(ErrorKind::config, text::cat("unknown loss '", text::printable(name), "'"), {},
              near.empty() ? "known: " + text::join(known, ", ") : "did you mean '" + near + "'?");
}

Var batch_loss(const Var& y, const Var& target, Loss kind, const Tensor& feature_weights, const Tensor& row_weights) {
  if (!row_weights.defined()) return loss(y, target, kind, feature_weights);
  THIMBLE_CHECK(
      row_weights.dtype() == y.dtype() && row_weights.layout() == y.layout(), dtype,
      "loss: row weights must have the type and layout of the predictions; a replayed step would keep a copy");
  return weighted_mean(sample_losses(y, target, kind, feature_weights), row_weights);
}

}  // namespace thimble::nn
