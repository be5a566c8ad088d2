#pragma once
// Losses between predictions and targets [B, ...], either layout. Sums run per block of rows and are added in block
// order.

#include "core/kernels/into.h"

#include <cstdint>

namespace thimble {

/// Per element, with e = y - t:  mse e²;  mae |e|;  huber e²/2 within delta, delta (|e| - delta/2) outside;
/// msle (log(1+y) - log(1+t))² for y, t > -1.
enum class LossKind : std::uint8_t { mse, mae, huber, msle };

struct Loss {
  LossKind kind = LossKind::mse;
  double delta = 1;  // huber
};

namespace kernels {

/// out (one element) = sum over b, f of weight[f] * loss(y, t) / (B F). weight [F] of the type of y.
void loss(const Tensor& y, const Tensor& t, const Tensor& weight, Loss loss, const Tensor& out);
/// dy = d_out * weight[f] * loss'(y, t) / (B F).
void loss_backward(const Tensor& d_out, const Tensor& y, const Tensor& t, const Tensor& weight, Loss loss, Into dy);

/// out [B] = sum over f of weight[f] * loss(y, t) / F, the loss of each sample.
void sample_losses(const Tensor& y, const Tensor& t, const Tensor& weight, Loss loss, const Tensor& out);
void sample_losses_backward(const Tensor& d_out, const Tensor& y, const Tensor& t, const Tensor& weight, Loss loss,
                            Into dy);

/// out [B] = log(sum_c exp(y[b, c])) - y[b, label[b]].   labels i32 [B].
void cross_entropy(const Tensor& y, const Tensor& labels, const Tensor& out);
void cross_entropy_backward(const Tensor& d_out, const Tensor& y, const Tensor& labels, Into dy);

/// out (one element) = sum over all elements of weight * x / divisor; weight undefined: 1. Padding lanes do not count.
void weighted_sum(const Tensor& x, const Tensor& weight, double divisor, const Tensor& out);
void weighted_sum_backward(const Tensor& d_out, const Tensor& weight, double divisor, Into dx);

}  // namespace kernels
}  // namespace thimble
