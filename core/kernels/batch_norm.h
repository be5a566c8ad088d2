#pragma once
// Batch normalisation over samples (and positions) per channel.  Source: Ioffe & Szegedy 2015.

#include "core/kernels/into.h"

namespace thimble::kernels {

/// Sizes and constants; x [B, C, ...], statistics and affine parameters [C].
struct BatchNormArgs {
  double eps = 1e-5;
  double share_of_new = 0.1;         // running = (1 - share) running + share batch
  bool unbiased_running_var = true;  // the running variance uses the n-1 divisor; normalisation always n
  bool training = true;              // batch statistics, running ones updated; else running statistics
};

/// y = (x - mean) inv_std gamma + beta; writes mean and inv_std [C] (f64) for backward, updates the running statistics
/// when training. gamma and beta may be undefined (1 and 0).
void batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                const Tensor& running_var, const BatchNormArgs& args, const Tensor& y, const Tensor& mean,
                const Tensor& inv_std);
/// Gradients of x, gamma and beta; in evaluation the statistics count as constants.
void batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& gamma, const Tensor& mean,
                         const Tensor& inv_std, const BatchNormArgs& args, Into dx, Into dgamma, Into dbeta);

}  // namespace thimble::kernels
