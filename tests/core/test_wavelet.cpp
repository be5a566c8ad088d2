// The wavelet chain: hand-worked cases, published cases and the properties of the specification.
#include "core/base/error.h"
#include "core/kernels/wavelet_conv.h"
#include "core/kernels/wavelet_lanes.h"
#include "core/parallel/blocks.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/core/wavelet_cases.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::kernels;
using namespace thimble::test;

namespace {

constexpr std::uint64_t kSeed = 41;

std::vector<double> chain_features(const WaveletChain& chain, const std::vector<double>& x,
                                   const std::vector<std::vector<double>>& filters, DType dtype) {
  std::vector<Tensor> weights;
  for (const auto& f : filters) weights.push_back(Tensor::from(f).to(dtype));
  const Tensor out = Tensor::zeros({1, chain.features()}, dtype);
  wavelet_features(chain, Tensor::from(x).to(dtype), weights, out);
  return out.to_vector();
}

Tensor features_of_chain(const WaveletChain& chain, const Tensor& x, const std::vector<Tensor>& weights,
                         const WaveletDropout& dropout = {}, const WaveletGrid& grid = {},
                         WaveletMemory* memory = nullptr) {
  const Tensor out = Tensor::zeros({x.numel() / x.size(-1), chain.features()}, x.dtype());
  wavelet_features(chain, x, weights, out, dropout, grid, memory);
  return out;
}

Tensor normal(Shape shape, const char* name, DType dtype = DType::f32, double sigma = 1) {
  const Stream stream = Rng(kSeed).stream(name);
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<double>(static_cast<float>(sigma * stream.normal(0, i)));
  return Tensor::from(values, shape).to(dtype);
}

std::vector<Tensor> random_filters(const WaveletChain& chain, DType dtype = DType::f32) {
  std::vector<Tensor> all;
  for (std::size_t k = 0; k < 2 * chain.levels.size(); ++k)
    all.push_back(normal({chain.levels[k / 2].taps}, std::to_string(k).c_str(), dtype, 0.3));
  return all;
}

/// Rounded to multiples of 1/64.
std::vector<Tensor> on_grid(std::vector<Tensor> filters) {
  for (const Tensor& w : filters)
    for (std::int64_t k = 0; k < w.numel(); ++k) w.mut<float>()[k] = std::nearbyint(w.data<float>()[k] * 64) / 64;
  return filters;
}

/// Chains of every kind of stride, length, fold, bins and pool.
std::vector<WaveletChain> many_chains() {
  using enum WaveletPool;
  return {{{{40, 2}, {40, 2}, {40, 2}, {40, 2}, {40, 2}, {40, 2}, {40, 2}}},
          {{{4, 3}, {30, 2}, {30, 2}}},
          {{{10, 3}, {10, 2}, {2, 30}, {4, 13}, {32, 23}, {34, 25}, {26, 27}}},
          {{{14, 6}, {20, 4}, {38, 11}, {26, 18}, {22, 3}, {10, 8}}, bitshift},
          {{{5, 1, 1}, {3, 1, 2}}},
          {{{1, 1}, {1, 2}, {2, 1}}},
          {{{6, 2, 0, 3}, {7, 3, 2, 5}, {2, 4, 1, 2}}},
          {{{6, 2, 0, 3}, {9, 2, 3, 5}, {3, 3, 0, 1}}, bitshift},
          {{{3, 7, 0, 4}}},
          {{{41, 2}, {13, 5}}}};
}

struct Gradients {
  std::vector<Tensor> weights;
  Tensor x;
};

Gradients gradient_of(const WaveletChain& chain, const Tensor& x, const std::vector<Tensor>& weights,
                      const Tensor& d_out, const WaveletDropout& dropout = {}, const WaveletGrid& grid = {},
                      const WaveletMemory* memory = nullptr) {
  Gradients g;
  std::vector<Into> targets;
  for (const Tensor& w : weights) g.weights.push_back(Tensor::full(w.shape(), 7, w.dtype()));
  for (const Tensor& w : g.weights) targets.push_back({&w, false});
  g.x = Tensor::full(x.shape(), 7, x.dtype());
  wavelet_gradient(chain, x, weights, d_out, dropout, targets, {&g.x, false}, grid, memory);
  return g;
}

const std::vector<double> kHandX{1, -2, 3, 0.5, -1, 2, 4, -3};

}  // namespace

