#include "core/base/log.h"
#include "core/io/file.h"
#include "core/io/hdf5.h"
#include "core/linalg/least_squares.h"
#include "core/linalg/pls.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using linalg::PlsModel;
using linalg::PlsOptions;
using linalg::PlsSolver;

namespace {

constexpr const char* kPlsCases = "data/fenet/pls_cases.h5";
const std::vector<std::string> kPlsNames{"n30_p6_q2_a2_constant_column", "n40_p10_q3_a4", "n50_p8_q2_a2",
                                         "n60_p8_q2_a2_badly_scaled", "n80_p20_q1_a5_unscaled"};

/// pls_cases.h5, its arrays by path.
class PlsCases {
 public:
  explicit PlsCases(const std::filesystem::path& file) {
    io::Hdf5Rules rules;
    rules.foreign = true;
    tree_ = io::parse_hdf5(io::read_file(file), file.string(), rules);
  }
  Tensor tensor(const std::string& path, DType dtype = DType::f64) const {
    return tree_.datasets.at("/" + path).numbers.tensor(dtype);
  }
  std::vector<std::int64_t> integers(const std::string& path) const {
    return tree_.datasets.at("/" + path).numbers.integers();
  }
  double attribute(const std::string& group, const std::string& name) const {
    return tree_.attributes.at("/" + group).at(name).numbers.doubles().front();
  }
  PlsOptions options(const std::string& group) const {
    PlsOptions options;
    options.components = static_cast<std::int64_t>(attribute(group, "n_components"));
    options.scale = attribute(group, "scale") != 0;
    return options;
  }

 private:
  io::Hdf5Tree tree_;
};

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto x = a.to_vector(), y = b.to_vector();
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

double largest_entry(const Tensor& a) {
  double largest = 0;
  for (const double v : a.to_vector()) largest = std::max(largest, std::abs(v));
  return largest;
}

/// Largest difference of columns of which each may have the other sign.
double difference_up_to_sign(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto x = a.to_vector(), y = b.to_vector();
  const auto columns = static_cast<std::size_t>(a.size(1));
  double largest = 0;
  for (std::size_t k = 0; k < columns; ++k) {
    double same = 0, other = 0;
    for (std::size_t i = k; i < x.size(); i += columns) {
      same = std::max(same, std::abs(x[i] - y[i]));
      other = std::max(other, std::abs(x[i] + y[i]));
    }
    largest = std::max(largest, std::min(same, other));
  }
  return largest;
}

}  // namespace

TEST_CASE("[FN F07] PLS by NIPALS takes the same number of rounds as scikit-learn and gives its numbers to 1e-9") {
  THIMBLE_SHARED(path, kPlsCases);
  const PlsCases cases(path);
  for (const std::string& name : kPlsNames) {
    CAPTURE(name);
    const Tensor x = cases.tensor(name + "/X"), y = cases.tensor(name + "/Y"), x_test = cases.tensor(name + "/X_test");
    const PlsModel m = linalg::fit_pls(x, y, cases.options(name));
    CHECK(std::vector<std::int64_t>(m.iterations.begin(), m.iterations.end()) == cases.integers(name + "/n_iter"));
    const Tensor x_scores = linalg::transform(m, x);
    const std::vector<std::pair<const char*, Tensor>> all{{"x_mean", m.x_mean},
                                                          {"x_std", m.x_std},
                                                          {"y_mean", m.y_mean},
                                                          {"y_std", m.y_std},
                                                          {"x_weights", m.x_weights},
                                                          {"y_weights", m.y_weights},
                                                          {"x_loadings", m.x_loadings},
                                                          {"y_loadings", m.y_loadings},
                                                          {"x_rotations", m.x_rotations},
                                                          {"x_scores", x_scores},
                                                          {"y_scores", linalg::y_scores(m, y, x_scores)},
                                                          {"B_original_units", m.coefficients},
                                                          {"intercept_original_units", m.intercept},
                                                          {"y_rotations", m.y_rotations},
                                                          {"pred_test", linalg::predict(m, x_test)},
                                                          {"transform_test", linalg::transform(m, x_test)}};
    for (const auto& part : all) {
      CAPTURE(part.first);
      const Tensor expected = cases.tensor(name + "/" + part.first);
      CHECK(largest_difference(part.second, expected) <= 1e-9 * std::max(1.0, largest_entry(expected)));
    }
  }
}

