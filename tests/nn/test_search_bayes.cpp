// Gaussian-process searches: acquisition, Sobol points, fits, and what the strategy finds.

#include "core/io/file.h"
#include "core/io/limits.h"

#include "nn/search/acquisition.h"
#include "nn/search/encoding.h"
#include "nn/search/fit.h"
#include "nn/search/sobol.h"
#include "nn/search/study.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <set>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

namespace thimble::nn::search {

namespace {

bool close_to(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

nlohmann::json reference_of(const std::filesystem::path& path) {
  return nlohmann::json::parse(io::read_file(path, io::limits::kJsonBytes));
}

/// Branin-Currin's first function on the unit square, least value 0.397887.
double branin(double u, double v) {
  constexpr double kPi = 3.14159265358979323846;
  const double a = 15 * u - 5, b = 15 * v;
  const double first = b - 5.1 * a * a / (4 * kPi * kPi) + 5 * a / kPi - 6;
  return first * first + 10 * (1 - 1 / (8 * kPi)) * std::cos(a) + 10;
}

Space square() {
  return Space({{"u", Real{Real::Shape::uniform, 0, 1, 0, false}}, {"v", Real{Real::Shape::uniform, 0, 1, 0, false}}});
}

/// Least value that `strategy` finds in so many arms, one at a time.
double least_found(const Strategy& strategy, std::size_t arms) {
  std::vector<Tried> tried;
  double least = 1e300;
  while (tried.size() < arms)
    for (const Assignment& values : strategy.propose(tried, 1)) {
      const double value = branin(*values[0].second.number(), *values[1].second.number());
      least = std::min(least, value);
      tried.push_back({values, value});
    }
  return least;
}

/// Lists, words, steps, ranges and a logarithm.
Space mixed_space() {
  return Space(
      {{"kernel", Choice{{Value(std::int64_t{2}), Value(std::int64_t{4}), Value(std::int64_t{6})}, {}}},
       {"act", Choice{{Value(std::string("relu")), Value(std::string("tanh")), Value(std::string("elu"))}, {}}},
       {"stride", Whole{2, 8}},
       {"rate", Real{Real::Shape::log_uniform, 1e-4, 1e-1, 0, false}},
       {"drop", Real{Real::Shape::uniform, 0, 0.5, 0.1, false}}});
}

}  // namespace

TEST_CASE("Expected improvement and its logarithm agree with the reference values [FN N4] [SN 9.7]") {
  THIMBLE_SHARED(path, "data/sparse_nas/acquisition.json");
  for (const auto& one : reference_of(path).at("ei")) {
    const double mean = one.at("mu"), deviation = one.at("sigma"), best = one.at("best");
    CAPTURE(mean);
    CHECK(close_to(log_expected_improvement(mean, deviation, best), one.at("log_ei"), 1e-9));
    const double ei = one.at("ei");
    CHECK(std::abs(expected_improvement(mean, deviation, best) - ei) <= 1e-9 * ei);
  }
}

TEST_CASE("The logarithm of the expected improvement has no seams and the slopes of differences [FN N4]") {
  for (const double z : {3.0, 0.0, -0.999999, -1.000001, -7.07, -7.08, -30.0, -99.999, -100.001, -500.0}) {
    CAPTURE(z);
    const double deviation = 0.4, mean = -z * deviation;
    double by_mean = 0, by_deviation = 0;
    log_expected_improvement(mean, deviation, 0, &by_mean, &by_deviation);
    const double step = 1e-6;
    const auto slope = [&](double m, double d) {
      return (log_expected_improvement(mean + m, deviation + d, 0) -
              log_expected_improvement(mean - m, deviation - d, 0)) /
             (2 * step);
    };
    CHECK(close_to(by_mean, slope(step, 0), 1e-5));
    CHECK(close_to(by_deviation, slope(0, step), 1e-5));
  }
  for (const double edge : {-1.0, -100.0}) {
    const double above = log_expected_improvement(-(edge + 1e-9), 1, 0);
    CHECK(close_to(log_expected_improvement(-(edge - 1e-9), 1, 0), above, 1e-8));
  }
  CHECK(log_expected_improvement(1, 0, 0) == -std::numeric_limits<double>::infinity());
  CHECK(expected_improvement(1, 0, 3) == 2);
}

TEST_CASE("Sobol points are those of Joe and Kuo and stay even when shifted [FN N4] [SN 9.2]") {
  const linalg::Points shifted = sobol_points(256, 20, Rng(3).stream("x"));
  for (std::size_t k = 0; k < 20; ++k) {
    std::set<int> cells;
    for (std::size_t i = 0; i < 256; ++i) cells.insert(static_cast<int>(shifted.row(i)[k] * 256));
    CHECK(cells.size() == 256);
  }
  CHECK(shifted.values == sobol_points(256, 20, Rng(3).stream("x")).values);
  CHECK(shifted.values != sobol_points(256, 20, Rng(3).stream("x"), 1).values);
  THIMBLE_SHARED(path, "data/sparse_nas/sobol_points.json");
  const nlohmann::json reference = reference_of(path);
  const linalg::Points points = sobol_points(16, 10);
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t k = 0; k < 10; ++k) CHECK(points.row(i)[k] == reference.at("first16_d10")[i][k].get<double>());
}

TEST_CASE("A fit reaches the likelihood that many restarts of SciPy reach [FN N4] [SN 9.4]") {
  THIMBLE_SHARED(path, "data/sparse_nas/gp.json");
  for (const auto& one : reference_of(path).at("cases")) {
    linalg::Points x;
    for (const auto& row : one.at("X")) x.add(row.get<std::vector<double>>());
    auto y = one.at("y").get<std::vector<double>>();
    linalg::GpSettings settings = linalg::gp_preset("w6", x.dims);
    double mean = 0;
    for (const double v : y) mean += v / static_cast<double>(y.size());
    settings.start.mean = mean;
    const GpFit fit = fit_gp(x, y, settings);
    CHECK(fit.objective >= one.at("ml_fit").at("log_marginal_likelihood").get<double>() - 1e-3);
    CHECK(fit.evaluations > 10);
  }
}

TEST_CASE("Settings become coordinates and neighbours differ by one step [FN N4]") {
  const Encoding encoding(mixed_space());
  CHECK(encoding.dims() == 7);
  const Assignment values{{"kernel", std::int64_t{4}},
                          {"act", std::string("tanh")},
                          {"stride", std::int64_t{2}},
                          {"rate", 1e-1},
                          {"drop", 0.5}};
  CHECK(encoding.of(values) == std::vector<double>{0.5, 0, 1, 0, 0, 1, 1});
  const auto beside = encoding.neighbours(values);
  REQUIRE(beside.size() == 2 + 2 + 1 + 1);
  CHECK(beside[0][0].second.str() == "2");
  CHECK(beside[2][1].second.str() == "relu");
  CHECK(beside[4][2].second.str() == "3");
  CHECK(*beside[5][4].second.number() == 0.4);
  CHECK(*encoding.with(values, std::vector<double>{0.0})[3].second.number() == doctest::Approx(1e-4));
}

TEST_CASE("A Bayesian search finds the least value where a random one does not [FN N4]") {
  int better = 0;
  for (const std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}}) {
    const double bayes = least_found(*bayes_search(square(), Goal::min, seed), 30),
                 random = least_found(*random_search(square(), seed, true), 30);
    INFO("seed ", seed, ": bayes ", bayes, ", random ", random);
    CHECK(bayes < 0.45);
    better += bayes < random ? 1 : 0;
  }
  CHECK(better == 3);
}

