#pragma once
// What is expected of trying a point: the improvement over the best value so far. Values are minimised.

#include "core/linalg/gp.h"

namespace thimble::nn::search {

/// E[max(best - Y, 0)] of a normal Y. A deviation of zero gives max(best - mean, 0).
double expected_improvement(double mean, double deviation, double best);

/// Its logarithm, exact also where the improvement underflows (Ament, Daulton, Eriksson, Balandat and Bakshy,
/// "Unexpected improvements to expected improvement", NeurIPS 2023, use the same reformulation). Minus infinity for a
/// deviation of zero without improvement. `by_mean` and `by_deviation` receive the derivatives.
double log_expected_improvement(double mean, double deviation, double best, double* by_mean = nullptr,
                                double* by_deviation = nullptr);

/// exp(x^2) erfc(x) for x >= 0.
double scaled_erfc(double x);

}  // namespace thimble::nn::search
