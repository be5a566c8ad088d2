#include "autograd/ops/loss.h"

#include "core/base/error.h"
#include "core/kernels/index.h"

namespace thimble {
namespace {

void check_pair(const char* op, const Var& y, const Var& t) {
  THIMBLE_CHECK(y.shape() == t.shape() && y.dtype() == t.dtype() && y.layout() == t.layout(), shape, op,
                ": prediction ", y.shape(), " ", name_of(y.dtype()), " and target ", t.shape(), " ", name_of(t.dtype()),
                " differ");
  THIMBLE_CHECK(y.value().numel() > 0, shape, op, ": no elements in ", y.shape());
}

Tensor weights_or_ones(const char* op, const Tensor& weights, const Var& y) {
  const std::int64_t features = kernels::Samples(y.value()).features;
  if (!weights.defined()) return Tensor::full({features}, 1, y.dtype());
  THIMBLE_CHECK(weights.numel() == features, shape, op, ": ", weights.numel(), " weights for ", features, " features");
  return weights.to(y.dtype());
}

Var reduce(const char* name, const Var& x, const Tensor& weights, double divisor) {
  return record(
      name, {x, constant(weights)}, {{}, x.dtype()},
      [divisor](const Run& r) { kernels::weighted_sum(r.in(0), r.in(1), divisor, r.out()); },
      [divisor](const Run& r) { kernels::weighted_sum_backward(r.d_out(), r.in(1), divisor, r.d_in(0)); });
}

}  // namespace

Var loss(const Var& y, const Var& t, Loss kind, const Tensor& feature_weights) {
  check_pair("loss", y, t);
  const Var w = constant(weights_or_ones("loss", feature_weights, y));
  return record(
      "loss", {y, constant(t.value()), w}, {{}, y.dtype()},
      [kind](const Run& r) { kernels::loss(r.in(0), r.in(1), r.in(2), kind, r.out()); },
      [kind](const Run& r) { kernels::loss_backward(r.d_out(), r.in(0), r.in(1), r.in(2), kind, r.d_in(0)); });
}

Var mse(const Var& y, const Var& t) {
  return loss(y, t, {LossKind::mse});
}

Var sample_losses(const Var& y, const Var& t, Loss kind, const Tensor& feature_weights) {
  check_pair("sample_losses", y, t);
  const Var w = constant(weights_or_ones("sample_losses", feature_weights, y));
  return record(
      "sample_losses", {y, constant(t.value()), w}, {{y.size(0)}, y.dtype(), y.layout()},
      [kind](const Run& r) { kernels::sample_losses(r.in(0), r.in(1), r.in(2), kind, r.out()); },
      [kind](const Run& r) { kernels::sample_losses_backward(r.d_out(), r.in(0), r.in(1), r.in(2), kind, r.d_in(0)); });
}

Var cross_entropy(const Var& y, const Tensor& labels) {
  THIMBLE_CHECK(y.shape().rank() == 2 && labels.shape() == Shape{y.size(0)}, shape, "cross_entropy: y ", y.shape(),
                " must be [B, C] and labels ", labels.shape(), " [B]");
  return record(
      "cross_entropy", {y, constant(labels)}, {{y.size(0)}, y.dtype(), y.layout()},
      [](const Run& r) { kernels::cross_entropy(r.in(0), r.in(1), r.out()); },
      [](const Run& r) { kernels::cross_entropy_backward(r.d_out(), r.in(0), r.in(1), r.d_in(0)); });
}

Var mean(const Var& x) {
  return reduce("mean", x, {}, static_cast<double>(x.value().numel()));
}
Var sum(const Var& x) {
  return reduce("sum", x, {}, 1);
}

Var weighted_mean(const Var& x, const Tensor& weights) {
  THIMBLE_CHECK(x.shape().rank() == 1, shape, "weighted_mean: x ", x.shape(), " must be [B]");
  THIMBLE_CHECK(!weights.defined() || weights.shape() == x.shape(), shape, "weighted_mean: weights ", weights.shape(),
                " for ", x.shape());
  // A converted copy would be what a captured program reads for ever, while the caller refills the original.
  THIMBLE_CHECK(!weights.defined() || (weights.dtype() == x.dtype() && weights.layout() == x.layout()), dtype,
                "weighted_mean: weights must have the type and layout of x, ", name_of(x.dtype()));
  return reduce("weighted_mean", x, weights, static_cast<double>(x.size(0)));
}

}  // namespace thimble
