#pragma once
// Statistics with their variants named: every divisor, quantile and trimming rule is chosen by the caller, because the
// applications differ in them. All sums are formed in double, in the order of the values.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace thimble::linalg {

/// A read-only view of float or double numbers; converts from vectors and spans, owns nothing.
class Values {
 public:
  Values(std::span<const double> values) : doubles_(values.data()), size_(values.size()) {}
  Values(std::span<const float> values) : floats_(values.data()), size_(values.size()) {}
  Values(const std::vector<double>& values) : Values(std::span<const double>(values)) {}
  Values(const std::vector<float>& values) : Values(std::span<const float>(values)) {}
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  double operator[](std::size_t i) const { return doubles_ != nullptr ? doubles_[i] : static_cast<double>(floats_[i]); }

 private:
  const double* doubles_ = nullptr;
  const float* floats_ = nullptr;
  std::size_t size_;
};

/// Divisor of a variance.
enum class Divisor { n, n_minus_1 };

/// Arithmetic mean; NaN for no values.
double mean(Values values);
/// Standard deviation, in two passes; NaN for fewer values than the divisor needs.
double standard_deviation(Values values, Divisor divisor);
/// Sorts, drops floor(share * n) values at each end, standard deviation (divisor n) of the rest; NaN for no values.
/// Values that are NaN make the result NaN.
double trimmed_standard_deviation(Values values, double share = 0.05);

enum class QuantileRule {
  floor_index,  // the sorted value at min(floor(p * n), n - 1)
  linear,       // between the sorted values around p * (n - 1)
};
/// Quantile for 0 <= p <= 1. Throws Error(value) for no values, NaN among them, or another p.
double quantile(Values values, double p, QuantileRule rule);

/// Equal bins between low and high; the last one is closed on the right.
struct Histogram {
  double low = 0, high = 1;
  std::vector<std::int64_t> counts;
  std::int64_t outside = 0;  // below low, above high, or NaN
  /// Left edge of bin i; edge(counts.size()) is high.
  double edge(std::size_t i) const;
};
struct Range {
  double low, high;
};
/// Bins by the rule of NumPy: a value belongs to the bin whose edges enclose it, edges being those printed by edge().
/// Without a range that of the data; a range of one point is widened by 0.5 to both sides, no data gives [0, 1].
/// Throws Error(value) for no bins, an infinite or reversed range, or NaN and infinite data when no range is given.
Histogram histogram(Values values, std::size_t bins, std::optional<Range> range = {});

/// FENet's bins of sorted values: bin i begins at the first sorted value that is at least
/// smallest * (1 - i / bins) + largest * i / bins, and the last one takes the rest.
struct SortedBins {
  std::vector<std::size_t> starts;  // place of the first value of each bin among the sorted ones
  std::vector<double> shares;       // of all values
};
/// Throws Error(value) for no values, no bins or NaN.
SortedBins sorted_bins(Values values, std::size_t bins);

/// Two-dimensional histogram; counts[y * bins_x + x].
struct Histogram2d {
  Range x{0, 1}, y{0, 1};
  std::size_t bins_x = 0, bins_y = 0;
  std::vector<std::int64_t> counts;
  std::int64_t outside = 0;
};
/// Rules as histogram; x and y of equal length.
Histogram2d histogram_2d(Values x, Values y, std::size_t bins_x, std::size_t bins_y, std::optional<Range> range_x = {},
                         std::optional<Range> range_y = {});

/// Mean of the squared differences.
double mean_squared_error(Values truth, Values predicted);
/// 1 - sum (truth - predicted)^2 / sum (truth - mean truth)^2; NaN when the truth is constant.
double r2(Values truth, Values predicted);
/// The same for rows of `columns` numbers together: 1 - sum of squared errors / sum of squares about the mean of each
/// column; NaN when all columns are constant. Throws Error(value) unless both are whole rows of equal number.
double joint_r2(Values truth, Values predicted, std::size_t columns);
/// Correlation coefficient of Pearson; NaN when one side is constant.
double pearson(Values x, Values y);

struct Interval {
  double low, high;
};
/// Percentile bootstrap interval of a statistic (linear quantiles of `resamples` resampled statistics). The draws are
/// those of the stream "bootstrap" of `seed`: equal for any number of threads. Throws Error(value) for no values.
Interval bootstrap_interval(std::span<const double> values,
                            const std::function<double(std::span<const double>)>& statistic, double level = 0.95,
                            int resamples = 1000, std::uint64_t seed = 1);
/// p value of "the mean of a - b is 0" against either side, for values that belong in pairs (the folds of two methods):
/// the share of all choices of signs whose mean is as far from 0. Up to 16 pairs every choice is tried, for more
/// `draws` random ones (stream "permutation" of `seed`) and the observed one. Throws Error(value) for no pairs.
double paired_permutation_test(Values a, Values b, int draws = 10'000, std::uint64_t seed = 1);
/// Interval of a share of which `successes` of `trials` were seen, `deviations` standard deviations wide to each side
/// (1: 68.3 %); Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927. Stays
/// within [0, 1] and has a width at 0 and 1 too. Throws Error(value) unless 0 <= successes <= trials and trials > 0.
Interval wilson_interval(std::int64_t successes, std::int64_t trials, double deviations = 1.0);
/// Student-t interval of the mean. Throws Error(value) for fewer than two values.
Interval t_interval(Values values, double level = 0.95);
/// Quantile of the standard normal distribution, 0 < p < 1, by bisection: the same bits wherever erfc has them.
double normal_quantile(double p);
/// Quantile of Student's t distribution with `freedom` > 0 degrees of freedom.
double student_t_quantile(double p, double freedom);

}  // namespace thimble::linalg
