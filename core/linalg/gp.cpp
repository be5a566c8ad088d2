#include "core/linalg/gp.h"

#include "core/base/error.h"

#include <Eigen/Cholesky>
#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thimble::linalg {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kBlock = 64;             // columns of the inverse at a time
constexpr std::size_t kPredicted = 256;  // points of one triangular solve
constexpr int kJitters = 6;

Index index(std::size_t n) {
  return static_cast<Index>(n);
}

void check_parameters(const GpParameters& p, std::size_t dims) {
  THIMBLE_CHECK(p.lengths.size() == dims, shape, "Gaussian process: ", p.lengths.size(), " lengths for ", dims,
                " inputs");
  const bool positive = std::all_of(p.lengths.begin(), p.lengths.end(), [](double l) { return l > 0; });
  THIMBLE_CHECK(positive && p.scale > 0 && p.noise >= 0, value,
                "Gaussian process: lengths and scale must be above zero, the noise not below");
}

void check_data(const Points& x, std::span<const double> y, const GpParameters& p) {
  THIMBLE_CHECK(!y.empty() && x.count() == y.size() && x.values.size() == x.dims * y.size(), shape,
                "Gaussian process: ", x.count(), " points and ", y.size(), " targets");
  check_parameters(p, x.dims);
}

/// The points divided by the lengths, [n, d], one column per input; centred, which changes no distance and keeps the
/// sums of the gradient small.
MatrixXd scaled(const Points& x, const std::vector<double>& lengths) {
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> all(
      x.values.data(), index(x.count()), index(x.dims));
  MatrixXd z = all;
  for (Index k = 0; k < z.cols(); ++k) {
    z.col(k).array() -= z.col(k).mean();
    z.col(k) /= lengths[static_cast<std::size_t>(k)];
  }
  return z;
}

/// (1 + r + r^2 / 3) exp(-r) and (5/3)(1 + r) exp(-r) of r^2 = 5 `squares`.
struct Matern {
  Eigen::ArrayXd value, slope;
  explicit Matern(const Eigen::ArrayXd& squares) {
    const Eigen::ArrayXd r = (5 * squares).sqrt(), e = (-r).exp();
    slope = (5.0 / 3.0) * (1 + r) * e;
    value = (1 + r) * e + (5.0 / 3.0) * squares * e;
  }
};

/// Squared distances from row j of z to rows j .. n-1.
Eigen::ArrayXd squares_below(const MatrixXd& z, Index j) {
  const Index rest = z.rows() - j;
  Eigen::ArrayXd squares = Eigen::ArrayXd::Zero(rest);
  for (Index k = 0; k < z.cols(); ++k) squares += (z.col(k).tail(rest).array() - z(j, k)).square();
  return squares;
}

/// Lower half of the covariance without noise, and of its slope (below GpGradient) if wanted.
void fill_covariance(const MatrixXd& z, double scale, MatrixXd& k, MatrixXd* slope) {
  const Index n = z.rows();
  k.resize(n, n);
  if (slope != nullptr) slope->resize(n, n);
  for (Index j = 0; j < n; ++j) {
    const Matern matern(squares_below(z, j));
    k.col(j).tail(n - j) = scale * matern.value;
    if (slope != nullptr) slope->col(j).tail(n - j) = scale * matern.slope;
  }
}

/// Factor of k + noise. A covariance of points that nearly coincide may be singular to rounding: then a little more is
/// put on the diagonal, ten times as much at every attempt.
MatrixXd factorised(const MatrixXd& k, const GpParameters& p) {
  double jitter = 0;
  for (int attempt = 0; attempt <= kJitters; ++attempt) {
    MatrixXd noisy = k;
    noisy.diagonal().array() += p.noise + jitter;
    const Eigen::LLT<Eigen::Ref<MatrixXd>> llt(noisy);
    if (llt.info() == Eigen::Success) return noisy;
    jitter = attempt == 0 ? 1e-8 * p.scale : 10 * jitter;
  }
  fail(ErrorKind::value, "Gaussian process: the covariance of ", k.rows(), " points is singular");
}

/// Lower half of the inverse from the factor. The inverse of a triangle is a triangle: block columns start at the
/// diagonal, which saves two thirds.
MatrixXd inverse_of(const MatrixXd& factor) {
  const Index n = factor.rows();
  MatrixXd triangle(n, n), inverse(n, n);
  for (Index j = 0; j < n; j += kBlock) {
    const Index width = std::min(kBlock, n - j), rest = n - j;
    auto column = triangle.block(j, j, rest, width);
    column.setZero();
    column.topRows(width).setIdentity();
    factor.block(j, j, rest, rest).triangularView<Eigen::Lower>().solveInPlace(column);
  }
  for (Index j = 0; j < n; j += kBlock)
    for (Index i = j; i < n; i += kBlock) {
      const Index high = std::min(kBlock, n - i), wide = std::min(kBlock, n - j), rest = n - i;
      inverse.block(i, j, high, wide).noalias() =
          triangle.block(i, i, rest, high).transpose() * triangle.block(i, j, rest, wide);
    }
  return inverse;
}

