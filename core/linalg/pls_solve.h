#pragma once
// The components of a partial least squares fit from products with the data alone. Inside the room only.

#include "core/linalg/pls.h"

#include <vector>

namespace thimble::linalg {

/// Refuses what no fit takes; see fit_pls and fit_channel_pls.
void check_fit(const Tensor& x, const Tensor& y, const PlsOptions& options, std::int64_t channels = 1);

/// Data of one fit, x [n, p] and y [n, q] centred and divided; y shrinks as components are taken out of it.
class PlsData {
 public:
  virtual ~PlsData() = default;
  /// g [p] = x^T x r for the direction r [p]; returns r^T x^T x r, the square of the scores t = x r.
  virtual double project(const double* r, double* g) = 0;
  /// y -= t loading^T with the scores of the last project; loading [q], squared: t.t.
  virtual void deflate(const double* loading, double squared) = 0;
  /// Column of y with which the search starts, -1 when y is used up. `spent[k]` becomes true for columns of y that are
  /// rounding only and count as zero from now on.
  virtual std::int64_t start(std::vector<char>& spent) = 0;
};

struct PlsProblem {
  std::int64_t p = 0, q = 0;
  std::vector<double> s;  // [q, p]: y^T x
  double total = 0;       // sum of the squares of x
};

struct PlsComponents {
  std::vector<double> weights, loadings, rotations;  // [A, p]
  std::vector<double> y_loadings;                    // [A, q]; the y weights are the same numbers
  std::vector<int> iterations;
  std::int64_t found = 0;
  bool y_spent = false;  // why found < A
};

/// The loop of NIPALS on s = x^T y, which is deflated in place of x. Throws nothing; what is not found stays zero.
PlsComponents solve_pls(PlsData& data, PlsProblem problem, const PlsOptions& options);

/// Unit vector of the dominant left singular vector of s^T, s [q, p]: largest entry positive. False if s is zero.
bool dominant_direction(const std::vector<double>& s, std::int64_t p, std::int64_t q, double* w);

/// Says once what was not found.
void warn_unfinished(const PlsComponents& parts, const PlsOptions& options);

}  // namespace thimble::linalg
