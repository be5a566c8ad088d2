// SIMPLS of de Jong (Chemometrics and Intelligent Laboratory Systems 18, 1993) with the conventions of MATLAB.

#include "core/base/error.h"
#include "core/linalg/pls.h"
#include "core/linalg/pls_solve.h"
#include "core/linalg/tall_data.h"

#include <Eigen/Dense>

namespace thimble::linalg {
namespace {

using Matrix = Eigen::MatrixXd;

struct Simpls {
  Matrix x, y;  // centred
  Eigen::RowVectorXd mean_x, mean_y;
  Matrix xl, yl, xs, ys, w, v;  // v: orthonormal basis of the loadings of x
};

Matrix centred_matrix(const Tensor& t, Eigen::RowVectorXd& mean) {
  const Tensor wide = t.to(DType::f64);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Matrix m = Eigen::Map<const RowMajor>(wide.data<double>(), wide.size(0), wide.size(1));
  mean = m.colwise().mean();
  return m.rowwise() - mean;
}

/// Removes from `vector` what it shares with the first k columns; twice, since once leaves rounding behind.
void orthogonalise(Eigen::VectorXd& vector, const Matrix& basis, Eigen::Index k) {
  for (int round = 0; round < 2; ++round) {
    for (Eigen::Index j = 0; j < k; ++j) vector -= basis.col(j).dot(vector) * basis.col(j);
  }
}

/// Component k from the deflated products s [p, q]; false when they are used up.
bool take(Simpls& m, Matrix& s, Eigen::Index k) {
  Eigen::VectorXd r(s.rows());
  const std::vector<double> flat(s.data(), s.data() + s.size());
  if (!dominant_direction(flat, s.rows(), s.cols(), r.data())) return false;
  Eigen::VectorXd t = m.x * r;
  const double length = t.norm();
  if (length == 0) return false;
  t /= length;
  m.w.col(k) = r / length;
  m.xs.col(k) = t;
  m.xl.col(k) = m.x.transpose() * t;
  m.yl.col(k) = s.transpose() * r / length;
  Eigen::VectorXd u = m.y * m.yl.col(k), v = m.xl.col(k);
  orthogonalise(u, m.xs, k);
  orthogonalise(v, m.v, k);
  m.ys.col(k) = u;
  m.v.col(k) = v.normalized();
  s -= m.v.col(k) * (m.v.col(k).transpose() * s);
  const auto known = m.v.leftCols(k + 1);
  s -= known * (known.transpose() * s);
  return true;
}

Tensor tensor_of(const Matrix& m) {
  Tensor t = Tensor::empty({m.rows(), m.cols()}, DType::f64);
  for (Eigen::Index i = 0; i < m.rows(); ++i) {
    for (Eigen::Index j = 0; j < m.cols(); ++j) t.mut<double>()[i * m.cols() + j] = m(i, j);
  }
  return t;
}

Matrix beta_of(const Simpls& m) {
  const Matrix slope = m.w * m.yl.transpose();
  Matrix beta(slope.rows() + 1, slope.cols());
  beta << m.mean_y - m.mean_x * slope, slope;
  return beta;
}

double share(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

}  // namespace

SimplsModel fit_simpls(const Tensor& x, const Tensor& y, std::int64_t components) {
  PlsOptions options;
  options.components = components;
  check_fit(x, y, options);
  const std::int64_t n = x.size(0), p = x.size(1), q = y.size(1), a = components;
  Simpls m;
  m.x = centred_matrix(x, m.mean_x);
  m.y = centred_matrix(y, m.mean_y);
  m.xl = m.w = m.v = Matrix::Zero(p, a);
  m.yl = Matrix::Zero(q, a);
  m.xs = m.ys = Matrix::Zero(n, a);
  Matrix s = m.x.transpose() * m.y;
  THIMBLE_CHECK(s.allFinite(), value, "simpls: x or y holds numbers that are not finite");
  SimplsModel out;
  const double first_norm = s.norm();
  while (out.found < a && s.norm() > 1e-14 * first_norm && take(m, s, out.found)) ++out.found;
  warn_unfinished({{}, {}, {}, {}, {}, out.found, true}, options);
  Matrix explained(2, a);
  for (Eigen::Index k = 0; k < a; ++k) {
    explained(0, k) = share(m.xl.col(k).squaredNorm(), m.x.squaredNorm());
    explained(1, k) = share(m.yl.col(k).squaredNorm(), m.y.squaredNorm());
  }
  out.x_loadings = tensor_of(m.xl);
  out.y_loadings = tensor_of(m.yl);
  out.x_scores = tensor_of(m.xs);
  out.y_scores = tensor_of(m.ys);
  out.beta = tensor_of(beta_of(m));
  out.explained = tensor_of(explained);
  out.weights = tensor_of(m.w);
  return out;
}

}  // namespace thimble::linalg
