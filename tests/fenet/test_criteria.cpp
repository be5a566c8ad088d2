// How predictions are judged.

#include "core/io/json.h"
#include "core/linalg/stats.h"

#include "apps/fenet/evaluate/criteria.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

constexpr const char* kMetrics = "data/fenet/metrics_and_utils.json";

Tensor table(const nlohmann::json& rows) {
  std::vector<double> numbers;
  for (const auto& row : rows) {
    for (const auto& v : row) numbers.push_back(v.get<double>());
  }
  const auto n = static_cast<std::int64_t>(rows.size());
  return Tensor::from(numbers, {n, static_cast<std::int64_t>(numbers.size()) / n});
}

const nlohmann::json& either(const nlohmann::json& object, const char* first, const char* second) {
  return object.contains(first) ? object.at(first) : object.at(second);
}

}  // namespace

TEST_CASE("[FN F12] [FN F13] the criteria of three days are those of the reference to 1e-12, singly and over days") {
  THIMBLE_SHARED(file, kMetrics);
  const nlohmann::json j = io::read_json(file);
  const nlohmann::json& metrics = j.contains("metrics") ? j.at("metrics") : j;
  std::vector<Metrics> days;
  for (std::size_t i = 0; i < metrics.at("days").size(); ++i) {
    CAPTURE(i);
    const nlohmann::json& day = metrics.at("days")[i];
    const nlohmann::json& expected = metrics.at("per_day")[i];
    days.push_back(criteria_of(table(either(day, "labels", "targets")), table(day.at("preds"))));
    const Metrics& m = days.back();
    CHECK(std::abs(m.at("decoder-R2") - expected.at("r2_joint").get<double>()) <= 1e-12);
    CHECK(std::abs(m.at("decoder-x-R2") - expected.at("r2_x").get<double>()) <= 1e-12);
    CHECK(std::abs(m.at("decoder-y-R2") - expected.at("r2_y").get<double>()) <= 1e-12);
    CHECK(std::abs(m.at("decoder-MSE") - expected.at("mse").get<double>()) <= 1e-12);
    for (const char* name : {"pearsonr2-x", "pearsonr2-y", "pearsonr2-xy-normed"})
      CHECK(std::abs(m.at(name) - expected.at(name).get<double>()) <= 1e-12);
  }
  const Metrics over = day_criteria(days);
  const nlohmann::json& expected = metrics.at("over_days");
  for (const char* name : {"decoder-MSE", "pearsonr2-x", "pearsonr2-y", "pearsonr2-xy-normed"})
    CHECK(std::abs(over.at(text::cat("eval/", name)) - expected.at(name).get<double>()) <= 1e-12);
  for (const char* name : {"avg-decoder-R2", "decoder-x-R2", "decoder-y-R2", "decoder-xy-avg-R2", "decoder-xy-norm-R2"})
    CHECK(std::abs(over.at(text::cat("eval/timely/", name)) - expected.at(name).get<double>()) <= 1e-12);
}

TEST_CASE("[FN F13] bins of sorted values start where those of the reference start and hold as much") {
  THIMBLE_SHARED(file, kMetrics);
  const nlohmann::json j = io::read_json(file);
  const nlohmann::json& c = j.at("hist");
  const auto bins = linalg::sorted_bins(c.at("seq").get<std::vector<double>>(), c.at("bins").get<std::size_t>());
  CHECK(bins.starts == c.at("starts").get<std::vector<std::size_t>>());
  const auto sizes = c.at("sizes").get<std::vector<double>>();
  REQUIRE(bins.shares.size() == sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) CHECK(std::abs(bins.shares[i] - sizes[i]) <= 1e-12);
}

TEST_CASE("[FN F13] R2 of the days makes a histogram, and a day without a value lies outside it") {
  const std::vector<Metrics> days{{{"decoder-R2", 0.1}}, {{"decoder-R2", 0.5}}, {{"decoder-R2", std::nan("")}}, {}};
  const linalg::Histogram histogram = day_histogram(days, 4);
  CHECK(histogram.counts == std::vector<std::int64_t>{1, 0, 0, 1});
  CHECK(histogram.outside == 2);
}

