#include "core/linalg/kalman.h"

#include "core/base/error.h"

#include <Eigen/Dense>

#include <algorithm>

namespace thimble::linalg {
namespace {

using Matrix = Eigen::MatrixXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kNoiseFloor = 1e-6;  // share of a feature's variance that is always noise: no feature is exact
constexpr int kMostRounds = 10'000;

Matrix matrix_of(const Tensor& t) {
  const Tensor wide = t.to(DType::f64);
  return Eigen::Map<const RowMatrix>(wide.data<double>(), t.size(0), t.size(1));
}

Tensor tensor_of(const Matrix& m) {
  Tensor t = Tensor::empty({m.rows(), m.cols()}, DType::f64);
  Eigen::Map<RowMatrix>(t.mut<double>(), m.rows(), m.cols()) = m;
  return t;
}

Tensor tensor_of(const Eigen::RowVectorXd& v) {
  return tensor_of(Matrix(v)).reshape({v.size()});
}

/// Rows of states: labels less their mean, then their running sums, which begin anew at every start.
Matrix states_of(const Matrix& y, bool integral, const std::vector<char>& begins) {
  if (!integral) return y;
  Matrix states(y.rows(), 2 * y.cols());
  states.leftCols(y.cols()) = y;
  for (Eigen::Index i = 0; i < y.rows(); ++i) {
    states.row(i).tail(y.cols()) = y.row(i);
    if (begins[static_cast<std::size_t>(i)] == 0) states.row(i).tail(y.cols()) += states.row(i - 1).tail(y.cols());
  }
  return states;
}

std::vector<char> beginnings(std::int64_t rows, const std::vector<std::int64_t>& starts) {
  std::vector<char> begins(static_cast<std::size_t>(rows), 0);
  if (rows > 0) begins[0] = 1;
  for (const std::int64_t row : starts) {
    if (row >= 0 && row < rows) begins[static_cast<std::size_t>(row)] = 1;
  }
  return begins;
}

/// Pairs of consecutive states.
struct Steps {
  Matrix before, after;
};

Steps steps_of(const Matrix& states, const std::vector<char>& begins) {
  std::vector<Eigen::Index> later;
  for (Eigen::Index i = 1; i < states.rows(); ++i) {
    if (begins[static_cast<std::size_t>(i)] == 0) later.push_back(i);
  }
  Steps steps{Matrix(static_cast<Eigen::Index>(later.size()), states.cols()), {}};
  steps.after = steps.before;
  for (std::size_t i = 0; i < later.size(); ++i) {
    steps.before.row(static_cast<Eigen::Index>(i)) = states.row(later[i] - 1);
    steps.after.row(static_cast<Eigen::Index>(i)) = states.row(later[i]);
  }
  return steps;
}

/// Least-squares map of rows `from` to rows `to`, transposed: to^T = M from^T.
Matrix map_of(const Matrix& from, const Matrix& to) {
  return Matrix(from.completeOrthogonalDecomposition().solve(to)).transpose();
}

Matrix covariance(const Matrix& rows) {
  return rows.transpose() * rows / static_cast<double>(std::max<Eigen::Index>(1, rows.rows()));
}

/// The gain to which the filter settles, in the form whose matrices have the size of the state.
Matrix steady_gain(const Matrix& a, const Matrix& h, const Matrix& w, const Matrix& noise) {
  const Eigen::LLT<Matrix> cholesky(noise);
  const Matrix shown = cholesky.solve(h).transpose();  // H^T Q^-1, [k, m]
  const Matrix information = shown * h;
  const Matrix one = Matrix::Identity(a.rows(), a.rows());
  Matrix p = w, gain = Matrix::Zero(a.rows(), h.rows());
  for (int round = 0; round < kMostRounds; ++round) {
    const Matrix prior = a * p * a.transpose() + w;
    const Matrix next = (one + prior * information).lu().solve(prior);
    const double change = (next - p).norm();
    p = 0.5 * (next + next.transpose());
    if (change <= 1e-13 * p.norm()) break;
  }
  return p * shown;
}

}  // namespace

KalmanFilter fit_kalman(const Tensor& x, const Tensor& y, bool integral, const std::vector<std::int64_t>& starts) {
  THIMBLE_CHECK(x.defined() && y.defined() && x.rank() == 2 && y.rank() == 2 && x.size(0) == y.size(0), shape,
                "kalman: expected matrices of features and labels with equal rows");
  Matrix seen = matrix_of(x), labels = matrix_of(y);
  THIMBLE_CHECK(seen.allFinite() && labels.allFinite(), value, "kalman: holds numbers that are not finite");
  const Eigen::RowVectorXd mean_x = seen.colwise().mean(), mean_y = labels.colwise().mean();
  seen.rowwise() -= mean_x;
  labels.rowwise() -= mean_y;
  const std::vector<char> begins = beginnings(x.size(0), starts);
  const Matrix states = states_of(labels, integral, begins);
  const Steps steps = steps_of(states, begins);
  THIMBLE_CHECK(steps.before.rows() > states.cols(), value, "kalman: ", steps.before.rows(),
                " pairs of consecutive rows are too few for a state of ", states.cols(), " numbers");
  const Matrix a = map_of(steps.before, steps.after), h = map_of(states, seen);
  const Matrix w = covariance(steps.after - steps.before * a.transpose());
  Matrix noise = covariance(seen - states * h.transpose());
  const Eigen::VectorXd variance = covariance(seen).diagonal();
  const double largest = variance.maxCoeff();
  noise.diagonal() += kNoiseFloor * variance;
  noise.diagonal().array() += largest > 0 ? 1e-12 * largest : 1.0;  // constant features
  const Matrix gain = steady_gain(a, h, w, noise);
  THIMBLE_CHECK(gain.allFinite(), value, "kalman: the filter does not settle on these features");
  return {tensor_of(a), tensor_of(h), tensor_of(gain), tensor_of(mean_x), tensor_of(mean_y)};
}

Tensor predict(const KalmanFilter& filter, const Tensor& x) {
  const Matrix a = matrix_of(filter.transition), h = matrix_of(filter.observation), gain = matrix_of(filter.gain);
  THIMBLE_CHECK(x.rank() == 2 && x.size(1) == h.rows(), shape, "kalman: expected ", h.rows(), " features, got ",
                x.shape());
  const Eigen::Map<const Eigen::RowVectorXd> mean(filter.x_mean.data<double>(), h.rows());
  const Matrix seen = matrix_of(x).rowwise() - mean;
  const std::int64_t axes = filter.y_mean.size(0);
  Tensor out = Tensor::empty({x.size(0), axes}, DType::f64);
  Eigen::VectorXd state = Eigen::VectorXd::Zero(a.rows());
  for (Eigen::Index i = 0; i < seen.rows(); ++i) {
    const Eigen::VectorXd expected = a * state;
    state = expected + gain * (seen.row(i).transpose() - h * expected);
    for (std::int64_t d = 0; d < axes; ++d)
      out.mut<double>()[i * axes + d] = state[d] + filter.y_mean.data<double>()[d];
  }
  return out;
}

}  // namespace thimble::linalg