TEST_CASE("A Bayesian search never repeats settings and ends with a small space [FN N4]") {
  const Space space({{"a", Whole{0, 4}}, {"b", Choice{{Value(std::string("x")), Value(std::string("y"))}, {}}}});
  const auto strategy = bayes_search(space, Goal::max, 1);
  CHECK(strategy->size() == 10);
  std::vector<Tried> tried;
  std::set<std::string> seen;
  for (;;) {
    const auto next = strategy->propose(tried, 3);
    if (next.empty()) break;
    for (const Assignment& values : next) {
      CHECK(seen.insert(str(values)).second);
      tried.push_back({values, tried.size() % 4 == 3 ? std::nullopt : values[0].second.number()});
    }
  }
  CHECK(seen.size() == 10);
}

TEST_CASE("A Bayesian search is a function of the committed arms and copes with failures [FN N4]") {
  const auto strategy = bayes_search(mixed_space(), Goal::max, 4);
  std::vector<Tried> tried;
  for (int i = 0; i < 16; ++i) {
    const auto next = strategy->propose(tried, 1);
    REQUIRE(next.size() == 1);
    CHECK(same_settings(next[0], bayes_search(mixed_space(), Goal::max, 4)->propose(tried, 1)[0]));
    const double stride = *next[0][2].second.number(), rate = *next[0][3].second.number();
    const bool fails = i == 2 || next[0][1].second.str() == "elu";
    tried.push_back({next[0], fails ? std::nullopt : std::optional(-stride - std::abs(std::log10(rate) + 2))});
  }
  const auto all_failed = strategy->propose(std::vector<Tried>{{tried[0].values, std::nullopt}}, 2);
  CHECK(all_failed.size() == 2);
}

TEST_CASE("A resumed Bayesian study takes its arms from the journal and ends with the same table [FN N4]") {
  const test::TempFolder folder;
  const auto evaluate = [](const Trial& trial) {
    Outcome outcome;
    outcome.metrics["loss"] = branin(*(*trial.values)[0].second.number(), *(*trial.values)[1].second.number());
    return std::optional(outcome);
  };
  StudyOptions options;
  options.metric = "loss";
  options.batch = 2;
  options.most_arms = 14;
  const auto strategy = bayes_search(square(), Goal::min, 1);
  Journal whole = Journal::create(folder.path() / "whole", "{}");
  const StudyResult expected = run_study(*strategy, options, whole, evaluate);
  {
    Journal part = Journal::create(folder.path() / "part", "{}");
    int asked = 0;
    run_study(*strategy, options, part, evaluate, [&] { return ++asked > 9; });
  }
  Journal part = Journal::open(folder.path() / "part", "{}");
  const StudyResult resumed = run_study(*strategy, options, part, evaluate);
  REQUIRE(resumed.arms.size() == 14);
  for (std::size_t i = 0; i < 14; ++i) CHECK(same_settings(resumed.arms[i].values, expected.arms[i].values));
}

}  // namespace thimble::nn::search
