// Filters of recordings. Golden numbers: scipy.signal 1.10.1, sosfilt of butter and iirnotch.

#include "core/random/splitmix.h"

#include "apps/fenet/data/filters.h"
#include "apps/fenet/data/preprocess.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

/// x[t] = ((37 t) mod 17) / 17 - 0.5, with zeros before it so that the filter starts at rest.
std::vector<float> filtered_pattern(const Filter& filter) {
  std::vector<float> x{0.0F};
  for (int t = 0; t < 40; ++t) x.push_back(static_cast<float>((37 * t) % 17 / 17.0 - 0.5));
  FilterState(filter).run(filter, x);
  x.erase(x.begin());
  return x;
}

Tensor random_segments(std::int64_t segments, std::int64_t channels, std::int64_t samples, std::uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<float> x(static_cast<std::size_t>(segments * channels * samples));
  for (float& v : x) v = static_cast<float>(random() >> 40) * 0x1p-20F - 3.0F;
  return Tensor::from(x, {segments, channels, samples});
}

Tensor whole_of(const SegmentSource& source) {
  Tensor x = Tensor::empty({source.segments(), source.channels(), source.samples()});
  source.read(0, x);
  return x;
}

}  // namespace

TEST_CASE("Butterworth filters have the gains of their definition") {
  for (const std::int64_t order : {1, 2, 3, 4, 7}) {
    CAPTURE(order);
    const double half = std::sqrt(0.5);
    CHECK(std::abs(response(highpass(order, 80, 30000), 80, 30000)) == doctest::Approx(half));
    CHECK(std::abs(response(lowpass(order, 3000, 30000), 3000, 30000)) == doctest::Approx(half));
    const Filter band = bandpass(order, 250, 5000, 30000);
    CHECK(band.size() == static_cast<std::size_t>(order));
    CHECK(std::abs(response(band, 250, 30000)) == doctest::Approx(half));
    CHECK(std::abs(response(band, 5000, 30000)) == doctest::Approx(half));
    CHECK(std::abs(response(band, 1000, 30000)) > 0.95);
  }
  const Filter cut = notch(60, 2, 30000);
  CHECK(std::abs(response(cut, 60, 30000)) < 1e-9);
  CHECK(std::abs(response(cut, 61, 30000)) == doctest::Approx(std::sqrt(0.5)).epsilon(0.02));
  CHECK(std::abs(response(cut, 200, 30000)) > 0.999);
}

TEST_CASE("Filters give the numbers of scipy") {
  struct Case {
    const char* name;
    Filter filter;
    std::vector<double> expected;  // outputs 0, 1, 2, 10 and 39
  };
  const Case cases[] = {
      {"high-pass 2",
       highpass(2, 80, 30000),
       {-0.49411110862714236, -0.308011342485907, -0.1261839903636327, 0.28433413070141905, 0.40703454517792204}},
      {"high-pass 3",
       highpass(3, 400, 30000),
       {-0.45980742249667245, -0.2205033699593293, -0.014967516915812634, 0.32577754892880917, 0.3786773726474311}},
      {"band-pass 4",
       bandpass(4, 250, 5000, 30000),
       {-0.011055537578991104, -0.06548665100036893, -0.16937618331214163, -0.16967489855306617, -0.11689897807661324}},
      {"band-pass 2",
       bandpass(2, 300, 1000, 30000),
       {-0.002430821855360926, -0.010733015809389995, -0.023288994466581447, -0.03311788337387494,
        -0.002935525275189723}},
      {"low-pass 5",
       lowpass(5, 3000, 30000),
       {-0.0006412905394803428, -0.005529515449358954, -0.022688162880631954, -0.0030249253025770462,
        -0.10638390610727413}},
      {"notch",
       notch(60, 2, 30000),
       {-0.4998953021712115, -0.3232523308292874, -0.14668337977477391, 0.2650899714742421, 0.38294499265678467}},
  };
  const std::size_t at[] = {0, 1, 2, 10, 39};
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const std::vector<float> got = filtered_pattern(one.filter);
    for (std::size_t i = 0; i < 5; ++i) CHECK(std::abs(static_cast<double>(got[at[i]]) - one.expected[i]) < 1e-7);
  }
}

TEST_CASE("Filtering in pieces and in any order has the bits of the whole") {
  const Filter filter = filters_of(
      [] {
        PreprocessKeys keys;
        keys.highpass_hz = 80, keys.bandpass_hz = {300, 3000}, keys.notch_hz = {60, 120}, keys.order = 3;
        return keys;
      }(),
      30000);
  const Tensor x = random_segments(200, 3, 50, 12);
  const auto once = whole_of(*filtered(in_memory(x), filter)).to_vector();
  // one stretch of 10000 samples
  std::vector<float> line(10000);
  for (std::int64_t b = 0; b < 200; ++b) std::copy_n(x.data<float>() + (b * 3 + 1) * 50, 50, line.begin() + b * 50);
  FilterState(filter).run(filter, line);
  for (std::int64_t t = 0; t < 10000; ++t)
    CHECK(once[static_cast<std::size_t>((t / 50 * 3 + 1) * 50 + t % 50)] ==
          static_cast<double>(line[static_cast<std::size_t>(t)]));
  const Segments source = filtered(in_memory(x), filter);
  SplitMix64 random(77);
  MESSAGE("seed 77");
  for (int trial = 0; trial < 30; ++trial) {
    const auto first = static_cast<std::int64_t>(random() % 190);
    Tensor block = Tensor::empty({static_cast<std::int64_t>(1 + random() % 10), 3, 50});
    source->read(first, block);
    const auto got = block.to_vector();
    CHECK(std::equal(got.begin(), got.end(), once.begin() + first * 150));
  }
}

TEST_CASE("A filter takes the time before the first sample for as constant as that sample") {
  std::vector<float> x(100, 7.5F);
  const Filter filter = highpass(4, 100, 30000);
  FilterState(filter).run(filter, x);
  for (const float v : x) CHECK(std::abs(v) < 1e-5);
}

TEST_CASE("Impossible filters are refused naming every key") {
  PreprocessKeys keys;
  keys.highpass_hz = 20000, keys.bandpass_hz = {1, 2, 3};
  const auto error = test::error_of([&] { filters_of(keys, 30000); });
  CHECK(error->kind() == ErrorKind::config);
  CHECK(test::says(error, "highpass_hz"));
  CHECK(test::says(error, "15000"));
  CHECK(test::says(error, "bandpass_hz"));
}

TEST_CASE("Standardised channels have mean 0 and deviation 1 and constant ones are 0 [FN F15]") {
  Tensor x = random_segments(40, 3, 30, 5);
  for (std::int64_t b = 0; b < 40; ++b)
    for (std::int64_t t = 0; t < 30; ++t) x.mut<float>()[(b * 3 + 2) * 30 + t] = 100.1F;
  const Tensor out = whole_of(*standardised(in_memory(x)));
  for (std::int64_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (std::int64_t b = 0; b < 40; ++b)
      for (std::int64_t t = 0; t < 30; ++t) {
        const auto v = static_cast<double>(out.data<float>()[(b * 3 + c) * 30 + t]);
        sum += v, squares += v * v;
      }
    CHECK(std::abs(sum) < 1e-3);
    CHECK(squares == doctest::Approx(c == 2 ? 0.0 : 1200.0));
  }
}

TEST_CASE("The common average of all channels is taken away") {
  const Tensor x = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 9}, {1, 3, 2});
  CHECK(whole_of(*without_common(in_memory(x))).to_vector() == std::vector<double>{-2, -3, 0, -1, 2, 4});
}
