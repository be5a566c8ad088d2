#include "core/linalg/pls.h"

#include "core/base/error.h"
#include "core/linalg/pls_solve.h"
#include "core/linalg/tall_data.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::linalg {
namespace {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<RowMatrix>;
using ConstRows = Eigen::Map<const RowMatrix>;

Shape shape_of(const Tensor& t) {
  return t.defined() ? t.shape() : Shape{};
}

ConstRows rows_of(const Tensor& t) {
  return {t.data<double>(), t.size(0), t.rank() > 1 ? t.size(1) : 1};
}

/// [components, width] as a tensor [width, components].
Tensor columns_tensor(const std::vector<double>& parts, std::int64_t components, std::int64_t width) {
  Tensor t = Tensor::empty({width, components}, DType::f64);
  Rows(t.mut<double>(), width, components) = ConstRows(parts.data(), components, width).transpose();
  return t;
}

/// Data too large for a copy: every product is one pass over x.
class StreamedData : public PlsData {
 public:
  StreamedData(const TallData& x, const TallMoments& moments, const std::vector<double>& divisor, Tensor y)
      : x_(x), moments_(moments), divisor_(divisor), y_(std::move(y)), t_(static_cast<std::size_t>(x.rows())) {}

  double project(const double* r, double* g) override {
    const auto p = static_cast<std::size_t>(x_.columns());
    double offset = 0;
    std::vector<double> weights(p);
    for (std::size_t j = 0; j < p; ++j) {
      weights[j] = r[j] / divisor_[j];
      offset += weights[j] * (moments_.mean[j] - x_.shift()[j]);
    }
    x_.with([&](const auto& matrix) { pass(matrix, weights, offset, g); });
    double sum = 0, squared = 0;
    for (const double t : t_) {
      sum += t;
      squared += t * t;
    }
    for (std::size_t j = 0; j < p; ++j) g[j] = (g[j] - (moments_.mean[j] - x_.shift()[j]) * sum) / divisor_[j];
    return squared;
  }

  void deflate(const double* loading, double) override {
    const std::int64_t q = y_.size(1);
    auto* y = y_.mut<double>();
    for (std::size_t i = 0; i < t_.size(); ++i) {
      for (std::int64_t k = 0; k < q; ++k) y[static_cast<std::int64_t>(i) * q + k] -= t_[i] * loading[k];
    }
  }

  /// The rules of scikit-learn: a column below 10 eps throughout is zero, the first with an entry above eps starts.
  std::int64_t start(std::vector<char>& spent) override {
    constexpr double eps = std::numeric_limits<double>::epsilon();
    std::int64_t first = -1;
    for (std::int64_t k = y_.size(1) - 1; k >= 0; --k) {
      const double largest = rows_of(y_).col(k).cwiseAbs().maxCoeff();
      if (largest < 10 * eps) {
        Rows(y_.mut<double>(), y_.size(0), y_.size(1)).col(k).setZero();
        spent[static_cast<std::size_t>(k)] = 1;
      } else {
        first = k;
      }
    }
    return first;
  }

 private:
  template <class T>
  void pass(const kernels::TallMatrix<T>& x, const std::vector<double>& weights, double offset, double* g) {
    const std::vector<T> w(weights.begin(), weights.end());
    std::vector<T> t(t_.size());
    kernels::project_back(x, w.data(), offset, t.data(), g);
    std::copy(t.begin(), t.end(), t_.begin());
  }

