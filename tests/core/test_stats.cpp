#include "core/base/error.h"
#include "core/linalg/stats.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

using namespace thimble;
using namespace thimble::linalg;

namespace {
using Doubles = std::vector<double>;
using Counts = std::vector<std::int64_t>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
}  // namespace

TEST_CASE("The Wilson interval is that of its formula and never leaves [0, 1]") {
  // Golden numbers: the published formula evaluated for 10 of 20 at 1.96 deviations in another language
  const Interval half = wilson_interval(10, 20, 1.959963984540054);
  CHECK(half.low == doctest::Approx(0.29929801).epsilon(1e-7));
  CHECK(half.high == doctest::Approx(0.70070199).epsilon(1e-7));
  CHECK(wilson_interval(0, 10).low == 0.0);
  CHECK(wilson_interval(0, 10).high == doctest::Approx(1.0 / 11));  // z²/n / (1 + z²/n)
  CHECK(wilson_interval(10, 10).high == 1.0);
  CHECK_THROWS(wilson_interval(3, 2));
  CHECK_THROWS(wilson_interval(0, 0));
}

TEST_CASE("the standard deviation has the divisor it was asked for") {
  const Doubles values{1, 2, 3, 4};
  CHECK(mean(values) == 2.5);
  CHECK(standard_deviation(values, Divisor::n) == doctest::Approx(std::sqrt(1.25)).epsilon(1e-15));
  CHECK(standard_deviation(values, Divisor::n_minus_1) == doctest::Approx(std::sqrt(5.0 / 3)).epsilon(1e-15));
  CHECK(std::isnan(standard_deviation(Doubles{7}, Divisor::n_minus_1)));
  CHECK(standard_deviation(Doubles{7}, Divisor::n) == 0);
  CHECK(std::isnan(mean(Doubles{})));
  CHECK(mean(std::vector<float>{0.5f, 1.5f}) == 1);
}

TEST_CASE("the trimmed deviation drops floor of 5 % at each end, population divisor [NT F24]") {
  Doubles values(40);  // floor(0.05 * 40) = 2 dropped at each end: 2 .. 37 remain
  std::iota(values.begin(), values.end(), 0.0);
  values[0] = -1e6;
  values[39] = 1e6;
  std::swap(values[0], values[20]);
  CHECK(trimmed_standard_deviation(values) == doctest::Approx(std::sqrt((36.0 * 36 - 1) / 12)).epsilon(1e-14));
  CHECK(trimmed_standard_deviation(Doubles{1, 100}) == 49.5);  // nothing to drop
  CHECK(std::isnan(trimmed_standard_deviation(Doubles{})));
  CHECK(std::isnan(trimmed_standard_deviation(Doubles{1, kNaN, 2})));
  CHECK_THROWS_AS(trimmed_standard_deviation(values, 0.5), Error);
}

TEST_CASE("both quantile rules") {
  const Doubles values{40, 10, 30, 20};
  CHECK(quantile(values, 0.5, QuantileRule::floor_index) == 30);  // index floor(2.0)
  CHECK(quantile(values, 0.49, QuantileRule::floor_index) == 20);
  CHECK(quantile(values, 1, QuantileRule::floor_index) == 40);  // index 4 is clamped
  CHECK(quantile(values, 0.5, QuantileRule::linear) == 25);
  CHECK(quantile(values, 0.25, QuantileRule::linear) == 17.5);
  CHECK(quantile(values, 1, QuantileRule::linear) == 40);
  CHECK_THROWS_AS(quantile(Doubles{}, 0.5, QuantileRule::linear), Error);
  CHECK_THROWS_AS(quantile(Doubles{1, kNaN}, 0.5, QuantileRule::linear), Error);
}

TEST_CASE("the last bin of a histogram is closed, values stay on their side of an edge") {
  const Histogram h = histogram(Doubles{0, 1, 2, 3, 4}, 4);
  CHECK(h.counts == Counts{1, 1, 1, 2});
  CHECK(h.low == 0);
  CHECK(h.high == 4);
  // 0.7 / (1 / 10) rounds to 6.999..., yet 0.7 is the left edge of bin 7 (0 + 7 * 0.1 = 0.7000000000000001 > 0.7: bin
  // 6)
  const Histogram tenths = histogram(Doubles{0.1, 0.3, 0.7}, 10, Range{0, 1});
  for (std::size_t bin = 0; bin < 10; ++bin) {
    std::int64_t inside = 0;
    for (const double v : {0.1, 0.3, 0.7}) inside += v >= tenths.edge(bin) && v < tenths.edge(bin + 1) ? 1 : 0;
    CHECK(tenths.counts[bin] == inside);
  }
  const Histogram limited = histogram(Doubles{-1, 0.5, 2, kNaN}, 2, Range{0, 1});
  CHECK(limited.counts == Counts{0, 1});
  CHECK(limited.outside == 3);
}

