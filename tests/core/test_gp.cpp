// Gaussian processes against scikit-learn, reference vectors and central differences.

#include "core/io/file.h"
#include "core/io/limits.h"
#include "core/linalg/gp.h"
#include "core/random/philox.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using linalg::GaussianProcess;
using linalg::GpGradient;
using linalg::GpParameters;
using linalg::GpSettings;
using linalg::Points;

namespace {

bool near_relative(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

/// x_ij = fraction of (i+1) sqrt(2, 3, 5): spreads evenly, and every language gets the same numbers.
Points lattice(std::size_t count) {
  Points x;
  for (std::size_t i = 1; i <= count; ++i) {
    std::vector<double> row;
    for (const double prime : {2.0, 3.0, 5.0}) {
      const double v = static_cast<double>(i) * std::sqrt(prime);
      row.push_back(v - std::floor(v));
    }
    x.add(row);
  }
  return x;
}

std::vector<double> lattice_targets(const Points& x) {
  std::vector<double> y;
  for (std::size_t i = 0; i < x.count(); ++i) {
    const auto row = x.row(i);
    y.push_back(std::sin(5 * row[0]) + row[1] * row[1] - 0.5 * row[2] +
                0.1 * std::cos(37 * static_cast<double>(i + 1)));
  }
  return y;
}

std::optional<nlohmann::json> reference_cases() {
  const auto path = test::shared_data("data/sparse_nas/gp.json");
  if (!path) return std::nullopt;
  return nlohmann::json::parse(io::read_file(*path, io::limits::kJsonBytes));
}

Points points_of(const nlohmann::json& rows) {
  Points x;
  for (const auto& row : rows) x.add(row.get<std::vector<double>>());
  return x;
}

GpParameters parameters_of(const nlohmann::json& one) {
  GpParameters p;
  p.lengths = one.at("lengthscales").get<std::vector<double>>();
  p.scale = one.at("outputscale");
  p.noise = one.at("noise_variance");
  p.mean = one.at("mean");
  return p;
}

}  // namespace

TEST_CASE("A Gaussian process has the likelihood and predictions of scikit-learn [FN N4]") {
  // scikit-learn 1.2.1, ConstantKernel(1.3) * Matern([0.4, 0.8, 1.6], nu=2.5) + WhiteKernel(0.02), optimizer None
  // (alpha 1e-10 on the diagonal)
  const Points x = lattice(40);
  const std::vector<double> y = lattice_targets(x);
  GpParameters p;
  p.lengths = {0.4, 0.8, 1.6};
  p.scale = 1.3;
  p.noise = 0.02;
  GpGradient g;
  CHECK(near_relative(linalg::log_marginal_likelihood(x, y, p, &g), -1.3284828547838572, 1e-7));
  CHECK(near_relative(g.log_scale, -8.091308462704514, 1e-8));
  CHECK(near_relative(g.log_lengths[0], 8.564146205297014, 1e-8));
  CHECK(near_relative(g.log_lengths[1], 9.772423052086564, 1e-8));
  CHECK(near_relative(g.log_lengths[2], 6.485265230188441, 1e-8));
  CHECK(near_relative(g.log_noise, -5.313647663275476, 1e-8));
  Points at;
  at.add(std::vector<double>{0.1, 0.2, 0.3});
  at.add(std::vector<double>{0.9, 0.5, 0.05});
  const auto predicted = GaussianProcess(x, y, p).predict(at);
  CHECK(near_relative(predicted[0].mean, 0.3499811244580693, 1e-9));
  CHECK(near_relative(predicted[1].mean, -0.7255734763752204, 1e-9));
  CHECK(near_relative(predicted[0].deviation, 0.10805537955286736, 1e-9));
  CHECK(near_relative(predicted[1].deviation, 0.26228975050054076, 1e-9));
}

TEST_CASE("Likelihood and gradient and posterior and priors agree with the reference vectors [FN N4] [SN 9.3]") {
  const auto reference = reference_cases();
  if (!reference) {
    MESSAGE("skipped: shared/data/sparse_nas/gp.json is missing");
    return;
  }
  for (const auto& one : reference->at("cases")) {
    const Points x = points_of(one.at("X"));
    const auto y = one.at("y").get<std::vector<double>>();
    const GpParameters p = parameters_of(one);
    GpGradient g;
    CHECK(near_relative(linalg::log_marginal_likelihood(x, y, p, &g), one.at("log_marginal_likelihood"), 1e-9));
    for (std::size_t k = 0; k < p.lengths.size(); ++k)
      CHECK(near_relative(g.log_lengths[k], one.at("grad_log_lengthscales")[k], 1e-9));
    CHECK(near_relative(g.log_scale, one.at("grad_log_outputscale"), 1e-9));
    CHECK(near_relative(g.log_noise, one.at("grad_log_noise"), 1e-9));
    CHECK(near_relative(g.mean, one.at("grad_mean"), 1e-9));
    const GaussianProcess model(x, y, p);
    const Points tests = points_of(one.at("X_test"));
    const auto predicted = model.predict(tests);
    const auto covariance = model.covariance(tests);
    for (std::size_t i = 0; i < tests.count(); ++i) {
      CHECK(near_relative(predicted[i].mean, one.at("posterior_mean")[i], 1e-9));
      for (std::size_t k = 0; k < tests.count(); ++k)
        CHECK(std::abs(covariance[i * tests.count() + k] - one.at("posterior_cov_latent")[i][k].get<double>()) < 1e-8);
    }
    GpSettings compat = linalg::gp_preset("compat", x.dims);
    compat.start.noise = p.noise;
    const double prior = one.at("log_prior_gamma_3_6_and_2_0p15");
    double densities = compat.scale.log_density(p.scale);
    for (const double length : p.lengths) densities += compat.length.log_density(length);
    CHECK(near_relative(densities, prior, 1e-9));
    const auto packed = linalg::gp_packed(p, compat);
    CHECK(near_relative(linalg::gp_objective(x, y, compat, packed, {}), one.at("map_objective_per_point"), 1e-9));
  }
}

TEST_CASE("The gradient of the fitted objective is that of central differences for every preset [FN N4]") {
  const Points x = lattice(25);
  const std::vector<double> y = lattice_targets(x);
  for (const char* name : {"w6", "default", "compat"}) {
    CAPTURE(name);
    const GpSettings settings = linalg::gp_preset(name, 3);
    std::vector<double> packed = linalg::gp_packed(settings.start, settings), gradient(packed.size());
    for (std::size_t k = 0; k < packed.size(); ++k) packed[k] += 0.1 * static_cast<double>(k) - 0.2;
    linalg::gp_objective(x, y, settings, packed, gradient);
    for (std::size_t k = 0; k < packed.size(); ++k) {
      auto up = packed, down = packed;
      up[k] += 1e-5;
      down[k] -= 1e-5;
      const double slope =
          (linalg::gp_objective(x, y, settings, up, {}) - linalg::gp_objective(x, y, settings, down, {})) / 2e-5;
      CHECK(near_relative(gradient[k], slope, 1e-5));
    }
  }
}

TEST_CASE("Slopes of a prediction are those of central differences [FN N4]") {
  const Points x = lattice(30);
  const GaussianProcess model(x, lattice_targets(x), {{0.4, 0.8, 1.6}, 1.3, 0.01, 0.1});
  std::vector<double> at{0.31, 0.62, 0.44};
  linalg::GpSlope slope;
  model.predict(at, &slope);
  for (std::size_t k = 0; k < at.size(); ++k) {
    auto up = at, down = at;
    up[k] += 1e-5;
    down[k] -= 1e-5;
    const auto high = model.predict(up), low = model.predict(down);
    CHECK(near_relative(slope.mean[k], (high.mean - low.mean) / 2e-5, 1e-6));
    CHECK(near_relative(slope.deviation[k], (high.deviation - low.deviation) / 2e-5, 1e-5));
  }
}

TEST_CASE("A process grown row by row predicts as one made at once [FN N4]") {
  const Points all = lattice(60);
  const std::vector<double> y = lattice_targets(all);
  const GpParameters p{{0.4, 0.8, 1.6}, 1.3, 1e-3, 0.2};
  Points first;
  for (std::size_t i = 0; i < 50; ++i) first.add(all.row(i));
  GaussianProcess grown(first, {y.begin(), y.begin() + 50}, p);
  for (std::size_t i = 50; i < 60; ++i) grown.add(all.row(i), y[i]);
  const GaussianProcess whole(all, y, p);
  CHECK(grown.count() == 60);
  for (const double u : {0.05, 0.5, 0.93}) {
    const std::vector<double> at{u, 1 - u, 0.5 * u};
    CHECK(near_relative(grown.predict(at).mean, whole.predict(at).mean, 1e-9));
    CHECK(near_relative(grown.predict(at).deviation, whole.predict(at).deviation, 1e-8));
  }
  grown.add(all.row(0), y[0]);  // again at the same place
  CHECK(std::isfinite(grown.predict(all.row(0)).mean));
}

TEST_CASE("Points that coincide are fitted without noise and bad sizes are refused [FN N4]") {
  Points twice;
  for (int i = 0; i < 3; ++i) twice.add(std::vector<double>{0.5, 0.5});
  const GpParameters p{{1, 1}, 1, 0, 0};
  CHECK(std::isfinite(linalg::log_marginal_likelihood(twice, std::vector<double>{1, 1, 1}, p)));
  CHECK(test::says(test::error_of([&] { GaussianProcess(twice, {1, 1}, p); }), "2 targets"));
  CHECK(test::says(test::error_of([&] { GaussianProcess(twice, {1, 1, 1}, {{1}, 1, 0, 0}); }), "1 lengths"));
  CHECK(test::says(test::error_of([&] { GaussianProcess(twice, {1, 1, 1}, {{1, -1}, 1, 0, 0}); }), "above zero"));
  CHECK(test::says(test::error_of([] { linalg::gp_preset("best", 2); }), "'best'"));
}
