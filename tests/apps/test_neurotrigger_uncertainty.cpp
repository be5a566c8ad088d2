// How sure a network is of its z: the loss of the extra outputs, calibration, coverage on simulated tracks.

#include "core/base/text.h"
#include "core/io/json.h"
#include "core/io/sealed.h"
#include "core/random/philox.h"

#include "autograd/ops/elementwise.h"
#include "autograd/tape.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/train/uncertainty.h"
#include "apps/neurotrigger/train/weights_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kRows = 21;  // not a multiple of 16: the last group of lanes has padding

Tensor drawn_table(const Stream& stream, std::int64_t columns) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < kRows * columns; ++i)
    values.push_back(1.6 * stream.uniform64(0, static_cast<std::uint64_t>(i)) - 0.8);
  return Tensor::from(values, {kRows, columns});
}

double spread_value(const Tensor& y, const Tensor& t, Uncertainty kind) {
  return spread_loss(constant(y), constant(t), kind, 2).value().item();
}

/// Gradient of the loss with respect to y, row major.
std::vector<double> spread_gradient(const Tensor& y, const Tensor& t, Uncertainty kind, Layout layout) {
  Tape tape;
  const TapeScope scope(tape);
  const Tensor at = y.to(layout), gradient = Tensor::zeros(y.shape(), y.dtype(), layout);
  backward(spread_loss(variable(at, gradient), constant(t.to(layout)), kind, 2));
  return gradient.to_vector();
}

void check_gradient(Uncertainty kind, std::uint64_t seed) {
  constexpr double kStep = 1e-6;
  const Stream stream = Rng(seed).stream("spread");
  const std::int64_t width = 2 + extra_outputs(kind);
  const Tensor y = drawn_table(stream.stream("y"), width), t = drawn_table(stream.stream("t"), width);
  const std::vector<double> rows = spread_gradient(y, t, kind, Layout::rows);
  CHECK(rows == spread_gradient(y, t, kind, Layout::lanes));
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    if (i % width < 2) {  // z and theta learn from their own loss
      CHECK(rows[static_cast<std::size_t>(i)] == 0.0);
      continue;
    }
    const double kept = y.data<double>()[i];
    y.mut<double>()[i] = kept + kStep;
    const double above = spread_value(y, t, kind);
    y.mut<double>()[i] = kept - kStep;
    const double below = spread_value(y, t, kind);
    y.mut<double>()[i] = kept;
    CHECK(rows[static_cast<std::size_t>(i)] == doctest::Approx((above - below) / (2 * kStep)).epsilon(1e-5));
  }
}

std::string demo() {
  return (fs::path(THIMBLE_SOURCE_DIR) / "configs/neurotrigger/demo.yaml").string();
}

}  // namespace

TEST_CASE("The slopes of both uncertainty losses are those of differences, and none reaches z [NT N12]") {
  for (const std::uint64_t seed : {1u, 2u}) {
    CAPTURE(seed);
    check_gradient(Uncertainty::sigma, seed);
    check_gradient(Uncertainty::quantiles, seed);
  }
}

TEST_CASE("The Gaussian loss is least where the width is the error, the pinball loss at the quantile [NT N12]") {
  // one row: d/ds (log s + e²/(2 s²)) = 0 at s = |e|
  const double width = 5.0;
  const auto loss_at = [&](double claimed) {
    const Tensor y = Tensor::from(std::vector<double>{0.0, 0.0, output_of_width(claimed)}, {1, 3});
    const Tensor t = Tensor::from(std::vector<double>{width / kCmPerUnit, 0.0, 0.0}, {1, 3});
    return spread_value(y, t, Uncertainty::sigma);
  };
  CHECK(loss_at(width) < loss_at(width * 1.01));
  CHECK(loss_at(width) < loss_at(width / 1.01));
  CHECK(loss_at(width) == doctest::Approx(std::log(width / kCmPerUnit) + 0.5));
  CHECK(width_of_output(-1.0) == doctest::Approx(kLowestWidthCm));
  CHECK(width_of_output(output_of_width(7.5)) == doctest::Approx(7.5));
  // many targets 0.000, 0.001 ... 0.999 against one pair of ends: 15.87 % lie below 0.1587
  const auto pinball_at = [](double low, double high) {
    Tensor y = Tensor::empty({1000, 4}, DType::f64), t = Tensor::zeros({1000, 4}, DType::f64);
    for (std::int64_t i = 0; i < 1000; ++i) {
      const std::array<double, 4> row{0.0, 0.0, low, high};
      std::copy_n(row.data(), 4, y.mut<double>() + 4 * i);
      t.mut<double>()[4 * i] = (static_cast<double>(i) + 0.5) / 1000;
    }
    return spread_value(y, t, Uncertainty::quantiles);
  };
  const double best = pinball_at(0.1587, 0.8413);
  for (const double off : {-0.01, 0.01}) {
    CHECK(best < pinball_at(0.1587 + off, 0.8413));
    CHECK(best < pinball_at(0.1587, 0.8413 + off));
  }
}

