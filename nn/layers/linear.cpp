#include "nn/layers/linear.h"

#include "core/base/error.h"

#include "autograd/ops/linear.h"
#include "autograd/ops/quant.h"

namespace thimble::nn {

Var as_var(const Parameter& parameter) {
  return parameter.trainable ? variable(parameter.value, parameter.grad) : constant(parameter.value);
}

Linear::Linear(std::int64_t inputs, std::int64_t outputs, bool with_bias, DType dtype)
    : in(inputs), out(outputs), has_bias(with_bias) {
  make(dtype);
}

void Linear::make(DType dtype) {
  THIMBLE_CHECK(in >= 1 && out >= 1, value, "linear: ", in, " inputs and ", out, " outputs, both must be 1 or more");
  weight = Parameter(Shape{out, in}, {Axis::out, Axis::in}, dtype);
  if (has_bias) bias = Parameter(Shape{out}, {Axis::out}, dtype);
}

Var Linear::quantised_weight() const {
  const Var w = as_var(weight);
  return weight_format ? fake_quant(w, *weight_format) : w;
}

Var Linear::quantised_bias() const {
  if (!has_bias) return Var();
  const Var b = as_var(bias);
  return bias_format ? fake_quant(b, *bias_format) : b;
}

Var Linear::operator()(const Var& x, const Pass&, Activation act) const {
  return linear(x, quantised_weight(), quantised_bias(), act);
}

Shape Linear::output_shape(const Shape& sample) const {
  THIMBLE_CHECK(sample.rank() == 1 && sample[0] == in, shape, "linear: a sample is ", sample, ", wanted [", in, "]");
  return Shape{out};
}

}  // namespace thimble::nn
