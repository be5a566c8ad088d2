#include "autograd/ops/channel_map.h"

#include "core/base/error.h"
#include "core/kernels/group_map.h"

namespace thimble {

Var channel_map(const Var& x, const Var& w) {
  THIMBLE_CHECK(x.shape().rank() == 2 && x.layout() == Layout::rows && (w.shape().rank() == 2 || w.shape().rank() == 3),
                shape, "channel_map: x ", x.shape(), " must be [B, C * N] in rows, w ", w.shape(),
                " [N, A] or [C, N, A]");
  const bool own = w.shape().rank() == 3;
  const std::int64_t inputs = w.size(own ? 1 : 0), outputs = w.size(own ? 2 : 1), groups = x.size(1) / inputs;
  THIMBLE_CHECK(x.size(1) % inputs == 0 && (!own || groups == w.size(0)), shape, "channel_map: x ", x.shape(),
                " does not fit w ", w.shape());
  THIMBLE_CHECK(x.dtype() == w.dtype(), dtype, "channel_map: x is ", name_of(x.dtype()), ", w is ", name_of(w.dtype()));
  const kernels::GroupShape shape{groups, inputs, outputs, !own};
  return record(
      "channel_map", {x, w}, {{x.size(0), groups * outputs}, x.dtype()},
      [shape](const Run& r) { kernels::map_groups(shape, r.in(0), r.in(1), r.out()); },
      [shape](const Run& r) {
        kernels::map_groups_backward(shape, r.d_out(), r.in(0), r.in(1), r.d_in(0), r.d_in(1));
      });
}

}  // namespace thimble
