#include "core/linalg/least_squares.h"

#include "core/base/error.h"
#include "core/linalg/tall_data.h"

#include <Eigen/Dense>

#include <cmath>
#include <limits>

namespace thimble::linalg {
namespace {

using Matrix = Eigen::MatrixXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kWellConditioned = 1e-6;  // reciprocal of the condition number of the normal equations

/// Normal equations about the means.
struct Normal {
  Matrix gram;    // [m, m]
  Matrix with_y;  // [m, q]
};

Normal normal_equations(const TallData& x, const TallMoments& moments, const Tensor& y) {
  const std::int64_t m = x.columns(), q = y.size(1);
  RowMatrix gram(m, m);
  x.with([&](const auto& matrix) { kernels::full_gram(matrix, gram.data()); });
  Eigen::VectorXd rest(m);
  for (std::int64_t j = 0; j < m; ++j)
    rest[j] = moments.mean[static_cast<std::size_t>(j)] - x.shift()[static_cast<std::size_t>(j)];
  gram -= static_cast<double>(x.rows()) * rest * rest.transpose();
  return {gram, Eigen::Map<const Matrix>(moments.with_y.data(), m, q)};
}

/// Coefficients [m, q] by Cholesky of the equations divided by the lengths of the columns; false when they are not
/// determined well enough by them.
bool solve_normal(const Normal& normal, double ridge, Matrix& coefficients) {
  Matrix gram = normal.gram;
  gram.diagonal().array() += ridge;
  const Eigen::VectorXd diagonal = gram.diagonal();
  if (!(diagonal.minCoeff() > 0)) return false;
  const Eigen::VectorXd divisor = diagonal.cwiseSqrt().cwiseInverse();
  gram = divisor.asDiagonal() * gram * divisor.asDiagonal();
  const Eigen::LLT<Matrix> cholesky(gram);
  if (cholesky.info() != Eigen::Success || cholesky.rcond() < kWellConditioned) return false;
  coefficients = divisor.asDiagonal() * cholesky.solve(divisor.asDiagonal() * normal.with_y);
  return true;
}

Matrix centred_rows(const Tensor& x, const std::vector<double>& mean) {
  const Tensor wide = x.to(DType::f64);
  const Eigen::Map<const RowMatrix> rows(wide.data<double>(), x.size(0), x.size(1));
  return rows.rowwise() - Eigen::Map<const Eigen::RowVectorXd>(mean.data(), x.size(1));
}

/// Minimum norm of a rank-deficient system, with `ridge` as rows of its own.
Matrix solve_orthogonal(const Tensor& x, const TallMoments& moments, const Tensor& y, double ridge) {
  const std::int64_t n = x.size(0), m = x.size(1), extra = ridge > 0 ? m : 0;
  const double eps = x.dtype() == DType::f32 ? static_cast<double>(std::numeric_limits<float>::epsilon())
                                             : std::numeric_limits<double>::epsilon();
  Matrix a(n + extra, m), b = Matrix::Zero(n + extra, y.size(1));
  a.topRows(n) = centred_rows(x, moments.mean);
  b.topRows(n) = Eigen::Map<const RowMatrix>(y.data<double>(), n, y.size(1));
  if (extra > 0) a.bottomRows(extra) = std::sqrt(ridge) * Matrix::Identity(m, m);
  Eigen::CompleteOrthogonalDecomposition<Matrix> decomposition;
  decomposition.setThreshold(eps * static_cast<double>(m));  // pivots carry the rounding of m columns
  decomposition.compute(a);
  return decomposition.solve(b);
}

}  // namespace

LinearFit fit_linear(const Tensor& x, const Tensor& y, double ridge) {
  THIMBLE_CHECK(ridge >= 0 && std::isfinite(ridge), value, "linear fit: ridge ", ridge,
                " is not a number of at least 0");
  THIMBLE_CHECK(x.defined() && y.defined() && x.rank() == 2 && y.rank() == 2 && x.size(0) == y.size(0), shape,
                "linear fit: expected matrices x and y with equal rows");
  const TallData data(x, "x of the linear fit");
  const Responses responses = center_responses(y, false, "y of the linear fit");
  const TallMoments moments = moments_of(data, responses.values, 1, "x of the linear fit");
  Matrix coefficients;
  const bool tall = x.size(0) > x.size(1) || ridge > 0;
  if (!tall || !solve_normal(normal_equations(data, moments, responses.values), ridge, coefficients))
    coefficients = solve_orthogonal(x, moments, responses.values, ridge);
  const std::int64_t m = x.size(1), q = y.size(1);
  LinearFit fit{Tensor::empty({q, m}, DType::f64), Tensor::empty({q}, DType::f64)};
  Eigen::Map<RowMatrix>(fit.coefficients.mut<double>(), q, m) = coefficients.transpose();
  const Eigen::Map<const Eigen::VectorXd> mean(moments.mean.data(), m), y_mean(responses.mean.data(), q);
  Eigen::Map<Eigen::VectorXd>(fit.intercept.mut<double>(), q) = y_mean - coefficients.transpose() * mean;
  return fit;
}

Tensor predict(const LinearFit& fit, const Tensor& x) {
  const std::int64_t q = fit.coefficients.size(0), m = fit.coefficients.size(1);
  check_columns(x, m, "prediction");
  Tensor weights = Tensor::empty({m, q}, DType::f64);
  Eigen::Map<RowMatrix>(weights.mut<double>(), m, q) =
      Eigen::Map<const RowMatrix>(fit.coefficients.data<double>(), q, m).transpose();
  const std::vector<double> nothing(static_cast<std::size_t>(m), 0.0);
  return map_rows(x, nothing, weights, {fit.intercept.data<double>(), static_cast<std::size_t>(q)});
}

}  // namespace thimble::linalg