TEST_CASE("[FN F01] the hand-worked layers A and B give their features and pass outputs exactly") {
  const WaveletLevel a{2, 2, 0, 1}, b{3, 1, 1, 1};
  CHECK(reference::wavelet_level(a, kHandX, {0.5, 0.5}) == std::vector<double>{-0.5, 1.75, 0.5, 0.5});
  CHECK(reference::wavelet_level(b, kHandX, {1, 0, -1}) == std::vector<double>{-1, 2, -2, -2.5, 4, -1.5, -5, 5, 4, -3});
  CHECK(reference::wavelet_level(b, kHandX, {0.25, 0.5, 0.25}) ==
        std::vector<double>{0.25, 0, 0, 1.125, 0.75, 0.125, 1.75, 1.75, -0.5, -0.75});
  for (const DType dtype : {DType::f32, DType::f64}) {
    CHECK(chain_features({{a}}, kHandX, {{1, -1}, {0.5, 0.5}}, dtype) == std::vector<double>{3.875, 0.8125});
    CHECK(chain_features({{b}}, kHandX, {{1, 0, -1}, {0.25, 0.5, 0.25}}, dtype)[0] == 2.25);
  }
}

TEST_CASE("[FN F01] the published layer cases come out, feature maps and pass outputs too") {
  THIMBLE_SHARED(path, "data/fenet/wavelet_layer_cases.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  int cases = 0;
  for (const auto& entry : tree.attributes) {
    const std::string& group = entry.first;
    const auto& attributes = entry.second;
    if (!attributes.contains("kernel")) continue;
    const auto number = [&, &at = attributes](const char* name) {
      return static_cast<int>(at.at(name).numbers.integers()[0]);
    };
    WaveletLevel level{number("kernel"), number("stride"), number("relu_power"), number("features")};
    const auto data = [&, &g = group](const char* name) { return tree.datasets.at(g + "/" + name).numbers; };
    CAPTURE(data("x").shape_text());
    const std::int64_t windows = data("x").dims()[0];
    const auto check_level = [&](DType dtype, double tolerance) {
      const std::vector<Tensor> filters{data("w_feat").tensor(dtype), data("w_pass").tensor(dtype)};
      const std::vector<double> want = data("features_f64").doubles();
      const Tensor got = features_of_chain({{level}}, data("x").tensor(dtype), filters);
      for (std::int64_t w = 0; w < windows; ++w)
        for (int k = 0; k < level.features; ++k)
          CHECK(std::abs(got.to_vector()[static_cast<std::size_t>(w * (level.features + 1) + k)] -
                         want[static_cast<std::size_t>(w * level.features + k)]) <= tolerance * largest_of(want));
      // as many bins as outputs: the features are the folded outputs themselves
      WaveletLevel bins = level;
      bins.features = static_cast<int>(data("feat_map_f64").dims()[1]);
      const std::vector<double> map = features_of_chain({{bins}}, data("x").tensor(dtype), filters).to_vector();
      const std::vector<double> want_map = data("feat_map_f64").doubles();
      for (std::int64_t w = 0; w < windows; ++w)
        for (int k = 0; k < bins.features; ++k)
          CHECK(std::abs(map[static_cast<std::size_t>(w * (bins.features + 1) + k)] -
                         want_map[static_cast<std::size_t>(w * bins.features + k)]) <=
                tolerance * largest_of(want_map));
    };
    check_level(DType::f64, 1e-12);
    check_level(DType::f32, 2e-6);
    const std::vector<double> x = data("x").doubles(), pass = data("pass_f64").doubles();
    std::vector<double> got;
    for (std::int64_t w = 0; w < windows; ++w) {
      const auto n = static_cast<std::int64_t>(x.size()) / windows;
      for (const double v :
           reference::wavelet_level(level, {x.begin() + w * n, x.begin() + (w + 1) * n}, data("w_pass").doubles()))
        got.push_back(v);
    }
    CHECK(largest_difference(got, pass) <= 1e-12);
    ++cases;
  }
  CHECK(cases == 6);
}

TEST_CASE("[FN F02] the chain agrees with its definition for every stride, length, fold, bin and pool") {
  MESSAGE("seed " << kSeed);
  for (const WaveletChain& chain : many_chains())
    for (const std::int64_t samples : {900, 61, 2, 1}) {
      CAPTURE(chain.levels[0].taps);
      CAPTURE(samples);
      for (const DType dtype : {DType::f64, DType::f32}) {
        const Tensor x = normal({3, 7, samples}, "x", dtype);
        const std::vector<Tensor> weights = random_filters(chain, dtype);
        const Tensor want = Tensor::zeros({21, chain.features()}, dtype);
        reference::wavelet_features(chain, x, weights, want);
        const std::vector<double> got = features_of_chain(chain, x, weights).to_vector();
        const double tolerance = dtype == DType::f64 ? 1e-13 : 2e-6;
        CHECK(largest_difference(got, want.to_vector()) <= tolerance * largest_of(want.to_vector()));
      }
    }
}

TEST_CASE("[FN F06] gradients of the chain agree with central differences") {
  MESSAGE("seed " << kSeed);
  for (const WaveletChain& chain : many_chains())
    for (const double share : {0.0, 0.3}) {
      CAPTURE(chain.levels[0].taps);
      const std::int64_t samples = chain.levels.size() > 5 ? 700 : 40;
      const Tensor x = normal({2, samples}, "x", DType::f64);
      const std::vector<Tensor> weights = random_filters(chain, DType::f64);
      const Tensor d_out = normal({2, chain.features()}, "d", DType::f64);
      const WaveletDropout dropout{share, Rng(3).stream("dropout"), 11, 5};
      const auto loss = [&] {
        const std::vector<double> f = features_of_chain(chain, x, weights, dropout).to_vector(), d = d_out.to_vector();
        double sum = 0;
        for (std::size_t i = 0; i < f.size(); ++i) sum += f[i] * d[i];
        return sum;
      };
      const auto check_numbers = [&](const Tensor& t, const Tensor& got, std::int64_t every) {
        for (std::int64_t i = 0; i < t.numel(); i += every) {
          double& v = t.mut<double>()[i];
          const double before = v;
          v = before + 1e-6;
          const double up = loss();
          v = before - 1e-6;
          const double down = loss();
          v = before;
          const double numeric = (up - down) / 2e-6;
          CHECK(std::abs(got.data<double>()[i] - numeric) <= 1e-6 * largest_of(got.to_vector()) + 1e-9);
        }
      };
      const Gradients g = gradient_of(chain, x, weights, d_out, dropout);
      for (std::size_t k = 0; k < weights.size(); ++k) check_numbers(weights[k], g.weights[k], 7);
      check_numbers(x, g.x, 13);
    }
}

TEST_CASE("[FN F06] gradients in float agree with those in double") {
  for (const WaveletChain& chain : many_chains())
    for (const std::int64_t windows : {1, 5, 16, 75}) {
      CAPTURE(chain.levels[0].taps);
      CAPTURE(windows);
      const WaveletDropout dropout{0.2, Rng(3).stream("dropout"), 2, 100};
      const Tensor x = normal({windows, 300}, "x"), d_out = normal({windows, chain.features()}, "d");
      const std::vector<Tensor> weights = random_filters(chain);
      std::vector<Tensor> wide;
      for (const Tensor& w : weights) wide.push_back(w.to(DType::f64));
      const Gradients got = gradient_of(chain, x, weights, d_out, dropout);
      const Gradients want = gradient_of(chain, x.to(DType::f64), wide, d_out.to(DType::f64), dropout);
      for (std::size_t k = 0; k < weights.size(); ++k)
        CHECK(largest_difference(got.weights[k].to_vector(), want.weights[k].to_vector()) <=
              2e-5 * largest_of(want.weights[k].to_vector()));
      CHECK(largest_difference(got.x.to_vector(), want.x.to_vector()) <= 2e-5 * largest_of(want.x.to_vector()));
    }
}

TEST_CASE("[FN F02] the published networks come out, with bit-shift pooling as the divisors say") {
  THIMBLE_SHARED(path, "data/fenet/fenet_forward_cases.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  int cases = 0;
  for (const auto& entry : tree.attributes) {
    const std::string& group = entry.first;
    const auto& attributes = entry.second;
    if (!attributes.contains("kernels") || attribute(tree, group, "normalize_at_end")[0] != 0) continue;
    CAPTURE(group);
    const WaveletChain chain = chain_of(tree, group);
    io::Hdf5Tree published;
    std::string weights = group + "/weights", suffix;
    if (attributes.contains("checkpoint")) {
      published =
          io::read_foreign_hdf5(path.parent_path() / ("weights_" + attributes.at("checkpoint").texts.at(0) + ".h5"));
      weights = "/layers", suffix = "/weight";
    }
    const io::Hdf5Tree& source = suffix.empty() ? tree : published;
    const io::Array x = tree.datasets.at(group + "/x").numbers;
    CHECK(chain.lengths(x.dims()[2]) == attribute(tree, group, "layer_lengths"));
    const std::vector<double> want = tree.datasets.at(group + "/out_f64").numbers.doubles();
    for (const DType dtype : {DType::f64, DType::f32}) {
      const auto got =
          features_of_chain(chain, x.tensor(dtype), filters_of(source, weights, chain.levels.size(), dtype, suffix));
      CHECK(largest_difference(got.to_vector(), want) <= (dtype == DType::f64 ? 1e-12 : 1e-6) * largest_of(want));
    }
    ++cases;
  }
  CHECK(cases == 6);
}

TEST_CASE("[FN F02] the published weights give the features D of the specification on its signal") {
  THIMBLE_SHARED(folder, "data/fenet");
  struct Expected {
    const char* file;
    std::vector<double> row;
  };
  for (const Expected& expected :
       {Expected{"weights_efficient_volcanic486.h5", {0.0535199, 0.27886322, 0.01799539, 0.60661982}},
        Expected{"weights_db20_alternative_iqk20aq0.h5",
                 {0.06943586, 0.2115149, 0.46913588, 0.07425585, 0.12985182, 0.61519569, 0.96370517}},
        Expected{"weights_db20_architecture.h5",
                 {1.57863372, 55.3048746, 37.9409876, 619.106826, 3189.95436, 8839.36705, 39875.5454, 23019.3011}}}) {
    const io::Hdf5Tree tree = io::read_foreign_hdf5(folder / expected.file);
    const WaveletChain chain = chain_of(tree, "/");
    const Tensor x = readme_signal(4, 3, 900, 0);
    const auto got = features_of_chain(chain, x.to(DType::f64),
                                       filters_of(tree, "/layers", chain.levels.size(), DType::f64, "/weight"));
    for (std::size_t k = 0; k < expected.row.size(); ++k)
      CHECK(got.to_vector()[k] == doctest::Approx(expected.row[k]).epsilon(2e-7));
  }
}

TEST_CASE("[FN F03] the bit-shift pool divides by the power of two next to the length in the logarithm") {
  const auto shifted = [](std::int64_t n) { return wavelet_divisor(WaveletPool::bitshift, n); };
  const std::vector<std::pair<std::int64_t, std::int64_t>> published{
      {469, 512}, {301, 256}, {254, 256}, {165, 128}, {146, 128}, {97, 128}, {92, 128}, {65, 64}, {52, 64}, {45, 32}};
  for (const auto& [length, divisor] : published) CHECK(shifted(length) == divisor);
  CHECK(shifted(1) == 1);
  CHECK(shifted(2) == 2);
  CHECK(shifted(3) == 4);
  CHECK(shifted(5) == 4);
  CHECK(shifted(6) == 8);
  CHECK(wavelet_divisor(WaveletPool::mean, 45) == 45);
}

TEST_CASE("[FN F03] pools differ by the exact factor length over divisor") {
  const WaveletChain mean = many_chains()[1];
  WaveletChain shift = mean;
  shift.pool = WaveletPool::bitshift;
  const Tensor x = normal({4, 900}, "x", DType::f64);
  const std::vector<Tensor> weights = random_filters(mean, DType::f64);
  const auto a = features_of_chain(mean, x, weights).to_vector(), b = features_of_chain(shift, x, weights).to_vector();
  const std::vector<double> factor{301.0 / 256, 165.0 / 128, 97.0 / 128, 97.0 / 128};
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(b[i] == doctest::Approx(a[i] * factor[i % 4]).epsilon(1e-14));
}

TEST_CASE("[FN F01] shifting the input by the total stride shifts the inner pass outputs") {
  const WaveletLevel level{6, 2};
  const std::vector<double> filter = normal({6}, "w", DType::f64).to_vector();
  std::vector<double> x = normal({64}, "x", DType::f64).to_vector();
  const auto twice = [&](const std::vector<double>& v) {
    return reference::wavelet_level(level, reference::wavelet_level(level, v, filter), filter);
  };
  const std::vector<double> before = twice(x);
  x.insert(x.begin(), {1, 2, 3, 4});  // total stride of two levels
  const std::vector<double> after = twice(x);
  for (std::size_t i = 6; i + 6 < before.size(); ++i) CHECK(after[i + 1] == doctest::Approx(before[i]).epsilon(1e-13));
}

TEST_CASE("[FN F01] without relu powers features do not see the sign of the input and grow with its scale") {
  const WaveletChain chain = many_chains()[0];
  const std::vector<Tensor> weights = random_filters(chain);
  const Tensor x = normal({5, 900}, "x"), flipped = x.clone(), doubled = x.clone();
  for (std::int64_t i = 0; i < x.numel(); ++i) flipped.mut<float>()[i] *= -1.0f;
  for (std::int64_t i = 0; i < x.numel(); ++i) doubled.mut<float>()[i] *= 8.0f;
  std::vector<double> want = features_of_chain(chain, x, weights).to_vector();
  CHECK(features_of_chain(chain, flipped, weights).to_vector() == want);
  for (double& v : want) v *= 8;
  CHECK(features_of_chain(chain, doubled, weights).to_vector() == want);  // a power of two: exactly
}

TEST_CASE("[FN F01] padding equals an input that is extended by zeros") {
  // Taps 6, stride 2: four zeros before are two more outputs, of which the first sees only zeros.
  const WaveletLevel level{6, 2};
  const std::vector<double> filter = normal({6}, "w", DType::f64).to_vector();
  std::vector<double> x = normal({31}, "x", DType::f64).to_vector();
  const std::vector<double> plain = reference::wavelet_level(level, x, filter);
  x.insert(x.begin(), 4, 0.0);
  x.insert(x.end(), 6, 0.0);
  const std::vector<double> extended = reference::wavelet_level(level, x, filter);
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(extended[i + 2] == plain[i]);
  CHECK(extended[0] == 0);
  CHECK(extended[1] == 0);
}

TEST_CASE("[FN N12] features and gradients keep their bits for any threads and any cut into calls") {
  MESSAGE("seed " << kSeed);
  const int before = threads();
  for (const WaveletChain& chain : many_chains())
    for (const double share : {0.0, 0.2}) {
      CAPTURE(chain.levels[0].taps);
      const std::int64_t windows = 5 * kWaveletBlock + 7, samples = 120;
      const Tensor x = normal({windows, samples}, "x"), d_out = normal({windows, chain.features()}, "d");
      const std::vector<Tensor> weights = random_filters(chain);
      const WaveletDropout dropout{share, Rng(8).stream("dropout"), 3, 1000};
      set_threads(1);
      const std::vector<double> features = features_of_chain(chain, x, weights, dropout).to_vector();
      const Gradients one = gradient_of(chain, x, weights, d_out, dropout);
      for (const int count : {2, 4}) {
        set_threads(count);
        CHECK(features_of_chain(chain, x, weights, dropout).to_vector() == features);
        const Gradients many = gradient_of(chain, x, weights, d_out, dropout);
        for (std::size_t k = 0; k < weights.size(); ++k)
          CHECK(many.weights[k].to_vector() == one.weights[k].to_vector());
        CHECK(many.x.to_vector() == one.x.to_vector());
      }
      // features in odd pieces
      std::vector<double> pieces;
      for (std::int64_t first = 0, size = 1; first < windows; first += size, size = 1 + first % 41) {
        WaveletDropout part = dropout;
        part.first_window += first;
        const Tensor rows = x.rows(first, std::min(size, windows - first));
        for (const double v : features_of_chain(chain, rows, weights, part).to_vector()) pieces.push_back(v);
      }
      CHECK(pieces == features);
      // gradients in whole blocks, added up
      std::vector<Tensor> sums;
      std::vector<Into> targets;
      for (const Tensor& w : weights) sums.push_back(Tensor::zeros(w.shape()));
      for (std::int64_t first = 0; first < windows; first += 2 * kWaveletBlock) {
        WaveletDropout part = dropout;
        part.first_window += first;
        targets.clear();
        for (const Tensor& s : sums) targets.push_back({&s, first > 0});
        const std::int64_t n = std::min(2 * kWaveletBlock, windows - first);
        wavelet_gradient(chain, x.rows(first, n), weights, d_out.rows(first, n), part, targets);
      }
      for (std::size_t k = 0; k < weights.size(); ++k) CHECK(sums[k].to_vector() == one.weights[k].to_vector());
    }
  set_threads(before);
}

TEST_CASE("[FN N12] both instruction sets give the same bits of features and gradients") {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) {
    MESSAGE("skipped: this machine has no AVX-512");
    return;
  }
  for (const WaveletChain& chain : many_chains())
    for (const bool rounded : {false, true}) {
      CAPTURE(chain.levels[0].taps);
      const std::int64_t windows = 53, samples = 301;
      const Tensor x = normal({windows, samples}, "x"), d_out = normal({windows, chain.features()}, "d");
      const std::vector<Tensor> weights = on_grid(random_filters(chain));
      const WaveletGrid grid{rounded, rounded, {9, true, 6}, {9, true, 6}};
      const WaveletDropout dropout{0.2, Rng(8).stream("dropout"), 3, 1000};
      const auto run = [&](const IsaTable& table) {
        std::vector<Tensor> all{Tensor::zeros({windows, chain.features()}), Tensor::zeros(x.shape())};
        for (const Tensor& w : weights) all.push_back(Tensor::zeros(w.shape()));
        std::vector<Into> targets;
        for (std::size_t k = 2; k < all.size(); ++k) targets.push_back({&all[k], false});
        lanes_features(chain, x, weights, all[0], dropout, grid, nullptr, table);
        lanes_gradient(chain, x, weights, d_out, dropout, targets, {&all[1], false}, grid, nullptr, table);
        WaveletMemory memory;
        lanes_features(chain, x, weights, all[0], dropout, grid, &memory, table);
        std::vector<Tensor> again;
        for (const Tensor& w : weights) again.push_back(Tensor::zeros(w.shape()));
        std::vector<Into> again_targets;
        for (const Tensor& w : again) again_targets.push_back({&w, false});
        lanes_gradient(chain, x, weights, d_out, dropout, again_targets, {}, grid, &memory, table);
        for (std::size_t k = 0; k < again.size(); ++k) CHECK(again[k].to_vector() == all[k + 2].to_vector());
        std::vector<std::vector<double>> numbers;
        for (const Tensor& t : all) numbers.push_back(t.to_vector());
        return numbers;
      };
      CHECK(run(avx2::table()) == run(avx512::table()));
    }
}

TEST_CASE("[FN N12] what the features kept changes no bit of the gradients") {
  MESSAGE("seed " << kSeed);
  const int before = threads();
  WaveletMemory memory;  // one for all chains and sizes
  for (const WaveletChain& chain : many_chains())
    for (const double share : {0.0, 0.2})
      for (const bool rounded : {false, true}) {
        CAPTURE(chain.levels[0].taps);
        const std::int64_t windows = 4 * kWaveletBlock + 7, samples = 130;
        const Tensor x = normal({windows, samples}, "x"), d_out = normal({windows, chain.features()}, "d");
        const std::vector<Tensor> weights = on_grid(random_filters(chain));
        const WaveletDropout dropout{share, Rng(8).stream("dropout"), 3, 1000};
        const WaveletGrid grid{rounded, rounded, {9, true, 6}, {9, true, 6}};
        const Gradients want = gradient_of(chain, x, weights, d_out, dropout, grid);
        const std::vector<double> features = features_of_chain(chain, x, weights, dropout, grid).to_vector();
        for (const int count : {1, 2, 4}) {
          set_threads(count);
          CHECK(features_of_chain(chain, x, weights, dropout, grid, &memory).to_vector() == features);
          const Gradients got = gradient_of(chain, x, weights, d_out, dropout, grid, &memory);
          for (std::size_t k = 0; k < weights.size(); ++k)
            CHECK(got.weights[k].to_vector() == want.weights[k].to_vector());
          CHECK(got.x.to_vector() == want.x.to_vector());
        }
        // in calls of whole blocks, a memory for each
        std::vector<Tensor> sums;
        for (const Tensor& w : weights) sums.push_back(Tensor::zeros(w.shape()));
        for (std::int64_t first = 0; first < windows; first += 2 * kWaveletBlock) {
          WaveletDropout part = dropout;
          part.first_window += first;
          std::vector<Into> targets;
          for (const Tensor& s : sums) targets.push_back({&s, first > 0});
          const std::int64_t n = std::min(2 * kWaveletBlock, windows - first);
          features_of_chain(chain, x.rows(first, n), weights, part, grid, &memory);
          wavelet_gradient(chain, x.rows(first, n), weights, d_out.rows(first, n), part, targets, {}, grid, &memory);
        }
        for (std::size_t k = 0; k < weights.size(); ++k) CHECK(sums[k].to_vector() == want.weights[k].to_vector());
      }
  set_threads(before);
}

TEST_CASE("[FN N12] kept features serve their own call only, and doubles keep none") {
  const WaveletChain chain{{{6, 2}, {4, 2}}};
  const Tensor x = normal({40, 50}, "x"), d_out = normal({40, chain.features()}, "d");
  const std::vector<Tensor> weights = random_filters(chain);
  const WaveletDropout dropout{0.2, Rng(8).stream("dropout"), 3, 0};
  WaveletMemory memory;
  const std::vector<double> want = gradient_of(chain, x, weights, d_out, dropout).x.to_vector();
  CHECK(gradient_of(chain, x, weights, d_out, dropout, {}, &memory).x.to_vector() == want);  // holds nothing
  features_of_chain(chain, x, weights, dropout, {}, &memory);
  WaveletDropout later = dropout;
  ++later.step;
  CHECK_THROWS_AS(gradient_of(chain, x, weights, d_out, later, {}, &memory), Error);
  CHECK_THROWS_AS(gradient_of(chain, x, weights, d_out, {}, {}, &memory), Error);
  const WaveletGrid grid{true, true, {9, true, 6}, {9, true, 6}};
  CHECK_THROWS_AS(gradient_of(chain, x, weights, d_out, dropout, grid, &memory), Error);
  CHECK_THROWS_AS(gradient_of(chain, x.rows(0, 32), weights, d_out.rows(0, 32), dropout, {}, &memory), Error);
  CHECK(gradient_of(chain, x, weights, d_out, dropout, {}, &memory).x.to_vector() == want);
  std::vector<Tensor> wide;
  for (const Tensor& w : weights) wide.push_back(w.to(DType::f64));
  const Tensor x_wide = x.to(DType::f64), d_wide = d_out.to(DType::f64);
  features_of_chain(chain, x_wide, wide, dropout, {}, &memory);
  CHECK(gradient_of(chain, x_wide, wide, d_wide, dropout, {}, &memory).x.to_vector() ==
        gradient_of(chain, x_wide, wide, d_wide, dropout).x.to_vector());
}

TEST_CASE("[FN N3] the float chain on its grid has the gradients of doubles, also where values saturate") {
  for (const WaveletChain& chain : many_chains()) {
    CAPTURE(chain.levels[0].taps);
    const Tensor x = normal({20, 150}, "x", DType::f32, 2), d_out = normal({20, chain.features()}, "d");
    const std::vector<Tensor> weights = on_grid(random_filters(chain));
    std::vector<Tensor> wide;
    for (const Tensor& w : weights) wide.push_back(w.to(DType::f64));
    const WaveletGrid grid{true, true, {9, true, 6}, {9, true, 6}};
    const WaveletDropout dropout{0.2, Rng(8).stream("dropout"), 3, 0};
    CHECK(features_of_chain(chain, x, weights, {}, grid).to_vector() ==
          features_of_chain(chain, x.to(DType::f64), wide, {}, grid).to_vector());
    const Gradients got = gradient_of(chain, x, weights, d_out, dropout, grid);
    const Gradients want = gradient_of(chain, x.to(DType::f64), wide, d_out.to(DType::f64), dropout, grid);
    for (std::size_t k = 0; k < weights.size(); ++k)
      CHECK(largest_difference(got.weights[k].to_vector(), want.weights[k].to_vector()) <=
            1e-5 * largest_of(want.weights[k].to_vector()));
    CHECK(largest_difference(got.x.to_vector(), want.x.to_vector()) <= 1e-5 * largest_of(want.x.to_vector()));
  }
}

TEST_CASE("[FN F01] dropout drops its share at addresses that tell windows, levels and steps apart") {
  const WaveletDropout dropout{0.2, Rng(5).stream("dropout"), 9, 0};
  const auto count = [](const WaveletDropout& d, std::int64_t window, std::int64_t level) {
    int dropped = 0;
    for (std::int64_t i = 0; i < 20000; ++i) dropped += d.drops(window, level, i) ? 1 : 0;
    return dropped;
  };
  CHECK(count(dropout, 0, 0) == doctest::Approx(4000).epsilon(0.05));
  const auto pattern = [](WaveletDropout d, std::uint64_t step, std::int64_t window, std::int64_t level) {
    d.step = step;
    std::uint64_t bits = 0;
    for (std::int64_t i = 0; i < 64; ++i) bits = 2 * bits + (d.drops(window, level, i) ? 1 : 0);
    return bits;
  };
  CHECK(pattern(dropout, 9, 0, 0) == pattern(dropout, 9, 0, 0));
  CHECK(pattern(dropout, 9, 0, 0) != pattern(dropout, 10, 0, 0));
  CHECK(pattern(dropout, 9, 0, 0) != pattern(dropout, 9, 1, 0));
  CHECK(pattern(dropout, 9, 0, 0) != pattern(dropout, 9, 0, 1));
}

TEST_CASE("[FN F01] dropped pass outputs change later features only, and on the average nothing") {
  const WaveletChain chain = {{{4, 2}, {4, 2}}};
  const std::vector<Tensor> weights{Tensor::full({4}, 0.5), Tensor::full({4}, 0.25), Tensor::full({4}, 0.5),
                                    Tensor::full({4}, 0.25)};
  const Tensor x = Tensor::full({400, 500}, 1);
  const auto plain = features_of_chain(chain, x, weights).to_vector();
  const auto thinned = features_of_chain(chain, x, weights, {0.5, Rng(5).stream("d"), 1, 0}).to_vector();
  std::vector<double> means(3, 0.0);
  for (std::size_t i = 0; i < thinned.size(); ++i) means[i % 3] += thinned[i] / 400;
  CHECK(means[0] == doctest::Approx(plain[0]).epsilon(1e-6));
  CHECK(thinned[1] != plain[1]);
  CHECK(means[1] == doctest::Approx(plain[1]).epsilon(0.01));
  CHECK(means[2] == doctest::Approx(plain[2]).epsilon(0.01));
}

TEST_CASE("[FN F02] chains and operands that do not fit are refused by name") {
  const Tensor x = Tensor::zeros({2, 50}), out = Tensor::zeros({2, 2});
  const std::vector<Tensor> weights{Tensor::zeros({4}), Tensor::zeros({4})};
  CHECK_THROWS_WITH_AS(WaveletChain{}.check(), "wavelet chain: 0 levels, wanted 1 to 32", Error);
  CHECK_THROWS_WITH_AS((WaveletChain{{{4, 2}, {4, 0}}}.check()),
                       "wavelet chain: level 1 has stride 0, wanted 1 to 4096", Error);
  CHECK_THROWS_AS((WaveletChain{{{0, 2}}}.check()), Error);
  CHECK_THROWS_AS((WaveletChain{{{4, 2, -1}}}.check()), Error);
  CHECK_THROWS_AS((WaveletChain{{{4, 2, 0, 0}}}.check()), Error);
  CHECK_THROWS_AS(wavelet_features({{{5, 2}}}, x, weights, out), Error);
  CHECK_THROWS_AS(wavelet_features({{{4, 2}, {4, 2}}}, x, weights, out), Error);
  CHECK_THROWS_AS(wavelet_features({{{4, 2}}}, x, weights, Tensor::zeros({2, 3})), Error);
  CHECK_THROWS_AS(wavelet_features({{{4, 2}}}, x.to(DType::f64), weights, out), Error);
  CHECK_THROWS_AS(wavelet_gradient({{{4, 2}}}, x, weights, out, {}, {}), Error);
  for (const double share : {1.0, 1.5, -0.1}) {
    const WaveletDropout dropout{share, Rng(1).stream("dropout"), 0, 0};
    CHECK_THROWS_AS(wavelet_features({{{4, 2}}}, x, weights, out, dropout), Error);
    CHECK_THROWS_AS(wavelet_gradient({{{4, 2}}}, x, weights, out, dropout, std::vector<Into>(2)), Error);
  }
  const Tensor none = Tensor::zeros({0, 50}), nothing = Tensor::zeros({0, 2});
  CHECK_NOTHROW(wavelet_features({{{4, 2}}}, none, weights, nothing));
}
