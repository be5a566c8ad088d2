#include "nn/layers/batch_norm.h"

#include "core/base/error.h"

#include "autograd/ops/batch_norm.h"

#include "nn/layers/linear.h"

namespace thimble::nn {

void BatchNorm::make(DType dtype) {
  THIMBLE_CHECK(channels >= 1, value, "batch norm: ", channels, " channels, 1 or more are needed");
  THIMBLE_CHECK(eps > 0 && share_of_new >= 0 && share_of_new <= 1, value, "batch norm: eps ", eps, ", share of new ",
                share_of_new, "; wanted: eps > 0, share in [0, 1]");
  weight = Parameter(Shape{channels}, {Axis::out}, dtype);
  bias = Parameter(Shape{channels}, {Axis::out}, dtype);
  weight.value = Tensor::full(Shape{channels}, 1, dtype);
  mean.value = Tensor::zeros(Shape{channels}, dtype);
  variance.value = Tensor::full(Shape{channels}, 1, dtype);
}

Var BatchNorm::operator()(const Var& x, const Pass& pass) const {
  const Var w = affine ? as_var(weight) : Var(), b = affine ? as_var(bias) : Var();
  return batch_norm(x, w, b, mean.value, variance.value,
                    {eps, running ? share_of_new : 0, unbiased, pass.training() || !running});
}

Shape BatchNorm::output_shape(const Shape& sample) const {
  THIMBLE_CHECK(sample.rank() >= 1 && sample[0] == channels, shape, "batch norm: a sample is ", sample, ", wanted ",
                channels, " channels");
  return sample;
}

}  // namespace thimble::nn
