#pragma once
// What the kernels compiled per instruction set offer: plain functions on float buffers, 16 samples per vector.
// "Lanes" buffers are [group][feature][16] (core/tensor/dtype.h). No allocation, no threads in here.

#include "core/kernels/isa/act_code.h"

#include <cstdint>

namespace thimble::kernels {

using i64 = std::int64_t;

/// y[g][o] = act(bias[o] + sum_i w[o * stride_out + i * stride_in] * x[g][i]), sums in the order of i.
struct LanesProduct {
  const float* x;
  const float* w;
  const float* bias;  // may be null
  float* y;
  i64 groups, outputs, inputs;
  i64 stride_out, stride_in;
  ActCode act;
  float slope;
  bool add;  // y += product instead of y = product (no bias, no activation then)
};

/// dw[o * inputs + i] (=, +=) sum over groups and lanes of dz[g][o] * x[g][i].
struct LanesOuter {
  const float* dz;
  const float* x;
  float* dw;
  i64 groups, outputs, inputs;
  bool add;
};

struct AdamArgs {
  float beta1, beta2, eps, lr, l2, decoupled;  // decoupled: lr * decay, multiplies the value first
  float correction1, correction2;  // 1/(1-beta1^t), 1/sqrt(1-beta2^t) (torch); Keras form folds both into lr
};

struct IsaTable {
  const char* name;
  void (*product)(const LanesProduct&);
  void (*outer)(const LanesOuter&);
  /// y[k] = act(x[k]), any n (a tail is handled).
  void (*activate)(const float* x, float* y, i64 n, ActCode act, float slope);
  /// dx (=, +=) dy * act'(x, y).
  void (*activate_gradient)(const float* dy, const float* x, const float* y, float* dx, i64 n, ActCode act, float slope,
                            bool add);
  /// sums[f] (=, +=) sum over groups and lanes of x[g][f].
  void (*feature_sums)(const float* x, float* sums, i64 groups, i64 features, bool add);
  /// out[g][f][lane] = row(lane)[f] of the group; rows[k] for k >= count give zeros. rows has 16 pointers per group.
  void (*transpose_in)(const float* const* rows, i64 count, i64 features, float* out);
  /// Reverse of transpose_in for one group.
  void (*transpose_out)(const float* in, i64 count, i64 features, float* rows, i64 row_stride);
  /// Sum over `samples` samples and all features of weight[f] * (y - t)^2; lanes beyond `samples` do not count.
  double (*squared_error)(const float* y, const float* t, const float* weight, i64 samples, i64 features);
  /// dy (=, +=) factor * weight[f] * (y - t); zero in lanes beyond `samples`.
  void (*squared_error_gradient)(const float* y, const float* t, const float* weight, float factor, float* dy,
                                 i64 samples, i64 features, bool add);
  /// One fused step on flat buffers; n is a multiple of 16.
  void (*adam)(float* value, const float* grad, float* m, float* v, i64 n, const AdamArgs&);
};

namespace avx2 {
const IsaTable& table();
}
namespace avx512 {
const IsaTable& table();
}

}  // namespace thimble::kernels
