// Features without training, on signals whose features are known.

#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include "apps/fenet/data/baselines.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <numbers>

using namespace thimble;
using namespace thimble::fenet;

namespace {

constexpr std::int64_t kSegments = 60, kSamples = 900;

/// One channel: sample t of the session is wave(t).
std::shared_ptr<const SegmentSource> channel_of(const std::function<double(std::int64_t)>& wave) {
  std::vector<float> x;
  for (std::int64_t t = 0; t < kSegments * kSamples; ++t) x.push_back(static_cast<float>(wave(t)));
  return in_memory(Tensor::from(x, {kSegments, 1, kSamples}));
}

double sine(std::int64_t t, double hertz) {
  return std::sin(2.0 * std::numbers::pi * hertz * static_cast<double>(t) / 30000.0);
}

}  // namespace

TEST_CASE("Threshold crossings count action potentials [FN N1]") {
  const Stream noise = Rng(3).stream("noise");
  // in segment b there are b mod 3 pulses of half a millisecond
  const auto wave = [&](std::int64_t t) {
    const std::int64_t b = t / kSamples, within = t % kSamples;
    double pulse = 0.0;
    for (std::int64_t i = 0; i < b % 3; ++i) {
      const double z = static_cast<double>(within - 200 - 250 * i) / 4.0;
      pulse -= 60.0 * std::exp(-0.5 * z * z);
    }
    return pulse + 0.5 * noise.normal(0, static_cast<std::uint64_t>(t)) + 30.0 * sine(t, 12.0);
  };
  const Tensor counts = baseline_features(Baseline::threshold_crossings, *channel_of(wave), 30000.0);
  CHECK(counts.shape() == Shape{kSegments, 1});
  for (std::int64_t b = 1; b < kSegments; ++b) CHECK(counts.data<float>()[b] == static_cast<float>(b % 3));
}

TEST_CASE("Spiking-band power is the mean magnitude of the band [FN N1]") {
  const auto power = [](double hertz) {
    const auto source = channel_of([&](std::int64_t t) { return 3.0 * sine(t, hertz); });
    return static_cast<double>(baseline_features(Baseline::spiking_band_power, *source, 30000.0).data<float>()[50]);
  };
  CHECK(power(550) == doctest::Approx(6.0 / std::numbers::pi).epsilon(0.01));
  CHECK(power(300) == doctest::Approx(6.0 / std::numbers::pi * std::sqrt(0.5)).epsilon(0.02));
  CHECK(power(20) < 0.02);
  CHECK(power(6000) < 0.05);
}

TEST_CASE("Mean wavelet power of white noise is its variance at every level [FN N1]") {
  const Stream noise = Rng(5).stream("noise");
  const auto source = channel_of([&](std::int64_t t) { return 2.0 * noise.normal(0, static_cast<std::uint64_t>(t)); });
  const Tensor power = baseline_features(Baseline::wavelet_power, *source, 30000.0);
  CHECK(power.shape() == Shape{kSegments, 8});
  for (std::int64_t k = 0; k < 8; ++k) {
    double mean = 0;
    for (std::int64_t b = 0; b < kSegments; ++b)
      mean += static_cast<double>(power.data<float>()[b * 8 + k]) / kSegments;
    CHECK(mean == doctest::Approx(4.0).epsilon(k < 4 ? 0.03 : 0.15));
  }
}

TEST_CASE("Field potential bands find their frequency and the mean of a segment [FN N1]") {
  const auto source = channel_of([](std::int64_t t) { return 5.0 + sine(t, 20.0); });
  const Tensor bands = baseline_features(Baseline::field_potentials, *source, 30000.0);
  CHECK(bands.shape() == Shape{kSegments, 7});
  std::vector<double> mean(7, 0.0);
  for (std::int64_t b = 10; b < kSegments; ++b)
    for (std::size_t k = 0; k < 7; ++k)
      mean[k] += static_cast<double>(bands.data<float>()[b * 7 + static_cast<std::int64_t>(k)]) / 50.0;
  CHECK(mean[0] == doctest::Approx(5.0).epsilon(1e-3));
  CHECK(mean[4] == doctest::Approx(2.0 / std::numbers::pi).epsilon(0.05));
  for (const std::size_t other : {1u, 2u, 3u, 5u, 6u}) CHECK(mean[other] < 0.5 * mean[4]);
}

TEST_CASE("Features without training have the same bits for any number of threads [FN N1] [FN N12]") {
  const Stream noise = Rng(6).stream("noise");
  std::vector<float> x;
  for (std::uint64_t i = 0; i < 40 * 3 * 300; ++i) x.push_back(static_cast<float>(noise.normal(1, i)));
  const auto source = in_memory(Tensor::from(x, {40, 3, 300}));
  const int before = threads();
  for (const Baseline baseline : baselines()) {
    CAPTURE(title_of(baseline));
    set_threads(1);
    const auto one = baseline_features(baseline, *source, 30000.0).to_vector();
    set_threads(3);
    CHECK(baseline_features(baseline, *source, 30000.0).to_vector() == one);
    CHECK(static_cast<std::int64_t>(one.size()) == 40 * 3 * features_of(baseline));
  }
  set_threads(before);
}
