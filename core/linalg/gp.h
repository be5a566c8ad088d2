#pragma once
// Gaussian processes with a Matern-5/2 kernel and one length per input: likelihood with its derivatives, prior
// densities of the parameters, predictions with their slopes. Source: Rasmussen and Williams, "Gaussian processes for
// machine learning", 2006, chapters 2 and 5.
//
// k(x, x') = scale (1 + r + r^2 / 3) exp(-r),  r^2 = 5 sum_j ((x_j - x'_j) / length_j)^2,  plus noise on the diagonal.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace thimble::linalg {

/// Points of equal length, row after row.
struct Points {
  std::size_t dims = 0;
  std::vector<double> values;

  std::size_t count() const { return dims == 0 ? 0 : values.size() / dims; }
  std::span<const double> row(std::size_t i) const { return {values.data() + i * dims, dims}; }
  /// Throws Error(shape) for a point of another length.
  void add(std::span<const double> point);
};

struct GpParameters {
  std::vector<double> lengths;     // one per input
  double scale = 1, noise = 1e-4;  // variances of the function and of what is added to its observations
  double mean = 0;
};

/// Log density of a positive parameter, as a density of the parameter itself (not of its logarithm).
struct GpPrior {
  enum class Kind {
    none,        // 0
    gamma,       // shape a, rate b
    log_normal,  // the logarithm is normal with mean a and deviation b
  };
  Kind kind = Kind::none;
  double a = 0, b = 1;

  double log_density(double x) const;
  /// Derivative by ln x.
  double slope(double x) const;
};

struct GpBounds {
  double low = 0, high = 1;
};

/// What a fit may change, from where and how far.
struct GpSettings {
  GpPrior length, scale, noise;
  GpBounds length_bounds{1e-2, 1e2}, scale_bounds{1e-3, 1e3}, noise_bounds{1e-6, 1}, mean_bounds{-5, 5};
  bool fit_mean = false, fit_noise = true;
  bool per_point = false;  // the objective is divided by the number of points
  GpParameters start;
};

/// Settings for `dims` inputs on about unit scale and standardised targets:
/// "w6"       no prior, mean 0, starts at ones
/// "default"  lengths by their number: log-normal, mean sqrt(2) + ln(dims) / 2, deviation sqrt(3), above 0.025
/// (Hvarfner,
///            Hellsten and Nardi, "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024); noise
///            log-normal (-4, 1) above 1e-4; constant mean
/// "compat"   lengths gamma (3, 6), scale gamma (2, 0.15), noise fixed at 1e-7, constant mean, objective per point
/// Throws Error(value) for another name.
GpSettings gp_preset(const std::string& name, std::size_t dims);

/// Derivatives of the log marginal likelihood.
struct GpGradient {
  std::vector<double> log_lengths;
  double log_scale = 0, log_noise = 0, mean = 0;
};

/// Logarithm of the probability of targets y at the points x. Work n^3 / 3 multiply-adds, with `gradient` about three
/// times that plus n^2 dims. Throws Error(shape) for sizes that do not fit, Error(value) when the covariance stays
/// singular with 1e-3 of its scale added to the diagonal.
double log_marginal_likelihood(const Points& x, std::span<const double> y, const GpParameters& parameters,
                               GpGradient* gradient = nullptr);

/// The parameters that `settings` lets a fit change as one vector: ln lengths, ln scale, ln noise, mean.
std::vector<double> gp_packed(const GpParameters& parameters, const GpSettings& settings);
GpParameters gp_unpacked(std::span<const double> packed, const GpSettings& settings);
/// Ends of the same vector.
std::vector<double> gp_lower(const GpSettings& settings);
std::vector<double> gp_upper(const GpSettings& settings);
/// What a fit makes large: log marginal likelihood and log densities of the priors; writes the derivatives by the
/// packed parameters into `gradient` (same length) unless it is empty.
double gp_objective(const Points& x, std::span<const double> y, const GpSettings& settings,
                    std::span<const double> packed, std::span<double> gradient);

/// A prediction of the function, without the noise of observations.
struct GpPrediction {
  double mean = 0, deviation = 0;
};
struct GpSlope {
  std::vector<double> mean, deviation;  // derivatives by the coordinates of the point
};

class GaussianProcess {
 public:
  /// Throws as log_marginal_likelihood.
  GaussianProcess(Points x, std::vector<double> y, GpParameters parameters);

  std::size_t count() const { return y_.size(); }
  const GpParameters& parameters() const { return parameters_; }
  const std::vector<double>& targets() const { return y_; }
  /// One more observation with unchanged parameters: the factor grows by one row, n^2 work.
  void add(std::span<const double> point, double y);
  GpPrediction predict(std::span<const double> point, GpSlope* slope = nullptr) const;
  /// Of many points, by one triangular solve per 256 of them; the same numbers as one by one up to rounding.
  std::vector<GpPrediction> predict(const Points& points) const;
  /// Covariance of the function at the points, [m, m].
  std::vector<double> covariance(const Points& points) const;

 private:
  void weigh();
  Points x_;
  std::vector<double> y_;
  GpParameters parameters_;
  std::vector<double> factor_;   // lower Cholesky factor, columns one after the other
  std::vector<double> weights_;  // inverse covariance times (y - mean)
};

}  // namespace thimble::linalg