  const TallData& x_;
  const TallMoments& moments_;
  const std::vector<double>& divisor_;
  Tensor y_;
  std::vector<double> t_;
};

std::vector<double> divisors(const std::vector<double>& deviation, bool scale) {
  std::vector<double> out(deviation.size(), 1.0);
  for (std::size_t j = 0; j < out.size(); ++j) {
    if (scale && deviation[j] != 0) out[j] = deviation[j];
  }
  return out;
}

/// y^T x of the divided columns, and the sum of squares of x.
PlsProblem problem_of(const TallMoments& m, const std::vector<double>& divisor, std::int64_t q) {
  PlsProblem problem{static_cast<std::int64_t>(divisor.size()), q, m.with_y, 0};
  for (std::size_t j = 0; j < divisor.size(); ++j) {
    for (std::size_t k = 0; k < static_cast<std::size_t>(q); ++k) problem.s[k * divisor.size() + j] /= divisor[j];
    problem.total += m.gram[j] / (divisor[j] * divisor[j]);
  }
  return problem;
}

/// Prediction in original units.
void add_coefficients(PlsModel& m) {
  RowMatrix b = rows_of(m.x_rotations) * rows_of(m.y_loadings).transpose();
  b = rows_of(m.x_std).col(0).cwiseInverse().asDiagonal() * b * rows_of(m.y_std).col(0).asDiagonal();
  m.coefficients = Tensor::empty({b.rows(), b.cols()}, DType::f64);
  m.intercept = Tensor::empty({b.cols()}, DType::f64);
  Rows(m.coefficients.mut<double>(), b.rows(), b.cols()) = b;
  Rows(m.intercept.mut<double>(), b.cols(), 1) = rows_of(m.y_mean) - b.transpose() * rows_of(m.x_mean);
}

Tensor y_rotations_of(const Tensor& y_weights, const Tensor& y_loadings) {
  const RowMatrix inner = rows_of(y_loadings).transpose() * rows_of(y_weights);
  Tensor out = Tensor::empty(y_weights.shape(), DType::f64);
  Rows(out.mut<double>(), out.size(0), out.size(1)) =
      rows_of(y_weights) * inner.completeOrthogonalDecomposition().pseudoInverse();
  return out;
}

PlsModel model_of(const PlsComponents& parts, const PlsProblem& size, const PlsOptions& options) {
  const std::int64_t a = options.components;
  PlsModel m;
  m.x_weights = columns_tensor(parts.weights, a, size.p);
  m.x_loadings = columns_tensor(parts.loadings, a, size.p);
  m.x_rotations = columns_tensor(parts.rotations, a, size.p);
  m.y_loadings = columns_tensor(parts.y_loadings, a, size.q);
  m.y_weights = m.y_loadings;  // in a regression both are y^T t / t.t
  m.y_rotations = y_rotations_of(m.y_weights, m.y_loadings);
  m.iterations = parts.iterations;
  m.found = parts.found;
  return m;
}

PlsModel fit_deflating(const Tensor& x, const Tensor& y, const PlsOptions& options) {
  const TallData data(x, "x of partial least squares");
  Responses responses = center_responses(y, options.scale, "y of partial least squares");
  const TallMoments moments = moments_of(data, responses.values, 1, "x of partial least squares");
  const std::vector<double> divisor = divisors(moments.deviation, options.scale);
  const PlsProblem problem = problem_of(moments, divisor, y.size(1));
  StreamedData streamed(data, moments, divisor, responses.values);
  const PlsComponents parts = solve_pls(streamed, problem, options);
  warn_unfinished(parts, options);
  PlsModel m = model_of(parts, problem, options);
  m.x_mean = Tensor::from(moments.mean);
  m.x_std = Tensor::from(divisor);
  m.y_mean = Tensor::from(responses.mean);
  m.y_std = Tensor::from(responses.deviation);
  add_coefficients(m);
  return m;
}

/// The same container from MATLAB's parts.
PlsModel fit_as_matlab(const Tensor& x, const Tensor& y, const PlsOptions& options) {
  const SimplsModel s = fit_simpls(x, y, options.components);
  const std::int64_t p = x.size(1), q = y.size(1);
  PlsModel m;
  m.x_weights = m.x_rotations = s.weights;
  m.x_loadings = s.x_loadings;
  m.y_weights = m.y_loadings = s.y_loadings;
  m.y_rotations = Tensor::zeros({q, options.components}, DType::f64);
  m.x_std = Tensor::full({p}, 1.0, DType::f64);
  m.y_std = Tensor::full({q}, 1.0, DType::f64);
  const TallData data(x, "x of partial least squares");
  m.x_mean = Tensor::from(moments_of(data, Tensor(), 1, "x of partial least squares").mean);
  m.y_mean = Tensor::from(center_responses(y, false, "y of partial least squares").mean);
  m.iterations.assign(static_cast<std::size_t>(options.components), 1);
  m.found = s.found;
  add_coefficients(m);
  return m;
}

}  // namespace

