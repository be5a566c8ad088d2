// The wavelet chain in integers: published cases bit for bit, all routes alike, refusals.
#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/kernels/integer_wavelet.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/core/wavelet_cases.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::kernels;
using namespace thimble::test;

namespace {

constexpr std::uint64_t kIntegerSeed = 77;

template <class T>
std::vector<std::int64_t> as_integers(const T* values, std::int64_t n) {
  return {values, values + n};
}
std::vector<std::int64_t> as_integers(const Tensor& t) {
  return as_integers(t.data<std::int32_t>(), t.numel());
}
template <class T>
std::vector<std::int64_t> as_integers(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

/// The published quantised network of a group.
QuantisedChain published_chain(const io::Hdf5Tree& tree, const std::string& group, const io::Hdf5Tree& weights) {
  const auto number = [&](const char* name) { return static_cast<int>(attribute(tree, group, name)[0]); };
  QuantisedChain q;
  q.weights = q.activations = {number("wl"), true, number("fl")};
  q.chain = chain_of(weights, "/");
  q.chain.pool = WaveletPool::bitshift;
  const auto powers = attribute(tree, group, "relu_powers");
  for (std::size_t l = 0; l < q.chain.levels.size(); ++l) {
    q.chain.levels[l].relu_power = static_cast<int>(powers[l]);
    for (const char* branch : {"feat", "pass"}) {
      const auto taps = tree.datasets.at(group + "/weights_int/" + std::to_string(l) + "/" + branch).numbers;
      q.filters.emplace_back();
      for (const double v : taps.doubles()) q.filters.back().push_back(static_cast<std::int32_t>(v));
    }
  }
  return q;
}

/// A chain with random integer filters of about `weight_bits` bits.
QuantisedChain random_chain(const WaveletChain& chain, int weight_bits, int activation_bits, int f) {
  QuantisedChain q;
  q.chain = chain;
  q.weights = {weight_bits, true, f};
  q.activations = {activation_bits, true, f};
  const Stream stream = Rng(kIntegerSeed).stream("filters");
  for (std::size_t k = 0; k < 2 * chain.levels.size(); ++k) {
    q.filters.emplace_back();
    for (int tap = 0; tap < chain.levels[k / 2].taps; ++tap) {
      const double v = 0.4 * stream.normal(k, static_cast<std::uint64_t>(tap)) * std::exp2(f) /
                       std::sqrt(chain.levels[k / 2].taps / 8.0);
      q.filters.back().push_back(static_cast<std::int32_t>(std::clamp<double>(
          std::nearbyint(v), static_cast<double>(q.weights.lo()), static_cast<double>(q.weights.hi()))));
    }
  }
  return q;
}

Tensor random_signal(std::int64_t windows, std::int64_t samples) {
  const Tensor x = Tensor::empty({windows, samples});
  const Stream stream = Rng(kIntegerSeed).stream("x");
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.mut<float>()[i] = static_cast<float>(stream.normal(0, static_cast<std::uint64_t>(i)));
  return x;
}

}  // namespace

TEST_CASE("[FN F20] the published quantised networks come out with all intermediate integers") {
  THIMBLE_SHARED(path, "data/fenet/quantization_cases.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  int cases = 0;
  for (const auto& entry : tree.attributes) {
    const std::string& group = entry.first;
    const auto& attributes = entry.second;
    if (!attributes.contains("pool_divisors")) continue;
    CAPTURE(group);
    const std::string checkpoint =
        attributes.contains("checkpoint") ? attributes.at("checkpoint").texts.at(0) : "efficient_volcanic486";
    const io::Hdf5Tree weights = io::read_foreign_hdf5(path.parent_path() / ("weights_" + checkpoint + ".h5"));
    const QuantisedChain q = published_chain(tree, group, weights);
    const auto integers = [&, &g = group](const std::string& name) {
      return tree.datasets.at(g + "/" + name).numbers.integers();
    };
    const Tensor x = tree.datasets.at(group + "/x").numbers.tensor();
    // weights and input by our own rounding
    const QuantisedChain own =
        quantise_chain(q.chain, filters_of(weights, "/layers", q.chain.levels.size(), DType::f32, "/weight"), q.weights,
                       q.activations);
    CHECK(own.filters == q.filters);
    const Tensor x_int = quantise_input(x, q.activations);
    CHECK(as_integers(x_int) == integers("x_int"));
    WaveletTrace trace;
    const Tensor features = quantised_features(q, x_int, trace);
    CHECK(as_integers(features) == integers("features_int"));
    for (std::size_t l = 0; l + 1 < q.chain.levels.size(); ++l)
      CHECK(as_integers(trace.pass[l]) == integers("pass_int/" + std::to_string(l)));
    for (std::size_t l = 0; l <= q.chain.levels.size(); ++l) {
      const std::string name = "pool_sum_int/" + std::to_string(l);
      CHECK(trace.pooled[l] == integers(name));
      CHECK(q.pool_bits(l) == attribute(tree, group + "/" + name, "frac_bits")[0]);
    }
    const auto divisors = attribute(tree, group, "pool_divisors");
    const auto lengths = q.chain.lengths(x.size(-1));
    for (std::size_t l = 0; l < lengths.size(); ++l)
      CHECK(wavelet_divisor(WaveletPool::bitshift, lengths[l]) == divisors[l]);
    for (const IntegerRoute route : {IntegerRoute::fastest, IntegerRoute::f32, IntegerRoute::f64, IntegerRoute::i64}) {
      CHECK(as_integers(quantised_features(q, x_int, route)) == integers("features_int"));
      CHECK(as_integers(quantised_features(q, x, route)) == integers("features_int"));
    }
    CHECK(fastest_route(q, x.size(-1)) == IntegerRoute::f32);
    ++cases;
  }
  CHECK(cases == 4);
}

TEST_CASE("[FN F20] the integers E of the specification come out of the published weights and its signal") {
  THIMBLE_SHARED(folder, "data/fenet");
  using Rows = std::vector<std::vector<std::int64_t>>;
  const std::vector<std::pair<std::string, Rows>> expected{
      {"db20_alternative_iqk20aq0", {{5, 15, 15, 4, 13, 31, 28}, {9, 15, 17, 8, 60, 31, 4}}},
      {"efficient_volcanic486", {{4, 11, 2, 28}, {4, 11, 4, 39}}},
      {"db20_architecture", {{93, 255, 255, 255, 255, 255, 255, 255}, {104, 255, 255, 255, 255, 255, 255, 255}}}};
  for (const auto& [name, rows] : expected) {
    const io::Hdf5Tree tree = io::read_foreign_hdf5(folder / ("weights_" + name + ".h5"));
    WaveletChain chain = chain_of(tree, "/");
    chain.pool = WaveletPool::bitshift;
    const QuantisedChain q = quantise_chain(
        chain, filters_of(tree, "/layers", chain.levels.size(), DType::f32, "/weight"), {9, true, 6}, {9, true, 6});
    const auto got = as_integers(quantised_features(q, readme_signal(2, 2, 200, 1)));
    for (std::size_t c = 0; c < rows.size(); ++c)
      for (std::size_t k = 0; k < rows[c].size(); ++k) CHECK(got[c * rows[c].size() + k] == rows[c][k]);
  }
}

TEST_CASE("[FN F20] float lanes, doubles and 64-bit integers give the same integers where they are exact") {
  MESSAGE("seed " << kIntegerSeed);
  const Tensor x = random_signal(37, 230);
  for (const WaveletPool pool : {WaveletPool::mean, WaveletPool::bitshift})
    for (const WaveletChain& shape : std::vector<WaveletChain>{{{{40, 2}, {40, 2}, {40, 2}}, pool},
                                                               {{{4, 3, 2}, {30, 2, 0, 3}, {7, 5, 1, 2}}, pool},
                                                               {{{5, 1, 3}, {1, 4}}, pool}})
      for (const auto& format : std::vector<std::tuple<int, int, IntegerRoute>>{{9, 6, IntegerRoute::f32},
                                                                                {4, 1, IntegerRoute::f32},
                                                                                {12, 9, IntegerRoute::f32},
                                                                                {16, 13, IntegerRoute::f64},
                                                                                {24, 20, IntegerRoute::f64}}) {
        const int bits = std::get<0>(format), f = std::get<1>(format);
        const IntegerRoute fastest = std::get<2>(format);
        CAPTURE(bits);
        CAPTURE(shape.levels[0].taps);
        const QuantisedChain q = random_chain(shape, bits, bits, f);
        const Tensor x_int = quantise_input(x, q.activations);
        const auto want = as_integers(quantised_features(q, x_int, IntegerRoute::i64));
        const IntegerRoute route = fastest_route(q, 230);
        if (bits <= 9 || bits == 16) CHECK(route == fastest);
        CHECK(as_integers(quantised_features(q, x_int)) == want);
        CHECK(as_integers(quantised_features(q, x)) == want);
        if (route == IntegerRoute::f32) CHECK(as_integers(quantised_features(q, x_int, IntegerRoute::f64)) == want);
        if (route != IntegerRoute::f32) CHECK_THROWS_AS(quantised_features(q, x_int, IntegerRoute::f32), Error);
      }
}

TEST_CASE("[FN F20] weights and activations may have fractions of their own") {
  const QuantisedChain q = [] {
    QuantisedChain made = random_chain({{{8, 2}, {6, 3}}, WaveletPool::bitshift}, 9, 9, 8);
    made.activations = {9, true, 6};
    return made;
  }();
  const Tensor x = random_signal(20, 100);
  CHECK(q.sum_bits() == 14);
  CHECK(as_integers(quantised_features(q, x)) == as_integers(quantised_features(q, x, IntegerRoute::i64)));
}

TEST_CASE("[FN F20] every rounding case of the published vectors comes out") {
  THIMBLE_SHARED(path, "data/fenet/quantization_cases.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  int checked = 0;
  for (const auto& [name, value] : tree.datasets) {
    const std::string prefix = "/round_vectors/nearest_symmetric_";
    if (name.rfind(prefix, 0) != 0) continue;
    int wl = 0, fl = 0;
    REQUIRE(std::sscanf(name.c_str() + prefix.size(), "wl%d_fl%d", &wl, &fl) == 2);
    const Tensor x = tree.datasets.at("/round_vectors/x").numbers.tensor(DType::f32);
    CHECK(as_integers(quantise_input(x, {wl, true, fl})) == value.numbers.integers());
    ++checked;
  }
  MESSAGE(checked << " formats");
  CHECK(checked > 0);
}

TEST_CASE("[FN F03] the quantised network approaches the one with bit-shift pooling by a factor of two per bit") {
  const WaveletChain chain{{{20, 2}, {20, 2}, {20, 2}}, WaveletPool::bitshift};
  const QuantisedChain fine = random_chain(chain, 24, 24, 18);
  std::vector<Tensor> filters;
  for (const auto& f : fine.filters) {
    std::vector<double> values;
    for (const std::int32_t w : f) values.push_back(std::ldexp(static_cast<double>(w), -18) * 0.5);
    filters.push_back(Tensor::from(values));
  }
  const Tensor x = random_signal(64, 300).to(DType::f64);
  const Tensor want = Tensor::zeros({64, 4}, DType::f64);
  reference::wavelet_features(chain, x, filters, want);
  std::vector<double> errors;
  for (int f = 5; f <= 12; ++f) {
    const QuantisedChain q = quantise_chain(chain, filters, {f + 6, true, f}, {f + 6, true, f});
    const std::vector<double> got = quantised_features(q, x.to(DType::f32)).to_vector();
    double sum = 0;
    for (std::size_t i = 0; i < got.size(); ++i) sum += std::abs(std::ldexp(got[i], -f) - want.to_vector()[i]);
    errors.push_back(sum);
  }
  for (std::size_t k = 1; k < errors.size(); ++k) {
    CHECK(errors[k - 1] / errors[k] > 1.4);
    CHECK(errors[k - 1] / errors[k] < 2.9);
  }
  CHECK(errors.front() / errors.back() > 64);  // 2^7 on the average, from one draw
}

TEST_CASE("[FN F20] formats, weights and inputs that cannot be exact are refused") {
  const WaveletChain chain{{{4, 2}}};
  QuantisedChain q = random_chain(chain, 9, 9, 6);
  const Tensor x = Tensor::zeros({1, 8}, DType::i32);
  x.mut<std::int32_t>()[3] = 256;
  CHECK_THROWS_WITH_AS(quantised_features(q, x), "quantised features: the input 256 is outside +-255", Error);
  x.mut<std::int32_t>()[3] = -255;
  CHECK_NOTHROW(quantised_features(q, x));
  q.filters[0][1] = 300;
  CHECK_THROWS_WITH_AS(quantised_features(q, x),
                       "quantised wavelet chain: the weight 300 of level 0 does not fit into fx<9,1,6>", Error);
  q = random_chain(chain, 9, 9, 6);
  q.filters[1].pop_back();
  CHECK_THROWS_AS(quantised_features(q, x), Error);
  const std::vector<Tensor> filters{Tensor::full({4}, 1), Tensor::full({4}, 1)};
  CHECK_THROWS_AS(quantise_chain(chain, filters, {40, true, 6}, {9, true, 6}), Error);
  CHECK_THROWS_AS(quantise_chain(chain, filters, {9, false, 6}, {9, true, 6}), Error);
  CHECK_THROWS_AS(quantise_chain({{{4096, 1, 15}}}, std::vector<Tensor>(2, Tensor::full({4096}, 1e9)), {31, true, 0},
                                 {31, true, 0}),
                  Error);
  Tensor bad = Tensor::zeros({1, 8});
  bad.mut<float>()[2] = NAN;
  for (const IntegerRoute route : {IntegerRoute::f32, IntegerRoute::f64, IntegerRoute::i64})
    CHECK_THROWS_AS(quantised_features(random_chain(chain, 9, 9, 6), bad, route), Error);
}