/// Derivatives through traces: the n x n x d tensor of derivatives is never built, since
/// sum_ij M_ij (z_ik - z_jk)^2 / 2 = sum_i (sum_j M_ij) z_ik^2 - sum_ij z_ik M_ij z_jk.
void fill_gradient(const MatrixXd& z, const MatrixXd& k, MatrixXd slope, const MatrixXd& factor, const VectorXd& alpha,
                   const GpParameters& p, GpGradient& gradient) {
  const Index n = z.rows();
  const MatrixXd inverse = inverse_of(factor);
  double trace = 0, scale = 0;
  for (Index j = 0; j < n; ++j) {
    const Index below = n - j - 1;
    const Eigen::ArrayXd w =
        alpha(j) * alpha.tail(below + 1).array() - inverse.col(j).tail(below + 1).array();  // column of aa' - inverse
    trace += w(0);
    scale += w(0) * k(j, j) + 2 * (w.tail(below) * k.col(j).tail(below).array()).sum();
    slope.col(j).tail(below + 1).array() *= w;
  }
  const auto m = slope.selfadjointView<Eigen::Lower>();
  const VectorXd sums = m * VectorXd::Ones(n);
  const MatrixXd product = m * z;
  gradient.log_lengths.resize(p.lengths.size());
  for (Index c = 0; c < z.cols(); ++c)
    gradient.log_lengths[static_cast<std::size_t>(c)] = sums.dot(z.col(c).cwiseAbs2()) - z.col(c).dot(product.col(c));
  gradient.log_scale = 0.5 * scale;
  gradient.log_noise = 0.5 * p.noise * trace;
  gradient.mean = alpha.sum();
}

}  // namespace

void Points::add(std::span<const double> point) {
  if (values.empty() && dims == 0) dims = point.size();
  THIMBLE_CHECK(point.size() == dims, shape, "a point of ", point.size(), " coordinates among points of ", dims);
  values.insert(values.end(), point.begin(), point.end());
}

double GpPrior::log_density(double x) const {
  const double u = std::log(x);
  switch (kind) {
    case Kind::gamma:
      return a * std::log(b) - std::lgamma(a) + (a - 1) * u - b * x;
    case Kind::log_normal:
      return -0.5 * (u - a) * (u - a) / (b * b) - u - std::log(b) - 0.5 * std::log(2 * std::numbers::pi);
    default:
      return 0;
  }
}

double GpPrior::slope(double x) const {
  switch (kind) {
    case Kind::gamma:
      return a - 1 - b * x;
    case Kind::log_normal:
      return -(std::log(x) - a) / (b * b) - 1;
    default:
      return 0;
  }
}

GpSettings gp_preset(const std::string& name, std::size_t dims) {
  using Kind = GpPrior::Kind;
  GpSettings s;
  s.start.lengths.assign(dims, 1.0);
  s.start.noise = 1;
  if (name == "w6") return s;
  s.fit_mean = true;
  s.start.noise = std::exp(-4.0);
  if (name == "default") {
    const double centre = std::numbers::sqrt2 + 0.5 * std::log(static_cast<double>(std::max<std::size_t>(1, dims)));
    s.length = {Kind::log_normal, centre, std::numbers::sqrt3};
    s.noise = {Kind::log_normal, -4, 1};
    s.length_bounds = {0.025, 1000};
    s.noise_bounds = {1e-4, 1};
    s.start.lengths.assign(dims, std::clamp(std::exp(centre - 3), s.length_bounds.low, s.length_bounds.high));
    return s;
  }
  THIMBLE_CHECK(name == "compat", value, "there are Gaussian processes 'w6', 'default' and 'compat', none '", name,
                "'");
  s.length = {Kind::gamma, 3, 6};
  s.scale = {Kind::gamma, 2, 0.15};
  s.length_bounds = {0.005, 20};
  s.fit_noise = false;
  s.per_point = true;
  s.start.noise = 1e-7;
  s.start.lengths.assign(dims, 0.5);
  return s;
}

