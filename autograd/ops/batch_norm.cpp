#include "autograd/ops/batch_norm.h"

#include "core/base/error.h"

namespace thimble {

Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const Tensor& running_mean, const Tensor& running_var,
               const kernels::BatchNormArgs& args) {
  THIMBLE_CHECK(x.shape().rank() >= 2, shape, "batch_norm: x ", x.shape(), " must be [B, C, ...]");
  const std::int64_t channels = x.size(1);
  THIMBLE_CHECK(running_mean.numel() == channels && running_var.numel() == channels, shape, "batch_norm: x ", x.shape(),
                " has ", channels, " channels, the statistics have ", running_mean.numel());
  THIMBLE_CHECK(!args.training || x.size(0) * x.shape().numel_from(2) > 1, value,
                "batch_norm: one value per channel has no variance; use batches of at least 2 samples");
  const TensorSpec statistics{{channels}, DType::f64};
  return record(
      "batch_norm", {x, gamma, beta, constant(running_mean), constant(running_var)}, {x.shape(), x.dtype(), x.layout()},
      [args](const Run& r) {
        kernels::batch_norm(r.in(0), r.in(1), r.in(2), r.in(3), r.in(4), args, r.out(), r.out(1), r.out(2));
      },
      [args](const Run& r) {
        kernels::batch_norm_backward(r.d_out(), r.in(0), r.in(1), r.out(1), r.out(2), args, r.d_in(0), r.d_in(1),
                                     r.d_in(2));
      },
      {statistics, statistics});
}

}  // namespace thimble