TEST_CASE("Calibration takes the rank that promises the share for a new track [NT N12]") {
  // errors 1 .. 9 with half width 2: |pull| = 0.5 .. 4.5; ceil(10 * 0.6827) = 7th, ceil(10 * 0.95) = 10th does not
  // exist
  std::vector<double> reco, z;
  HalfWidths widths;
  for (int i = 1; i <= 9; ++i) {
    reco.push_back(i % 2 == 0 ? i : -i);
    z.push_back(0);
    widths.below.push_back(2);
    widths.above.push_back(2);
  }
  const Calibration c = calibrate(reco, z, widths);
  CHECK(c.rows == 9);
  CHECK(*c.one_sigma == 3.5);
  CHECK_FALSE(c.two_sigma);
  const Coverage coverage = coverage_of(reco, z, widths, c);
  CHECK(*coverage.one_sigma == doctest::Approx(7.0 / 9));
  CHECK_FALSE(coverage.two_sigma);
  CHECK(*coverage.plain_one_sigma == doctest::Approx(2.0 / 9));
  CHECK(*coverage.mean_width_cm == doctest::Approx(7.0));
  const Calibration none = calibrate({}, {}, {});
  CHECK_FALSE(none.one_sigma);
  CHECK_FALSE(coverage_of({}, {}, {}, none).one_sigma);
  // sides count apart
  const std::vector<double> sided = pulls({3, -3}, {0, 0}, {{1, 1}, {6, 6}});
  CHECK(sided == std::vector<double>{0.5, -3.0});
}

TEST_CASE("Quantile outputs on the wrong side of z keep the least width [NT N12]") {
  const Tensor z = Tensor::from(std::vector<float>{0.1f, 0.1f}, {2, 1});
  const Tensor ends = Tensor::from(std::vector<float>{0.05f, 0.2f, 0.3f, -0.1f}, {2, 2});
  const HalfWidths w = half_widths(z, ends, Uncertainty::quantiles);
  CHECK(w.below[0] == doctest::Approx(5.0));
  CHECK(w.above[0] == doctest::Approx(10.0));
  CHECK(w.below[1] == kLowestWidthCm);
  CHECK(w.above[1] == kLowestWidthCm);
}

TEST_SUITE("slow") {
  TEST_CASE("Calibrated intervals hold 68 and 95 % of simulated test tracks, in files and exports too [NT N12]") {
    for (const std::string kind : {"sigma", "quantiles"}) {
      CAPTURE(kind);
      const test::TempFolder folder;
      const test::Ended ended = test::run_program(
          "thimble-neurotrigger",
          {"train", demo(), "uncertainty=" + kind, "experts=[0,4]", "epochs=8", "plots.every=0", "plots.final=false",
           "data.simulate.train=60000", "data.simulate.val=40000", "data.simulate.test=40000"},
          folder.path());
      REQUIRE_MESSAGE(ended.code == 0, ended.err);
      const fs::path run = folder.path() / "runs/neurotrigger/demo/version_0";
      const nlohmann::json json = io::read_json(run / "uncertainty.json");
      for (const char* expert : {"0", "4"}) {
        CAPTURE(std::string(expert));
        const nlohmann::json& own = json.at("experts").at(expert);
        const auto tracks = own.at("test").at("rows").get<double>(), rows = own.at("calibration_rows").get<double>();
        REQUIRE(tracks > 1000);
        for (const auto& [key, share] : {std::pair{"inside_68", kOneSigma}, std::pair{"inside_95", kTwoSigma}}) {
          // both the test tracks and the calibration tracks are samples
          const double deviation = std::sqrt(share * (1 - share) * (1 / tracks + 1 / rows));
          CHECK(std::abs(own.at("test").at(key).get<double>() - share) < 4 * deviation);
        }
        CHECK(std::abs(own.at("test").at("pull_median").get<double>()) < 0.2);
      }
      // a third (fourth) row of the last layer; predictions carry the widths; hardware takes the network as it is
      const std::int64_t outputs = kind == "sigma" ? 3 : 4;
      const Networks networks = read_weights(run / "weights.json");
      CHECK(find_tensor(networks.at(0), "net.2.weight")->shape() == Shape{outputs, 81});
      const io::SealedFile predictions = io::SealedFile::open(run / "prediction_random3.h5");
      const std::vector<std::int64_t> idx = predictions.integers("/idx");
      const auto rows = static_cast<std::int64_t>(idx.size());
      CHECK(predictions.read("/y_hat").shape() == Shape{rows, 2});
      const std::vector<double> widths = predictions.read("/sigma_z_cm", {rows, 2}).to_vector();
      CHECK(*std::min_element(widths.begin(), widths.end()) > 0.0);
      REQUIRE(test::run_program("thimble-neurotrigger", {"simulate", demo(), "data.simulate.train=500", "--plain"},
                                folder.path())
                  .code == 0);
      const test::Ended predicted =
          test::run_program("thimble-neurotrigger",
                            {"predict", "latest", "--data", "tracks/random1.csv", "--to", "p.csv"}, folder.path());
      REQUIRE_MESSAGE(predicted.code == 0, predicted.err);
      CHECK(test::read_text(folder.path() / "p.csv").find("NewTheta\tNewSigmaZ\n") != std::string::npos);
      CHECK(read_tracks(folder.path() / "p.csv").rows() == read_tracks(folder.path() / "tracks/random1.csv").rows());
      const test::Ended exported =
          test::run_program("thimble-neurotrigger",
                            {"export", "latest", "--target", "hw-a", "--vectors", "200", "--out", "hw"}, folder.path());
      CHECK_MESSAGE(exported.code == 0, exported.err);
    }
  }

  TEST_CASE("Uncertainty of a network that cannot answer below zero is refused before anything is written [NT N12]") {
    const test::TempFolder folder;
    const test::Ended ended =
        test::run_program("thimble-neurotrigger", {"train", demo(), "uncertainty=sigma", "act=relu"}, folder.path());
    CHECK(ended.code == 2);
    CHECK(ended.err.find("never negative") != std::string::npos);
    CHECK_FALSE(fs::exists(folder.path() / "runs"));
  }
}