TEST_CASE("histograms of nothing, of one value and of bad data") {
  CHECK(histogram(Doubles{}, 3).counts == Counts{0, 0, 0});
  const Histogram one = histogram(Doubles{5, 5}, 4);
  CHECK(one.low == 4.5);
  CHECK(one.high == 5.5);
  CHECK(one.counts == Counts{0, 0, 2, 0});
  CHECK_THROWS_AS(histogram(Doubles{1, kNaN}, 3), Error);
  CHECK_THROWS_AS(histogram(Doubles{1}, 0), Error);
  CHECK_THROWS_AS(histogram(Doubles{1}, 2, Range{2, 1}), Error);
}

TEST_CASE("two-dimensional histograms count rows of y, columns of x") {
  const Histogram2d h = histogram_2d(Doubles{0, 0.9, 1, 2}, Doubles{0, 0, 10, 10}, 2, 2);
  CHECK(h.counts == Counts{2, 0, 0, 2});
  CHECK(h.outside == 0);
  CHECK_THROWS_AS(histogram_2d(Doubles{1}, Doubles{1, 2}, 2, 2), Error);
}

TEST_CASE("R2, mean squared error and correlation by hand") {
  const Doubles truth{1, 2, 3, 4}, guess{1, 2, 3, 6};
  CHECK(mean_squared_error(truth, guess) == 1);
  CHECK(r2(truth, guess) == doctest::Approx(1 - 4.0 / 5).epsilon(1e-15));
  CHECK(std::isnan(r2(Doubles{2, 2}, Doubles{1, 3})));
  CHECK(pearson(truth, Doubles{8, 6, 4, 2}) == doctest::Approx(-1).epsilon(1e-15));
  CHECK(std::isnan(pearson(truth, Doubles{1, 1, 1, 1})));
}

TEST_CASE("quantiles of Student's t agree with an independent implementation") {  // Boost.Math 1.74
  CHECK(student_t_quantile(0.975, 1) == doctest::Approx(12.7062047361747).epsilon(1e-12));
  CHECK(student_t_quantile(0.975, 10) == doctest::Approx(2.228138851986274).epsilon(1e-12));
  CHECK(student_t_quantile(0.975, 30) == doctest::Approx(2.04227245630124).epsilon(1e-12));
  CHECK(student_t_quantile(0.95, 5) == doctest::Approx(2.01504837333302).epsilon(1e-12));
  CHECK(student_t_quantile(0.025, 10) == doctest::Approx(-2.228138851986274).epsilon(1e-12));
  CHECK(student_t_quantile(0.75, 1) == doctest::Approx(1).epsilon(1e-13));  // tan(pi / 4)
  CHECK(student_t_quantile(0.975, 1e7) == doctest::Approx(1.95996422).epsilon(1e-7));
}

TEST_CASE("a t interval is the mean and its half width") {
  const Interval i = t_interval(Doubles{1, 2, 3, 4, 5});  // t(0.975, 4) = 2.77644510519779, s / sqrt(5) = 0.70710678
  CHECK(i.low == doctest::Approx(3 - 2.77644510519779 * std::sqrt(0.5)).epsilon(1e-12));
  CHECK(i.high == doctest::Approx(3 + 2.77644510519779 * std::sqrt(0.5)).epsilon(1e-12));
  CHECK_THROWS_AS(t_interval(Doubles{1}), Error);
}

TEST_CASE("a bootstrap interval encloses the statistic and repeats with its seed") {
  Doubles values(200);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
  const auto middle = [](std::span<const double> sample) { return mean(sample); };
  const Interval a = bootstrap_interval(values, middle, 0.95, 400, 3),
                 b = bootstrap_interval(values, middle, 0.95, 400, 3);
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
  CHECK(a.low < mean(values));
  CHECK(a.high > mean(values));
  const double expected = 2 * 1.96 * standard_deviation(values, Divisor::n_minus_1) / std::sqrt(200.0);
  CHECK(a.high - a.low == doctest::Approx(expected).epsilon(0.15));
  const Interval other = bootstrap_interval(values, middle, 0.95, 400, 4);
  CHECK(other.low != a.low);
}
