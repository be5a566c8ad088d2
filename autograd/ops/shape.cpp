#include "autograd/ops/shape.h"

#include "core/kernels/elementwise.h"

namespace thimble {

Var reshape(const Var& x, Shape shape) {
  return record_view("reshape", x, x.value().reshape(shape), [](const Run& r) {
    const kernels::Into dx = r.d_in(0);
    const Tensor view = dx.tensor->reshape(r.d_out().shape());
    kernels::scale(r.d_out(), 1, {&view, dx.add});
  });
}

Var flatten(const Var& x) {
  return reshape(x, {x.size(0), x.shape().numel_from(1)});
}

}  // namespace thimble
