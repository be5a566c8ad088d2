#include "core/linalg/pls_solve.h"

#include "core/base/log.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace thimble::linalg {
namespace {

using Vector = Eigen::Map<Eigen::VectorXd>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;
using ConstMatrix = Eigen::Map<const Eigen::MatrixXd>;  // [p, q], a column per response

/// Makes the entry of largest size positive, the first of equal ones.
void fix_sign(Vector w) {
  Eigen::Index at = 0;
  w.cwiseAbs().maxCoeff(&at);
  if (w[at] < 0) w = -w;
}

/// Eigenvector of the largest eigenvalue of [[a, b], [b, d]], not normalised: the longer of its two forms.
Eigen::Vector2d dominant_of_two(double a, double b, double d) {
  const double largest = 0.5 * (a + d) + std::hypot(0.5 * (a - d), b);
  const Eigen::Vector2d first(b, largest - a), second(largest - d, b);
  if (first.squaredNorm() == 0 && second.squaredNorm() == 0) return {1, 0};  // a multiple of the identity
  return first.squaredNorm() >= second.squaredNorm() ? first : second;
}

Eigen::VectorXd dominant_response(const Eigen::MatrixXd& products) {
  if (products.rows() == 1) return Eigen::VectorXd::Ones(1);
  if (products.rows() == 2) return dominant_of_two(products(0, 0), products(0, 1), products(1, 1));
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(products).eigenvectors().rightCols(1);
}

/// The rule of scikit-learn: from one column of y back and forth until the weights stand still. Number of rounds, 0 if
/// that column has nothing in common with x.
int iterate(const ConstMatrix& s, std::int64_t start, const PlsOptions& options, Vector w) {
  Eigen::VectorXd before = Eigen::VectorXd::Constant(w.size(), 100.0), next = s.col(start);
  for (int round = 1;; ++round) {
    const double length = next.norm();
    if (length == 0) return 0;
    w = next / length;
    if ((w - before).squaredNorm() < options.tolerance || s.cols() == 1 || round == options.most_iterations)
      return round;
    before = w;
    next.noalias() = s * (s.transpose() * w);
  }
}

int find_weights(const PlsProblem& problem, std::int64_t start, const PlsOptions& options, Vector w) {
  if (options.solver == PlsSolver::svd) return dominant_direction(problem.s, problem.p, problem.q, w.data()) ? 1 : 0;
  const int rounds = iterate(ConstMatrix(problem.s.data(), problem.p, problem.q), start, options, w);
  if (rounds > 0) fix_sign(w);
  return rounds;
}

/// w less what the earlier components hold of it: the direction in the columns of x as they were given.
void rotate(const PlsComponents& parts, std::int64_t p, std::int64_t k, Vector r) {
  r = Vector(const_cast<double*>(parts.weights.data()) + k * p, p);
  const Eigen::VectorXd w = r;
  for (std::int64_t j = 0; j < k; ++j) {
    r -= ConstVector(parts.loadings.data() + j * p, p).dot(w) * ConstVector(parts.rotations.data() + j * p, p);
  }
}

PlsComponents empty_components(const PlsProblem& problem, std::int64_t components) {
  const auto of = [&](std::int64_t width) { return std::vector<double>(static_cast<std::size_t>(components * width)); };
  PlsComponents parts{of(problem.p), of(problem.p), of(problem.p), of(problem.q), {}, 0, false};
  parts.iterations.assign(static_cast<std::size_t>(components), 0);
  return parts;
}

void clear_spent(PlsProblem& problem, const std::vector<char>& spent) {
  for (std::int64_t k = 0; k < problem.q; ++k) {
    if (spent[static_cast<std::size_t>(k)] != 0) std::fill_n(problem.s.begin() + k * problem.p, problem.p, 0.0);
  }
}

/// Component k; false if x has nothing left for it.
bool take_component(PlsData& data, PlsProblem& problem, const PlsOptions& options, std::int64_t start,
                    double first_norm, PlsComponents& parts) {
  const std::int64_t p = problem.p, q = problem.q, k = parts.found;
  Vector w(parts.weights.data() + k * p, p), r(parts.rotations.data() + k * p, p);
  Vector loading(parts.loadings.data() + k * p, p), y_loading(parts.y_loadings.data() + k * q, q);
  Eigen::Map<Eigen::MatrixXd> s(problem.s.data(), p, q);
  const int rounds = find_weights(problem, start, options, w);
  if (rounds == 0) return false;
  rotate(parts, p, k, r);
  const double squared = data.project(r.data(), loading.data());
  // what is left of x and of its products with y is rounding
  const bool spent = squared <= 1e-14 * problem.total && s.norm() <= 1e-12 * first_norm;
  if (!(squared > 0) || spent) return false;
  loading /= squared;
  y_loading.noalias() = s.transpose() * r / squared;
  s.noalias() -= squared * loading * y_loading.transpose();
  data.deflate(y_loading.data(), squared);
  parts.iterations[static_cast<std::size_t>(k)] = rounds;
  return true;
}

void clear_component(const PlsProblem& problem, std::int64_t k, PlsComponents& parts) {
  for (std::vector<double>* part : {&parts.weights, &parts.loadings, &parts.rotations})
    std::fill_n(part->begin() + k * problem.p, problem.p, 0.0);
}

}  // namespace

bool dominant_direction(const std::vector<double>& s, std::int64_t p, std::int64_t q, double* w) {
  const ConstMatrix matrix(s.data(), p, q);
  Vector out(w, p);
  out.noalias() = matrix * dominant_response(matrix.transpose() * matrix);
  const double length = out.norm();
  if (length == 0) return false;
  out /= length;
  fix_sign(out);
  return true;
}

PlsComponents solve_pls(PlsData& data, PlsProblem problem, const PlsOptions& options) {
  PlsComponents parts = empty_components(problem, options.components);
  std::vector<char> spent(static_cast<std::size_t>(problem.q), 0);
  const double first_norm = ConstMatrix(problem.s.data(), problem.p, problem.q).norm();
  for (; parts.found < options.components; ++parts.found) {
    const std::int64_t start = data.start(spent);
    clear_spent(problem, spent);
    parts.y_spent = start < 0;
    if (parts.y_spent || !take_component(data, problem, options, start, first_norm, parts)) break;
  }
  if (parts.found < options.components) clear_component(problem, parts.found, parts);
  return parts;
}

void warn_unfinished(const PlsComponents& parts, const PlsOptions& options) {
  if (parts.found < options.components) {
    log::warning("partial least squares: ", parts.y_spent ? "y" : "x", " is used up after ", parts.found, " of ",
                 options.components, " components; the others are zero");
  }
  for (const int rounds : parts.iterations) {
    if (options.solver == PlsSolver::nipals && rounds == options.most_iterations && rounds > 1)
      log::warning("partial least squares: no convergence within ", rounds, " rounds");
  }
}

}  // namespace thimble::linalg
