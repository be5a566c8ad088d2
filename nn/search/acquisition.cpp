#include "nn/search/acquisition.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace thimble::nn::search {
namespace {

const double kRootHalfPi = std::sqrt(0.5 * std::numbers::pi);
const double kLogRootTwoPi = 0.5 * std::log(2 * std::numbers::pi);

double density(double z) {
  return std::exp(-0.5 * z * z - kLogRootTwoPi);
}

double distribution(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

/// h(z) = density + z distribution, as density times this, for z <= -1.
double tail_share(double z) {
  if (z > -100) return 1 - kRootHalfPi * -z * scaled_erfc(-z / std::numbers::sqrt2);
  const double q = 1 / (z * z);  // the difference above would cancel
  return q * (1 - q * (3 - q * (15 - q * 105)));
}

}  // namespace

double scaled_erfc(double x) {
  if (x < 5) return std::exp(x * x) * std::erfc(x);
  double tail = x;  // continued fraction of Laplace, from the inside
  for (int k = 60; k > 0; --k) tail = x + 0.5 * k / tail;
  return 1 / (std::sqrt(std::numbers::pi) * tail);
}

double expected_improvement(double mean, double deviation, double best) {
  if (!(deviation > 0)) return std::max(best - mean, 0.0);
  return std::exp(log_expected_improvement(mean, deviation, best));
}

double log_expected_improvement(double mean, double deviation, double best, double* by_mean, double* by_deviation) {
  const auto write = [&](double m, double d) {
    if (by_mean != nullptr) *by_mean = m;
    if (by_deviation != nullptr) *by_deviation = d;
  };
  if (!(deviation > 0)) {
    write(best > mean ? -1 / (best - mean) : 0, 0);
    return best > mean ? std::log(best - mean) : -std::numeric_limits<double>::infinity();
  }
  const double z = (best - mean) / deviation;
  if (z > -1) {
    const double h = density(z) + z * distribution(z);
    write(-distribution(z) / (deviation * h), density(z) / (deviation * h));
    return std::log(deviation) + std::log(h);
  }
  const double share = tail_share(z);
  write(-kRootHalfPi * scaled_erfc(-z / std::numbers::sqrt2) / (deviation * share), 1 / (deviation * share));
  return std::log(deviation) - 0.5 * z * z - kLogRootTwoPi + std::log(share);
}

}  // namespace thimble::nn::search
