#include "core/linalg/stats.h"

#include "core/base/error.h"
#include "core/random/philox.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace thimble::linalg {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> sorted(Values values) {
  std::vector<double> out(values.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = values[i];
  std::sort(out.begin(), out.end());
  return out;
}

bool has_nan(Values values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) return true;
  }
  return false;
}

double squared_deviations(Values values, double center) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += (values[i] - center) * (values[i] - center);
  return sum;
}

void check_pair(Values a, Values b, const char* what) {
  THIMBLE_CHECK(a.size() == b.size() && !a.empty(), value, what, ": got ", a.size(), " and ", b.size(),
                " values, expected the same number, at least one");
}

Range data_range(Values values) {
  if (values.empty()) return {0, 1};
  Range range{values[0], values[0]};
  for (std::size_t i = 0; i < values.size(); ++i) {
    THIMBLE_CHECK(std::isfinite(values[i]), value, "histogram: value ", i + 1, " is ", values[i],
                  ", a range from the data needs finite values");
    range = {std::min(range.low, values[i]), std::max(range.high, values[i])};
  }
  return range;
}

Range bin_range(Values values, std::optional<Range> wanted) {
  Range range = wanted ? *wanted : data_range(values);
  THIMBLE_CHECK(std::isfinite(range.low) && std::isfinite(range.high) && range.low <= range.high, value,
                "histogram: range ", range.low, " .. ", range.high, " is not a finite range");
  if (range.low == range.high) range = {range.low - 0.5, range.high + 0.5};
  return range;
}

/// Finds bins by scaling, then corrects by the edges themselves: rounding must not move a value across an edge.
class Binning {
 public:
  Binning(Range range, std::size_t bins) : range_(range), bins_(bins) {}
  double edge(std::size_t i) const {
    if (i == bins_) return range_.high;
    return range_.low + static_cast<double>(i) * ((range_.high - range_.low) / static_cast<double>(bins_));
  }
  /// bins_ when outside.
  std::size_t find(double value) const {
    if (!(value >= range_.low && value <= range_.high)) return bins_;
    const double place = (value - range_.low) / (range_.high - range_.low) * static_cast<double>(bins_);
    std::size_t bin = std::min(static_cast<std::size_t>(place), bins_ - 1);
    if (value < edge(bin)) --bin;
    if (bin + 1 < bins_ && value >= edge(bin + 1)) ++bin;
    return bin;
  }

 private:
  Range range_;
  std::size_t bins_;
};

/// Continued fraction of the incomplete beta function (modified Lentz; Abramowitz and Stegun 26.5.8).
double beta_fraction(double a, double b, double x) {
  constexpr double tiny = 1e-300;
  const auto guarded = [](double v) { return std::abs(v) < tiny ? tiny : v; };
  double c = 1, d = 1 / guarded(1 - (a + b) * x / (a + 1)), result = d;
  for (int m = 1; m <= 500; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guarded(1 + even * d);
    c = guarded(1 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guarded(1 + odd * d);
    c = guarded(1 + odd / c);
    result *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return result;
}

/// Regularised incomplete beta function I_x(a, b).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/// P(T > t) for t >= 0.
double upper_tail(double t, double freedom) {
  return 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

void check_level(double level) {
  THIMBLE_CHECK(level > 0 && level < 1, value, "interval: level is ", level, ", expected a number between 0 and 1");
}

}  // namespace

double mean(Values values) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i];
  return values.empty() ? kNaN : sum / static_cast<double>(values.size());
}

double standard_deviation(Values values, Divisor divisor) {
  const std::size_t less = divisor == Divisor::n ? 0 : 1;
  if (values.size() <= less) return kNaN;
  return std::sqrt(squared_deviations(values, mean(values)) / static_cast<double>(values.size() - less));
}

double trimmed_standard_deviation(Values values, double share) {
  THIMBLE_CHECK(share >= 0 && share < 0.5, value, "trimmed deviation: share is ", share, ", expected 0 <= share < 0.5");
  if (values.empty() || has_nan(values)) return kNaN;
  const std::vector<double> all = sorted(values);
  const auto drop = static_cast<std::size_t>(share * static_cast<double>(all.size()));
  return standard_deviation(std::span<const double>(all).subspan(drop, all.size() - 2 * drop), Divisor::n);
}