TEST_CASE("[FN F12] a stretch with a constant axis has no value, is left out of the means and counted") {
  const Tensor good = Tensor::from(std::vector<double>{0, 1, 1, 0, 2, 2}, {3, 2});
  const Tensor still = Tensor::from(std::vector<double>{0, 1, 1, 1, 2, 1}, {3, 2});  // y does not move
  const Metrics whole = criteria_of(good, good), part = criteria_of(still, good);
  CHECK(whole.at("pearsonr2-xy-normed") == doctest::Approx(1.0));
  CHECK(std::isnan(part.at("pearsonr2-y")));
  CHECK(std::isnan(part.at("decoder-y-R2")));
  CHECK(std::isnan(part.at("pearsonr2-xy-normed")));
  CHECK_FALSE(std::isnan(part.at("decoder-R2")));
  const MeanMetrics mean = mean_over_valid({whole, part});
  CHECK(mean.invalid == 1);
  CHECK(mean.means.at("pearsonr2-y") == whole.at("pearsonr2-y"));
  CHECK(mean.means.at("pearsonr2-x") == doctest::Approx(0.5 * (whole.at("pearsonr2-x") + part.at("pearsonr2-x"))));
  CHECK(std::isnan(mean_over_valid({part}).means.at("pearsonr2-y")));
}

TEST_CASE("[FN F13] criteria work for one axis and for five, by their formulas") {
  for (const std::int64_t axes : {std::int64_t{1}, std::int64_t{5}}) {
    std::vector<double> truth, guess;
    for (std::int64_t i = 0; i < 20 * axes; ++i) {
      truth.push_back(std::sin(0.7 * double(i) * double(1 + i % axes)));
      guess.push_back(0.5 * truth.back() + 0.1 * std::cos(3.0 * double(i)));
    }
    const Metrics m = criteria_of(Tensor::from(truth, {20, axes}), Tensor::from(guess, {20, axes}));
    double squares = 0;
    for (std::int64_t k = 0; k < axes; ++k) {
      const double value = m.at("pearsonr2-" + axis_name(k));
      squares += value * value;
    }
    CHECK(m.at("pearsonr2-xy-normed") == doctest::Approx(std::sqrt(squares / double(axes))).epsilon(1e-14));
    if (axes == 1) CHECK(m.at("decoder-R2") == doctest::Approx(m.at("decoder-x-R2")).epsilon(1e-14));
  }
  CHECK(axis_name(4) == "axis4");
}

TEST_CASE("[FN F12] criteria of cost divide by the operations and subtract their share") {
  const Metrics m = cost_criteria(0.535, 85'360);
  CHECK(m.at("unquantized-perf-cost-ratio") == 0.535 / 85'360);
  CHECK(m.at("unquantized-perf-cost-combo") == 0.535 - 85'360.0 / 30'000);
  CHECK(test::says(test::error_of([] { cost_criteria(0.5, 0); }), "operations"));
}

TEST_CASE("[FN F13] the colour of a direction turns with its angle and is red to the right") {
  const auto right = direction_colour(2, 0);
  CHECK(right[0] == doctest::Approx(1.0));
  CHECK(right[1] == doctest::Approx(0.25));
  CHECK(right[2] == doctest::Approx(0.25));
  const auto left = direction_colour(-1, 0);
  CHECK(left[0] == doctest::Approx(0.0));
  CHECK(left[1] == doctest::Approx(0.75));
}

TEST_CASE("[FN N9] the permutation test of pairs counts the choices of signs, and random draws come near") {
  // three pairs whose differences are 1, 2, 3: only all signs equal reach the sum of 6: 2 of 8
  CHECK(linalg::paired_permutation_test(std::vector<double>{2, 4, 6}, std::vector<double>{1, 2, 3}) == 0.25);
  CHECK(linalg::paired_permutation_test(std::vector<double>{1, 2}, std::vector<double>{1, 2}) == 1.0);
  std::vector<double> a, b;
  for (int i = 0; i < 30; ++i) {
    a.push_back(std::sin(1.3 * i) + 0.4);
    b.push_back(std::sin(1.3 * i) + 0.1 * std::cos(2.1 * i));
  }
  CHECK(linalg::paired_permutation_test(a, b, 2000, 5) == 1.0 / 2001);  // always better
  CHECK(linalg::paired_permutation_test(b, b, 100, 5) == 1.0);
  const double p = linalg::paired_permutation_test(a, std::vector<double>(30, 0.3), 4000, 5);
  CHECK(p > 0.05);
  CHECK(p == linalg::paired_permutation_test(a, std::vector<double>(30, 0.3), 4000, 5));
}