double log_marginal_likelihood(const Points& x, std::span<const double> y, const GpParameters& p,
                               GpGradient* gradient) {
  check_data(x, y, p);
  const MatrixXd z = scaled(x, p.lengths);
  MatrixXd k, slope;
  fill_covariance(z, p.scale, k, gradient == nullptr ? nullptr : &slope);
  const MatrixXd factor = factorised(k, p);
  const VectorXd centred = Eigen::Map<const VectorXd>(y.data(), index(y.size())).array() - p.mean;
  const auto lower = factor.triangularView<Eigen::Lower>();
  const VectorXd half = lower.solve(centred);
  const double value = -0.5 * half.squaredNorm() - factor.diagonal().array().log().sum() -
                       0.5 * static_cast<double>(y.size()) * std::log(2 * std::numbers::pi);
  if (gradient != nullptr) {
    const VectorXd alpha = lower.transpose().solve(half);
    fill_gradient(z, k, std::move(slope), factor, alpha, p, *gradient);
  }
  return value;
}

std::vector<double> gp_packed(const GpParameters& p, const GpSettings& settings) {
  std::vector<double> packed;
  for (const double length : p.lengths) packed.push_back(std::log(length));
  packed.push_back(std::log(p.scale));
  if (settings.fit_noise) packed.push_back(std::log(p.noise));
  if (settings.fit_mean) packed.push_back(p.mean);
  return packed;
}

GpParameters gp_unpacked(std::span<const double> packed, const GpSettings& settings) {
  GpParameters p = settings.start;
  std::size_t at = 0;
  for (double& length : p.lengths) length = std::exp(packed[at++]);
  p.scale = std::exp(packed[at++]);
  if (settings.fit_noise) p.noise = std::exp(packed[at++]);
  if (settings.fit_mean) p.mean = packed[at];
  return p;
}

namespace {

std::vector<double> packed_ends(const GpSettings& s, double GpBounds::*end) {
  GpParameters p;
  p.lengths.assign(s.start.lengths.size(), s.length_bounds.*end);
  p.scale = s.scale_bounds.*end;
  p.noise = s.noise_bounds.*end;
  p.mean = s.mean_bounds.*end;
  return gp_packed(p, s);
}

}  // namespace

std::vector<double> gp_lower(const GpSettings& settings) {
  return packed_ends(settings, &GpBounds::low);
}

std::vector<double> gp_upper(const GpSettings& settings) {
  return packed_ends(settings, &GpBounds::high);
}

double gp_objective(const Points& x, std::span<const double> y, const GpSettings& s, std::span<const double> packed,
                    std::span<double> gradient) {
  const GpParameters p = gp_unpacked(packed, s);
  GpGradient g;
  double value = log_marginal_likelihood(x, y, p, gradient.empty() ? nullptr : &g);
  for (const double length : p.lengths) value += s.length.log_density(length);
  value += s.scale.log_density(p.scale);
  if (s.fit_noise) value += s.noise.log_density(p.noise);
  const double unit = s.per_point ? 1.0 / static_cast<double>(y.size()) : 1.0;
  if (gradient.empty()) return unit * value;
  std::size_t at = 0;
  for (std::size_t k = 0; k < p.lengths.size(); ++k)
    gradient[at++] = unit * (g.log_lengths[k] + s.length.slope(p.lengths[k]));
  gradient[at++] = unit * (g.log_scale + s.scale.slope(p.scale));
  if (s.fit_noise) gradient[at++] = unit * (g.log_noise + s.noise.slope(p.noise));
  if (s.fit_mean) gradient[at] = unit * g.mean;
  return unit * value;
}

namespace {

using Factor = Eigen::Map<const MatrixXd>;

/// Covariances of all points with one other, and the derivatives by the other's coordinates [n, d] if wanted.
VectorXd covariances(const Points& x, const GpParameters& p, std::span<const double> point, MatrixXd* slopes) {
  const Index n = index(x.count()), d = index(x.dims);
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> all(x.values.data(), n,
                                                                                                     d);
  Eigen::ArrayXd squares = Eigen::ArrayXd::Zero(n);
  MatrixXd differences(n, d);  // point - row, over the length squared
  for (Index k = 0; k < d; ++k) {
    const double length = p.lengths[static_cast<std::size_t>(k)];
    const Eigen::ArrayXd difference = (point[static_cast<std::size_t>(k)] - all.col(k).array()) / length;
    squares += difference.square();
    if (slopes != nullptr) differences.col(k) = difference / length;
  }
  const Matern matern(squares);
  if (slopes != nullptr) {
    *slopes = std::move(differences);
    for (Index k = 0; k < d; ++k) slopes->col(k).array() *= -p.scale * matern.slope;
  }
  return p.scale * matern.value;
}

double deviation_of(double variance) {
  return std::sqrt(std::max(variance, 0.0));
}

}  // namespace

GaussianProcess::GaussianProcess(Points x, std::vector<double> y, GpParameters parameters)
    : x_(std::move(x)), y_(std::move(y)), parameters_(std::move(parameters)) {
  check_data(x_, y_, parameters_);
  MatrixXd k;
  fill_covariance(scaled(x_, parameters_.lengths), parameters_.scale, k, nullptr);
  const MatrixXd factor = factorised(k, parameters_);
  factor_.assign(factor.data(), factor.data() + factor.size());
  weigh();
}

