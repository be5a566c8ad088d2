#pragma once
// A Kalman filter with constant gain: how states go on, and what features show of them, both learnt by least squares.
// Source: Wu, Gao, Bienenstock, Donoghue and Black, "Bayesian population decoding of motor cortical activity using a
// Kalman filter", Neural Computation 18, 2006; steady gain: Malik, Truccolo, Brown and Hochberg, IEEE TNSRE 19, 2011.

#include "core/tensor/tensor.h"

#include <cstdint>
#include <vector>

namespace thimble::linalg {

/// s_t = A s_t-1 + w, x_t - mean = H s_t + v. All tensors f64; k numbers of state, the labels first.
struct KalmanFilter {
  Tensor transition;      // A [k, k]
  Tensor observation;     // H [m, k]
  Tensor gain;            // [k, m], to which the filter settles
  Tensor x_mean, y_mean;  // [m], [D]
};

/// Fits to consecutive rows x [n, m], y [n, D], f32 or f64. State: the labels less their mean, with `integral` also
/// their running sum (the position when labels are velocities), which begins anew at row 0 and at every row of
/// `starts`. Throws Error(value) for too few pairs of consecutive rows, Error(shape) for unequal rows.
KalmanFilter fit_kalman(const Tensor& x, const Tensor& y, bool integral = false,
                        const std::vector<std::int64_t>& starts = {});
/// Filters consecutive rows from the mean state on: [n, D] f64.
Tensor predict(const KalmanFilter& filter, const Tensor& x);

}  // namespace thimble::linalg
