#include "autograd/ops/linear.h"

#include "core/base/error.h"
#include "core/kernels/linear.h"

namespace thimble {

Var linear(const Var& x, const Var& w, const Var& b, Activation act) {
  THIMBLE_CHECK(x.shape().rank() == 2 && w.shape().rank() == 2, shape, "linear: x ", x.shape(), " and w ", w.shape(),
                " must be matrices");
  THIMBLE_CHECK(x.size(1) == w.size(1), shape, "linear: x ", x.shape(), " has ", x.size(1), " columns, w ", w.shape(),
                " wants ", w.size(1));
  THIMBLE_CHECK(!b.defined() || b.shape() == Shape{w.size(0)}, shape, "linear: b ", b.shape(), " must be [", w.size(0),
                "]");
  THIMBLE_CHECK(x.dtype() == w.dtype(), dtype, "linear: x is ", name_of(x.dtype()), ", w is ", name_of(w.dtype()));
  THIMBLE_CHECK(act.gradient_from_output(), value, "linear: leaky_relu with slope ", act.slope,
                " cannot be fused, apply it with activate()");
  return record(
      "linear", {x, w, b}, {{x.size(0), w.size(0)}, x.dtype(), x.layout()},
      [act](const Run& r) { kernels::linear(r.in(0), r.in(1), r.in(2), act, r.out()); },
      [act](const Run& r) {
        kernels::linear_backward(r.d_out(), r.in(0), r.in(1), r.out(), act, r.d_in(0), r.d_in(1), r.d_in(2));
      });
}

}  // namespace thimble