void GaussianProcess::weigh() {
  const Index n = index(count());
  const Factor factor(factor_.data(), n, n);
  const VectorXd centred = Eigen::Map<const VectorXd>(y_.data(), n).array() - parameters_.mean;
  const auto lower = factor.triangularView<Eigen::Lower>();
  const VectorXd alpha = lower.transpose().solve(lower.solve(centred).eval());
  weights_.assign(alpha.data(), alpha.data() + n);
}

void GaussianProcess::add(std::span<const double> point, double y) {
  THIMBLE_CHECK(point.size() == x_.dims, shape, "a point of ", point.size(), " coordinates among points of ", x_.dims);
  const Index n = index(count());
  const VectorXd row =
      Factor(factor_.data(), n, n).triangularView<Eigen::Lower>().solve(covariances(x_, parameters_, point, nullptr));
  // a point that is there already leaves no variance but the noise
  const double rest = parameters_.scale + parameters_.noise - row.squaredNorm();
  const double corner = std::sqrt(std::max(rest, 1e-8 * parameters_.scale));
  MatrixXd grown = MatrixXd::Zero(n + 1, n + 1);
  grown.topLeftCorner(n, n) = Factor(factor_.data(), n, n);
  grown.row(n).head(n) = row.transpose();
  grown(n, n) = corner;
  factor_.assign(grown.data(), grown.data() + grown.size());
  x_.add(point);
  y_.push_back(y);
  weigh();
}

GpPrediction GaussianProcess::predict(std::span<const double> point, GpSlope* slope) const {
  THIMBLE_CHECK(point.size() == x_.dims, shape, "a point of ", point.size(), " coordinates for a model of ", x_.dims);
  const Index n = index(count());
  MatrixXd slopes;
  const VectorXd k = covariances(x_, parameters_, point, slope == nullptr ? nullptr : &slopes);
  const auto lower = Factor(factor_.data(), n, n).triangularView<Eigen::Lower>();
  const VectorXd half = lower.solve(k);
  const Eigen::Map<const VectorXd> weights(weights_.data(), n);
  GpPrediction out{parameters_.mean + k.dot(weights), deviation_of(parameters_.scale - half.squaredNorm())};
  if (slope != nullptr) {
    const VectorXd mean = slopes.transpose() * weights, solved = lower.transpose().solve(half),
                   variance = -2 * (slopes.transpose() * solved);
    slope->mean.assign(mean.data(), mean.data() + mean.size());
    slope->deviation.assign(x_.dims, 0.0);
    for (std::size_t j = 0; j < x_.dims && out.deviation > 0; ++j)
      slope->deviation[j] = variance(index(j)) / (2 * out.deviation);
  }
  return out;
}

std::vector<GpPrediction> GaussianProcess::predict(const Points& points) const {
  THIMBLE_CHECK(points.count() == 0 || points.dims == x_.dims, shape, "points of ", points.dims,
                " coordinates for a model of ", x_.dims);
  const Index n = index(count());
  const Factor factor(factor_.data(), n, n);
  const Eigen::Map<const VectorXd> weights(weights_.data(), n);
  std::vector<GpPrediction> out;
  out.reserve(points.count());
  for (std::size_t first = 0; first < points.count(); first += kPredicted) {
    const std::size_t many = std::min(kPredicted, points.count() - first);
    MatrixXd k(n, index(many));
    for (std::size_t i = 0; i < many; ++i)
      k.col(index(i)) = covariances(x_, parameters_, points.row(first + i), nullptr);
    const VectorXd means = k.transpose() * weights;
    factor.triangularView<Eigen::Lower>().solveInPlace(k);
    for (Index i = 0; i < index(many); ++i)
      out.push_back({parameters_.mean + means(i), deviation_of(parameters_.scale - k.col(i).squaredNorm())});
  }
  return out;
}

std::vector<double> GaussianProcess::covariance(const Points& points) const {
  const Index n = index(count()), m = index(points.count());
  MatrixXd cross(n, m), own;
  for (Index i = 0; i < m; ++i)
    cross.col(i) = covariances(x_, parameters_, points.row(static_cast<std::size_t>(i)), nullptr);
  Factor(factor_.data(), n, n).triangularView<Eigen::Lower>().solveInPlace(cross);
  fill_covariance(scaled(points, parameters_.lengths), parameters_.scale, own, nullptr);
  const MatrixXd full = own.selfadjointView<Eigen::Lower>();
  const MatrixXd posterior = full - cross.transpose() * cross;
  return {posterior.data(), posterior.data() + posterior.size()};
}

}  // namespace thimble::linalg
