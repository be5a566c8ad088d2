#pragma once
// Linear fits: ordinary least squares and ridge.

#include "core/tensor/tensor.h"

namespace thimble::linalg {

/// y = x coefficients^T + intercept.
struct LinearFit {
  Tensor coefficients;  // [q, m], f64
  Tensor intercept;     // [q], f64
};

/// Ordinary least squares with intercept: x [n, m], y [n, q], f32 or f64, sums in double. Well-conditioned columns are
/// solved by the normal equations (Cholesky), others with the minimum norm by a complete orthogonal decomposition whose
/// cut-off is the machine epsilon of the type of x. `ridge` > 0 adds ridge * |coefficients|^2 (centred columns, the
/// intercept is not shrunk).
LinearFit fit_linear(const Tensor& x, const Tensor& y, double ridge = 0);
/// [n, q], f64.
Tensor predict(const LinearFit& fit, const Tensor& x);

}  // namespace thimble::linalg