void check_fit(const Tensor& x, const Tensor& y, const PlsOptions& options, std::int64_t channels) {
  const bool matrices = x.defined() && y.defined() && x.rank() == 2 && y.rank() == 2;
  THIMBLE_CHECK(matrices && x.size(0) == y.size(0), shape, "partial least squares: x ", shape_of(x), " and y ",
                shape_of(y), ", expected matrices with equal rows");
  THIMBLE_CHECK(channels >= 1 && x.size(1) > 0 && x.size(1) % channels == 0, shape,
                "partial least squares: ", x.size(1), " columns are not ", channels, " channels of equal width");
  const std::int64_t columns = x.size(1) / channels;
  THIMBLE_CHECK(options.components >= 1 && options.components <= columns, value,
                "partial least squares: ", options.components, " components of ", columns, " columns, expected 1 .. ",
                columns);
  THIMBLE_CHECK(options.tolerance >= 0 && options.most_iterations >= 1, value, "partial least squares: tolerance ",
                options.tolerance, " and ", options.most_iterations,
                " rounds, expected a tolerance of at least 0 and at least one round");
}

PlsModel fit_pls(const Tensor& x, const Tensor& y, const PlsOptions& options) {
  check_fit(x, y, options);
  return options.solver == PlsSolver::simpls ? fit_as_matlab(x, y, options) : fit_deflating(x, y, options);
}

Tensor transform(const PlsModel& model, const Tensor& x) {
  check_columns(x, model.x_mean.size(0), "transform");
  Tensor weights = model.x_rotations.clone();
  const std::int64_t p = weights.size(0), a = weights.size(1);
  for (std::int64_t j = 0; j < p; ++j) {
    for (std::int64_t k = 0; k < a; ++k) weights.mut<double>()[j * a + k] /= model.x_std.data<double>()[j];
  }
  const std::vector<double> nothing(static_cast<std::size_t>(a), 0.0);
  return map_rows(x, {model.x_mean.data<double>(), static_cast<std::size_t>(p)}, weights, nothing);
}

Tensor predict(const PlsModel& model, const Tensor& x) {
  check_columns(x, model.x_mean.size(0), "predict");
  const auto p = static_cast<std::size_t>(model.x_mean.size(0)), q = static_cast<std::size_t>(model.y_mean.size(0));
  return map_rows(x, {model.x_mean.data<double>(), p}, model.coefficients, {model.y_mean.data<double>(), q});
}

Tensor y_scores(const PlsModel& model, const Tensor& y, const Tensor& x_scores) {
  check_columns(y, model.y_mean.size(0), "scores of y");
  check_columns(x_scores, model.y_weights.size(1), "scores of y");
  THIMBLE_CHECK(x_scores.size(0) == y.size(0), shape, "scores of y: ", y.size(0), " rows of y and ", x_scores.size(0),
                " of the scores of x");
  RowMatrix left = rows_of(y.to(DType::f64)).rowwise() - rows_of(model.y_mean).col(0).transpose();
  left = left * rows_of(model.y_std).col(0).cwiseInverse().asDiagonal();
  Tensor out = Tensor::zeros({y.size(0), x_scores.size(1)}, DType::f64);
  const Tensor scores = x_scores.to(DType::f64);
  for (std::int64_t k = 0; k < model.found; ++k) {
    const auto weights = rows_of(model.y_weights).col(k);
    Rows(out.mut<double>(), out.size(0), out.size(1)).col(k) = left * weights / weights.squaredNorm();
    left -= rows_of(scores).col(k) * rows_of(model.y_loadings).col(k).transpose();
  }
  return out;
}

}  // namespace thimble::linalg