double quantile(Values values, double p, QuantileRule rule) {
  THIMBLE_CHECK(p >= 0 && p <= 1, value, "quantile: p is ", p, ", expected 0 <= p <= 1");
  THIMBLE_CHECK(!values.empty(), value, "quantile: there are no values");
  THIMBLE_CHECK(!has_nan(values), value, "quantile: there are NaN among the values");
  const std::vector<double> all = sorted(values);
  const std::size_t last = all.size() - 1;
  if (rule == QuantileRule::floor_index) {
    return all[std::min(static_cast<std::size_t>(p * static_cast<double>(all.size())), last)];
  }
  const double place = p * static_cast<double>(last);
  const std::size_t below = std::min(static_cast<std::size_t>(place), last);
  const double rest = place - static_cast<double>(below);
  return rest == 0 ? all[below] : all[below] + rest * (all[below + 1] - all[below]);
}

double Histogram::edge(std::size_t i) const {
  return Binning({low, high}, counts.size()).edge(i);
}

Histogram histogram(Values values, std::size_t bins, std::optional<Range> range) {
  THIMBLE_CHECK(bins > 0, value, "histogram: at least one bin is needed");
  const Range use = bin_range(values, range);
  Histogram out{use.low, use.high, std::vector<std::int64_t>(bins, 0), 0};
  const Binning binning(use, bins);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t bin = binning.find(values[i]);
    ++(bin < bins ? out.counts[bin] : out.outside);
  }
  return out;
}

SortedBins sorted_bins(Values values, std::size_t bins) {
  THIMBLE_CHECK(!values.empty() && bins > 0 && !has_nan(values), value,
                "sorted bins: expected at least one bin and values without NaN");
  const std::vector<double> all = sorted(values);
  SortedBins out;
  for (std::size_t i = 0; i < bins; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(bins);
    const double edge = all.front() * (1 - part) + all.back() * part;
    out.starts.push_back(static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), edge) - all.begin()));
  }
  for (std::size_t i = 0; i < bins; ++i) {
    const std::size_t end = i + 1 < bins ? out.starts[i + 1] : all.size();
    out.shares.push_back(static_cast<double>(end - out.starts[i]) / static_cast<double>(all.size()));
  }
  return out;
}

Histogram2d histogram_2d(Values x, Values y, std::size_t bins_x, std::size_t bins_y, std::optional<Range> range_x,
                         std::optional<Range> range_y) {
  THIMBLE_CHECK(bins_x > 0 && bins_y > 0, value, "histogram: at least one bin is needed on each axis");
  THIMBLE_CHECK(x.size() == y.size(), value, "histogram: ", x.size(), " x values and ", y.size(), " y values");
  Histogram2d out{
      bin_range(x, range_x), bin_range(y, range_y), bins_x, bins_y, std::vector<std::int64_t>(bins_x * bins_y, 0), 0};
  const Binning along_x(out.x, bins_x), along_y(out.y, bins_y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t column = along_x.find(x[i]), row = along_y.find(y[i]);
    const bool inside = column < bins_x && row < bins_y;
    ++(inside ? out.counts[row * bins_x + column] : out.outside);
  }
  return out;
}

double mean_squared_error(Values truth, Values predicted) {
  check_pair(truth, predicted, "mean squared error");
  double sum = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) sum += (truth[i] - predicted[i]) * (truth[i] - predicted[i]);
  return sum / static_cast<double>(truth.size());
}

double r2(Values truth, Values predicted) {
  check_pair(truth, predicted, "R2");
  const double total = squared_deviations(truth, mean(truth));
  return total == 0 ? kNaN : 1 - mean_squared_error(truth, predicted) * static_cast<double>(truth.size()) / total;
}

double joint_r2(Values truth, Values predicted, std::size_t columns) {
  check_pair(truth, predicted, "joint R2");
  THIMBLE_CHECK(columns > 0 && truth.size() % columns == 0, value, "joint R2: ", truth.size(),
                " values are not rows of ", columns);
  const std::size_t rows = truth.size() / columns;
  double errors = 0, total = 0;
  for (std::size_t k = 0; k < columns; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += truth[i * columns + k];
    const double center = sum / static_cast<double>(rows);
    for (std::size_t i = k; i < truth.size(); i += columns) {
      errors += (predicted[i] - truth[i]) * (predicted[i] - truth[i]);
      total += (truth[i] - center) * (truth[i] - center);
    }
  }
  return total == 0 ? kNaN : 1 - errors / total;
}

double pearson(Values x, Values y) {
  check_pair(x, y, "correlation");
  const double mean_x = mean(x), mean_y = mean(y);
  const double both = squared_deviations(x, mean_x) * squared_deviations(y, mean_y);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - mean_x) * (y[i] - mean_y);
  return both == 0 ? kNaN : sum / std::sqrt(both);
}

