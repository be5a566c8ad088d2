// Decoders behind the features.

#include "core/linalg/least_squares.h"
#include "core/random/philox.h"

#include "apps/fenet/decode/decoder.h"
#include "apps/fenet/decode/quantised.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

struct Wave {
  Tensor x, y;  // [40, 3], [40, 2]
};

/// Two smooth movements and three noisy views of them, by formula.
Wave waves() {
  std::vector<double> x, y;
  for (int i = 0; i < 40; ++i) {
    const double t = i, a = std::sin(0.3 * t), b = std::cos(0.2 * t);
    y.insert(y.end(), {a, b});
    x.insert(x.end(),
             {a + 0.5 * std::sin(1.7 * t), b - 0.3 * std::cos(2.3 * t), 0.5 * a - b + 0.4 * std::sin(2.9 * t)});
  }
  return {Tensor::from(x, {40, 3}), Tensor::from(y, {40, 2})};
}

void check_rows(const Tensor& predicted, const std::vector<std::vector<double>>& expected) {
  const std::vector<std::int64_t> rows{0, 5, 39};
  for (std::size_t k = 0; k < rows.size(); ++k) {
    for (std::int64_t d = 0; d < 2; ++d) {
      const double value = predicted.data<double>()[rows[k] * 2 + d];
      CHECK(std::abs(value - expected[k][static_cast<std::size_t>(d)]) <= 1e-9);
    }
  }
}

double worst(const Tensor& a, const Tensor& b) {
  const auto u = a.to_vector(), v = b.to_vector();
  double largest = 0;
  for (std::size_t i = 0; i < u.size(); ++i) largest = std::max(largest, std::abs(u[i] - v[i]));
  return largest;
}

DecoderKeys decoder_of(const std::string& kind) {
  DecoderKeys keys;
  keys.kind = kind;
  return keys;
}

}  // namespace

TEST_CASE("[FN N2] the Kalman decoder settles to the gain and predictions of an independent Riccati solution") {
  // NumPy 1.24 and scipy.linalg.solve_discrete_are 1.10 on the same formulas
  const Wave wave = waves();
  DecoderKeys keys = decoder_of("kalman");
  check_rows(fit_decoder(keys, wave.x, wave.y)->predict(wave.x),
             {{-0.00142816862651, 0.458688906674}, {0.960927808364, 0.633336256153}, {-0.8759092489, 0.17111844007}});
  keys.kalman_integral = true;
  check_rows(fit_decoder(keys, wave.x, wave.y)->predict(wave.x),
             {{-0.145591888535, 0.274161790043}, {0.830299799007, 0.500512625006}, {-0.887975748818, 0.217999357157}});
}

TEST_CASE("[FN N2] the Wiener decoder sees a window of segments and is causal unless later ones are asked for") {
  const Wave wave = waves();
  DecoderKeys keys = decoder_of("wiener");
  keys.lags_before = 2;
  keys.lags_after = 1;
  keys.ridge = 0.5;
  // NumPy 1.24: normal equations of the window, ends repeated
  check_rows(fit_decoder(keys, wave.x, wave.y)->predict(wave.x),
             {{0.195159776397, 0.965701821356}, {0.981137442902, 0.545843752506}, {-0.807454059479, 0.106896175571}});
  keys.lags_after = 0;
  const auto causal = fit_decoder(keys, wave.x, wave.y);
  const Tensor before = causal->predict(wave.x);
  Tensor changed = wave.x.clone();
  changed.mut<double>()[30 * 3] += 5;
  const Tensor after = causal->predict(changed);
  CHECK(worst(before.rows(0, 30), after.rows(0, 30)) == 0);
  CHECK(worst(before.rows(30, 3), after.rows(30, 3)) > 0.01);
  CHECK(worst(before.rows(33, 7), after.rows(33, 7)) == 0);
}

TEST_CASE("[FN N2] a window does not reach into another run of segments") {
  const Wave wave = waves();
  DecoderKeys keys = decoder_of("wiener");
  keys.lags_before = 3;
  Tensor far = wave.x.clone();  // what stands before the second run must not matter when the first is left out
  const auto joined = fit_decoder(keys, wave.x, wave.y), parted = fit_decoder(keys, wave.x, wave.y, {20});
  CHECK(worst(joined->predict(wave.x), parted->predict(wave.x)) > 1e-6);
  CHECK(test::says(test::error_of([&] { fit_decoder(keys, wave.x, wave.y, {41}); }), "row 41"));
}

TEST_CASE("[FN N2] ridge without weight is least squares and with a large one predicts the mean") {
  const Wave wave = waves();
  DecoderKeys keys = decoder_of("ridge");
  keys.ridge = 0;
  const Tensor plain = fit_decoder(decoder_of("linear"), wave.x, wave.y)->predict(wave.x);
  CHECK(worst(fit_decoder(keys, wave.x, wave.y)->predict(wave.x), plain) <= 1e-12);
  keys.ridge = 1e12;
  const Tensor flat = fit_decoder(keys, wave.x, wave.y)->predict(wave.x);
  CHECK(worst(flat.rows(0, 1), flat.rows(17, 1)) <= 1e-9);
}

TEST_CASE("[FN N2] smoothing is the exponential average of the predictions") {
  const Wave wave = waves();
  DecoderKeys keys;
  const Tensor plain = fit_decoder(keys, wave.x, wave.y)->predict(wave.x);
  keys.smoothing = 3;
  const Tensor smooth = fit_decoder(keys, wave.x, wave.y)->predict(wave.x);
  double expected = plain.data<double>()[0];
  for (std::int64_t i = 1; i < 40; ++i) {
    expected += (plain.data<double>()[i * 2] - expected) / 4;
    CHECK(std::abs(smooth.data<double>()[i * 2] - expected) <= 1e-14);
  }
}

TEST_CASE("[FN F08] a quantised decoder computes with whole steps of its format, and a wide one changes nothing") {
  const Wave wave = waves();
  DecoderKeys keys;
  const linalg::LinearFit fit = linalg::fit_linear(wave.x, wave.y);
  keys.quantise = "(9,6)";
  const Tensor predicted = fit_decoder(keys, wave.x, wave.y)->predict(wave.x);
  const auto step = [](double v) { return std::clamp(std::nearbyint(v * 64), -255.0, 255.0) / 64; };
  for (std::int64_t i = 0; i < 40; ++i) {
    double sum = step(fit.intercept.data<double>()[0]);
    for (std::int64_t j = 0; j < 3; ++j)
      sum += step(wave.x.data<double>()[i * 3 + j]) * step(fit.coefficients.data<double>()[j]);
    CHECK(predicted.data<double>()[i * 2] == sum);
  }
  keys.quantise = "(40,36)";
  const Tensor wide = fit_decoder(keys, wave.x, wave.y)->predict(wave.x);
  CHECK(worst(wide, linalg::predict(fit, wave.x)) <= 1e-9);
  CHECK(quantiser_fault("").empty());
  CHECK(quantiser_fault("(9,6)").empty());
  CHECK_FALSE(quantiser_fault("9,6").empty());
  CHECK_FALSE(quantiser_fault("fx<9,1,6>").empty());
}
