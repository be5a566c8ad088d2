#pragma once
// Partial least squares: one solver on cross-products, many small fits side by side.
// Sources: Wold, Sjoestroem and Eriksson 2001 (NIPALS); Dayal and MacGregor 1997 (kernel form); de Jong 1993 (SIMPLS).

#include "core/tensor/tensor.h"

#include <cstdint>
#include <vector>

namespace thimble::linalg {

enum class PlsSolver : std::uint8_t {
  nipals,  // power iteration with the stopping rule of scikit-learn
  svd,     // dominant singular vector directly
  simpls,  // conventions of MATLAB's plsregress: centred, not scaled; another model for several responses
};

struct PlsOptions {
  std::int64_t components = 2;
  PlsSolver solver = PlsSolver::nipals;
  double tolerance = 1e-6;  // nipals: squared change of the weights that ends the iteration
  int most_iterations = 500;
  bool scale = true;  // divide columns by their standard deviation (n-1), constant columns by 1; simpls never does
};

/// A fitted model; all tensors f64. p columns of x, q of y, A components.
struct PlsModel {
  Tensor x_mean, x_std;                       // [p]
  Tensor y_mean, y_std;                       // [q]
  Tensor x_weights, x_loadings, x_rotations;  // [p, A]
  Tensor y_weights, y_loadings;               // [q, A]
  Tensor y_rotations;                         // [q, A]; zero for simpls
  Tensor coefficients, intercept;             // [p, q], [q]: prediction in original units
  std::vector<int> iterations;                // per component
  std::int64_t found = 0;                     // components found before x or y was used up; the others are zero
};

/// x [n, p], y [n, q], f32 or f64. Sums in double; of f32 data with more than a million numbers, sums of 128 rows are
/// formed in float first. x is read once and then once per component, and never copied. Warns when x or y is used up
/// before all components are found. Throws Error(value) for more components than columns, fewer than two rows or
/// numbers that are not finite, Error(shape) for unequal rows.
PlsModel fit_pls(const Tensor& x, const Tensor& y, const PlsOptions& options = {});
/// ((x - mean) / std) rotations: [n, A], f64.
Tensor transform(const PlsModel& model, const Tensor& x);
/// x coefficients + intercept: [n, q], f64.
Tensor predict(const PlsModel& model, const Tensor& x);
/// Scores of y [n, q] in the fit: y as component k found it, on the direction of its weights: [n, A], f64.
/// `x_scores` is transform(model, x) of the same rows.
Tensor y_scores(const PlsModel& model, const Tensor& y, const Tensor& x_scores);

/// What MATLAB's plsregress returns; all tensors f64.
struct SimplsModel {
  Tensor x_loadings, y_loadings;  // XL [p, A], YL [q, A]
  Tensor x_scores, y_scores;      // XS [n, A] orthonormal, YS [n, A]
  Tensor beta;                    // [p + 1, q], intercept first
  Tensor explained;               // PCTVAR [2, A]: shares of the sums of squares of x and of y
  Tensor weights;                 // W [p, A]: XS = centred x * W
  std::int64_t found = 0;
};
/// SIMPLS; errors as fit_pls.
SimplsModel fit_simpls(const Tensor& x, const Tensor& y, std::int64_t components);

/// Rotations of separate fits on the columns of every channel.
struct ChannelPls {
  std::int64_t channels = 0, features = 0, components = 0;
  Tensor mean, std;  // [C, N], f64
  Tensor rotations;  // [C, N, A], f64
};

enum class PlsApply : std::uint8_t {
  raw,           // u = x R, although R belongs to standardised columns
  standardized,  // u = ((x - mean) / std) R
};

/// C fits on x [n, C * N] (channel-major), each on the N columns of its channel, with the first `rows` rows (all when
/// 0). Any number of threads gives the same bits. Errors as fit_pls; Error(shape) unless C divides the columns.
ChannelPls fit_channel_pls(const Tensor& x, std::int64_t channels, const Tensor& y, const PlsOptions& options = {},
                           std::int64_t rows = 0);
/// [n, C * A] in the dtype of x.
Tensor reduce(const ChannelPls& pls, const Tensor& x, PlsApply apply);

}  // namespace thimble::linalg