Interval bootstrap_interval(std::span<const double> values,
                            const std::function<double(std::span<const double>)>& statistic, double level,
                            int resamples, std::uint64_t seed) {
  check_level(level);
  THIMBLE_CHECK(!values.empty() && resamples > 0, value, "bootstrap: ", values.size(), " values and ", resamples,
                " resamples, expected at least one of each");
  const Stream stream = Rng(seed).stream("bootstrap");
  std::vector<double> sample(values.size()), results;
  for (int r = 0; r < resamples; ++r) {
    for (std::size_t i = 0; i < sample.size(); ++i) {
      sample[i] = values[stream.below(values.size(), static_cast<std::uint64_t>(r), i)];
    }
    results.push_back(statistic(sample));
  }
  return {quantile(results, (1 - level) / 2, QuantileRule::linear),
          quantile(results, (1 + level) / 2, QuantileRule::linear)};
}

double paired_permutation_test(Values a, Values b, int draws, std::uint64_t seed) {
  check_pair(a, b, "paired permutation test");
  THIMBLE_CHECK(draws > 0, value, "paired permutation test: ", draws, " draws, expected at least one");
  constexpr std::size_t most_tried = 16;
  const std::size_t pairs = a.size();
  double observed = 0, largest = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    observed += a[i] - b[i];
    largest += std::abs(a[i] - b[i]);
  }
  const double bound = std::abs(observed) - 1e-12 * largest;  // the observed choice itself must count
  const auto as_far = [&](const auto& flipped) {
    double sum = 0;
    for (std::size_t i = 0; i < pairs; ++i) sum += flipped(i) ? b[i] - a[i] : a[i] - b[i];
    return std::abs(sum) >= bound;
  };
  std::int64_t count = 0;
  if (pairs <= most_tried) {
    const std::uint64_t choices = std::uint64_t{1} << pairs;
    for (std::uint64_t c = 0; c < choices; ++c)
      count += as_far([c](std::size_t i) { return (c >> i & 1) != 0; }) ? 1 : 0;
    return static_cast<double>(count) / static_cast<double>(choices);
  }
  const Stream stream = Rng(seed).stream("permutation");
  for (int d = 0; d < draws; ++d) {
    const auto step = static_cast<std::uint64_t>(d);
    count += as_far([&](std::size_t i) { return stream.below(2, step, i) != 0; }) ? 1 : 0;
  }
  return static_cast<double>(count + 1) / static_cast<double>(draws + 1);
}

double normal_quantile(double p) {
  THIMBLE_CHECK(p > 0 && p < 1, value, "normal quantile: p ", p, " is not between 0 and 1");
  if (p > 0.5) return -normal_quantile(1 - p);
  double low = -40, high = 0;  // erfc(40 / sqrt 2) is below the smallest double
  for (int i = 0; i < 200 && high - low > 1e-16 * -low; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double student_t_quantile(double p, double freedom) {
  THIMBLE_CHECK(p > 0 && p < 1 && freedom > 0, value, "t quantile: p ", p, " and ", freedom, " degrees of freedom");
  if (p == 0.5) return 0;
  if (p < 0.5) return -student_t_quantile(1 - p, freedom);
  double low = 0, high = 1;
  while (upper_tail(high, freedom) > 1 - p && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (upper_tail(middle, freedom) > 1 - p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

Interval wilson_interval(std::int64_t successes, std::int64_t trials, double deviations) {
  THIMBLE_CHECK(trials > 0 && successes >= 0 && successes <= trials, value, "wilson_interval: ", successes, " of ",
                trials, " trials");
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(successes) / n, square = deviations * deviations;
  const double centre = (share + square / (2 * n)) / (1 + square / n);
  const double half = deviations / (1 + square / n) * std::sqrt(share * (1 - share) / n + square / (4 * n * n));
  return {successes == 0 ? 0.0 : centre - half, successes == trials ? 1.0 : centre + half};
}

Interval t_interval(Values values, double level) {
  check_level(level);
  THIMBLE_CHECK(values.size() >= 2, value, "t interval: needs at least two values, got ", values.size());
  const auto n = static_cast<double>(values.size());
  const double center = mean(values);
  const double half =
      student_t_quantile((1 + level) / 2, n - 1) * standard_deviation(values, Divisor::n_minus_1) / std::sqrt(n);
  return {center - half, center + half};
}

}  // namespace thimble::linalg
