#include "autograd/ops/quant.h"

#include "core/base/error.h"

#include <cmath>

namespace thimble {

Var fake_quant(const Var& x, const fixed::Quantiser& quantiser) {
  fixed::check(quantiser.type, "fake_quant");
  Tensor channel_f;
  if (!quantiser.channel_f.empty()) {
    THIMBLE_CHECK(x.layout() == Layout::rows && x.shape().rank() > 0 &&
                      x.size(0) == static_cast<std::int64_t>(quantiser.channel_f.size()),
                  shape, "fake_quant: ", quantiser.channel_f.size(), " fractions for x ", x.shape());
    channel_f = Tensor::from(std::vector<std::int32_t>(quantiser.channel_f.begin(), quantiser.channel_f.end()));
  }
  const kernels::QuantSpec spec{quantiser.type, quantiser.round, quantiser.overflow, quantiser.grad};
  return record(
      "fake_quant", {x, constant(channel_f)}, {x.shape(), x.dtype(), x.layout()},
      [spec](const Run& r) { kernels::fake_quant(r.in(0), r.in(1), spec, r.out()); },
      [spec](const Run& r) { kernels::fake_quant_backward(r.d_out(), r.in(0), r.in(1), spec, r.d_in(0)); });
}

Var linear_lut(const Var& x, const Var& w, const Var& b, const Tensor& table, const kernels::LutSpec& spec,
               double largest_sum) {
  THIMBLE_CHECK(x.shape().rank() == 2 && w.shape().rank() == 2 && x.size(1) == w.size(1), shape, "linear_lut: x ",
                x.shape(), " and w ", w.shape(), " do not fit");
  THIMBLE_CHECK(!b.defined() || b.shape() == Shape{w.size(0)}, shape, "linear_lut: b ", b.shape(), " must be [",
                w.size(0), "]");
  THIMBLE_CHECK(std::ldexp(largest_sum, spec.f_acc) < 0x1p53, value, "linear_lut: a sum of up to ", largest_sum,
                " in steps of 2^-", spec.f_acc, " needs more than 53 bits");
  const TensorSpec result{{x.size(0), w.size(0)}, x.dtype(), x.layout()};
  return record(
      "linear_lut", {x, w, b, constant(table)}, result,
      [spec](const Run& r) { kernels::linear_lut(r.in(0), r.in(1), r.in(2), r.in(3), spec, r.out(), r.out(1)); },
      [spec](const Run& r) {
        kernels::linear_lut_backward(r.d_out(), r.in(0), r.in(1), r.out(1), spec, r.d_in(0), r.d_in(1), r.d_in(2));
      },
      {result});
}

}  // namespace thimble