TEST_CASE("[FN F07] PLS on float data agrees with scikit-learn on doubles to 2e-4") {
  THIMBLE_SHARED(path, kPlsCases);
  const PlsCases cases(path);
  for (const std::string& name : kPlsNames) {
    CAPTURE(name);
    const Tensor x = cases.tensor(name + "/X", DType::f32), y = cases.tensor(name + "/Y", DType::f32);
    const PlsModel m = linalg::fit_pls(x, y, cases.options(name));
    const Tensor rotations = cases.tensor(name + "/x_rotations"), predictions = cases.tensor(name + "/pred_test");
    CHECK(largest_difference(m.x_rotations, rotations) <= 2e-4 * std::max(1.0, largest_entry(rotations)));
    CHECK(largest_difference(linalg::predict(m, cases.tensor(name + "/X_test", DType::f32)), predictions) <=
          2e-4 * std::max(1.0, largest_entry(predictions)));
  }
}

TEST_CASE("[FN F07] SIMPLS gives the numbers of MATLAB's conventions to 1e-9 up to the sign of a component") {
  THIMBLE_SHARED(path, kPlsCases);
  const PlsCases cases(path);
  for (const std::string& name : kPlsNames) {
    CAPTURE(name);
    const Tensor x = cases.tensor(name + "/X"), y = cases.tensor(name + "/Y"), x_test = cases.tensor(name + "/X_test");
    PlsOptions options = cases.options(name);
    const linalg::SimplsModel m = linalg::fit_simpls(x, y, options.components);
    const std::string group = name + "/simpls/";
    const auto up_to_sign = [&](const char* what, const Tensor& ours) {
      CAPTURE(what);
      const Tensor expected = cases.tensor(group + what);
      CHECK(difference_up_to_sign(ours, expected) <= 1e-9 * std::max(1.0, largest_entry(expected)));
    };
    up_to_sign("XL", m.x_loadings);
    up_to_sign("YL", m.y_loadings);
    up_to_sign("XS", m.x_scores);
    up_to_sign("YS", m.y_scores);
    up_to_sign("W", m.weights);
    CHECK(largest_difference(m.explained, cases.tensor(group + "PCTVAR")) <= 1e-9);
    const Tensor beta = cases.tensor(group + "BETA"), predictions = cases.tensor(group + "pred_test");
    CHECK(largest_difference(m.beta, beta) <= 1e-9 * std::max(1.0, largest_entry(beta)));
    options.solver = PlsSolver::simpls;
    CHECK(largest_difference(linalg::predict(linalg::fit_pls(x, y, options), x_test), predictions) <=
          1e-9 * std::max(1.0, largest_entry(predictions)));
  }
}

TEST_CASE("[FN F07] PLS per channel gives the reduced features of both modes and the decoder behind them") {
  THIMBLE_SHARED(path, kPlsCases);
  const PlsCases cases(path);
  const std::string group = "per_channel_c5_f8_a2/";
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Tensor x = cases.tensor(group + "X", dtype), y = cases.tensor(group + "Y", dtype);
    const Tensor x_test = cases.tensor(group + "X_test", dtype);
    const linalg::ChannelPls pls = linalg::fit_channel_pls(x, 5, y);
    CHECK(largest_difference(pls.rotations, cases.tensor(group + "rotations")) <= 1e-9);
    CHECK(largest_difference(pls.mean, cases.tensor(group + "mean")) <= 1e-9);
    CHECK(largest_difference(pls.std, cases.tensor(group + "std")) <= 1e-9);
    const double allowed = dtype == DType::f64 ? 2e-6 : 2e-5;
    using linalg::PlsApply;
    const Tensor train = linalg::reduce(pls, x, PlsApply::raw), held_out = linalg::reduce(pls, x_test, PlsApply::raw);
    CHECK(largest_difference(train, cases.tensor(group + "train_out_f32", dtype)) <= allowed);
    CHECK(largest_difference(held_out, cases.tensor(group + "test_out_f32", dtype)) <= allowed);
    CHECK(largest_difference(linalg::reduce(pls, x_test, PlsApply::standardized),
                             cases.tensor(group + "standardized_test_out", dtype)) <= allowed);
    const linalg::LinearFit decoder = linalg::fit_linear(train, y);
    CHECK(largest_difference(decoder.coefficients, cases.tensor(group + "decoder_coef")) <= allowed);
    CHECK(largest_difference(decoder.intercept, cases.tensor(group + "decoder_intercept")) <= allowed);
    CHECK(largest_difference(linalg::predict(decoder, held_out), cases.tensor(group + "decoder_pred_test")) <= allowed);
  }
}
