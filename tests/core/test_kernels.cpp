#include "core/base/error.h"
#include "core/kernels/activation.h"
#include "core/kernels/dispatch.h"
#include "core/kernels/gemm.h"
#include "core/kernels/onednn.h"
#include "core/kernels/optimizer.h"
#include "core/random/philox.h"
#include "core/tensor/tensor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

using namespace thimble;
using namespace thimble::kernels;

namespace {

constexpr std::uint64_t kSeed = 31;

std::vector<float> random_floats(std::size_t n, std::string_view name, float low = -1, float high = 1) {
  const Stream stream = Rng(kSeed).stream(name);
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = low + (high - low) * stream.uniform(0, i);
  return x;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("the vectorised tanh is within 5e-7 of the C library, and NaN stays NaN") {
  std::vector<float> x;
  for (float v = -12.0f; v < 12.0f; v += 1.0f / 4096) x.push_back(v);
  x.insert(x.end(), {0.0f, -0.0f, 1e-30f, 1e30f, -1e30f, INFINITY, -INFINITY, std::nanf("")});
  std::vector<float> y(x.size());
  isa().activate(x.data(), y.data(), static_cast<i64>(x.size()), Act::tanh, 0);
  double worst = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) - std::tanh(static_cast<double>(x[i]))));
  CHECK(worst <= 5e-7);
  CHECK(std::isnan(y.back()));
}

TEST_CASE("the exponential behind selu is within 1e-6 of the C library") {
  const std::vector<float> x = random_floats(10000, "selu", -90, 2);
  std::vector<float> y(x.size());
  isa().activate(x.data(), y.data(), static_cast<i64>(x.size()), Act::selu, 0);
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK(std::abs(static_cast<double>(y[i]) - activate(Act::selu, static_cast<double>(x[i]))) <= 1e-6);
}

TEST_CASE("[R07] AVX2 and AVX-512 kernels give the same bits") {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) {
    MESSAGE("skipped: this CPU has no AVX-512");
    return;
  }
  const IsaTable &small = avx2::table(), &large = avx512::table();
  const i64 inputs = 27, outputs = 81;
  const auto both = [&](const auto& run, std::size_t size) {
    std::vector<float> a(size, 0.5f), b(size, 0.5f);
    run(small, a.data());
    run(large, b.data());
    return same_bits(a, b);
  };
  const std::vector<float> w = random_floats(static_cast<std::size_t>(inputs * outputs), "w"),
                           bias = random_floats(81, "b");
  for (const i64 groups : {1, 2, 3, 7, 32}) {
    CAPTURE(groups);
    const auto count = [&](i64 features) { return static_cast<std::size_t>(groups * features * 16); };
    const std::vector<float> x = random_floats(count(inputs), "x"), dz = random_floats(count(outputs), "dz");
    for (const bool add : {false, true}) {
      CHECK(both(
          [&](const IsaTable& t, float* y) {
            t.product({x.data(), w.data(), add ? nullptr : bias.data(), y, groups, outputs, inputs, inputs, 1,
                       add ? Act::none : Act::tanh, 0, add});
          },
          count(outputs)));
      CHECK(both(
          [&](const IsaTable& t, float* dw) {
            t.outer({dz.data(), x.data(), dw, groups, outputs, inputs, add});
          },
          static_cast<std::size_t>(inputs * outputs)));
      CHECK(both([&](const IsaTable& t, float* s) { t.feature_sums(dz.data(), s, groups, outputs, add); }, 81));
    }
    for (const Act act : {Act::tanh, Act::tanh_half, Act::softsign, Act::sigmoid, Act::selu, Act::leaky_relu})
      CHECK(both(
          [&](const IsaTable& t, float* y) { t.activate(x.data(), y, static_cast<i64>(x.size()) - 3, act, 0.01f); },
          x.size()));
    CHECK(small.squared_error(dz.data(), dz.data() + 16, bias.data(), groups * 16 - 5, outputs - 1) ==
          large.squared_error(dz.data(), dz.data() + 16, bias.data(), groups * 16 - 5, outputs - 1));
  }
  const std::vector<float> grad = random_floats(160, "grad");
  const auto step = [&](const IsaTable& t) {
    std::vector<float> p = random_floats(160, "p"), m(160, 0.1f), v(160, 0.2f);
    t.adam(p.data(), grad.data(), m.data(), v.data(), 160, {0.9f, 0.999f, 1e-8f, 1e-3f, 1e-6f, 0, 1.5f, 2.0f});
    return p;
  };
  CHECK(same_bits(step(small), step(large)));
}

TEST_CASE("rows turn into lanes and back without a change, whatever the sizes") {
  for (const i64 features : {1, 2, 15, 16, 27, 33, 81})
    for (const i64 samples : {1, 5, 16}) {
      const std::vector<float> data = random_floats(static_cast<std::size_t>(samples * features), "rows");
      std::vector<const float*> rows;
      for (i64 s = 0; s < samples; ++s) rows.push_back(data.data() + s * features);
      rows.resize(16, data.data());
      std::vector<float> lanes(static_cast<std::size_t>(features * 16), 7.0f), back(data.size());
      isa().transpose_in(rows.data(), samples, features, lanes.data());
      const Tensor want = Tensor::from(data, {samples, features}).to(Layout::lanes);
      CHECK(std::memcmp(lanes.data(), want.data<float>(), lanes.size() * sizeof(float)) == 0);
      isa().transpose_out(lanes.data(), samples, features, back.data(), features);
      CHECK(same_bits(back, data));
    }
}

TEST_CASE("both matrix libraries give the product of a plain loop, transposed or not, added or not") {
  for (const auto& [m, n, k] : {std::tuple{3, 5, 7}, std::tuple{64, 33, 70}, std::tuple{1, 81, 27}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const bool add : {false, true}) {
          const std::vector<float> a = random_floats(static_cast<std::size_t>(m * k), "a");
          const std::vector<float> b = random_floats(static_cast<std::size_t>(k * n), "b");
          const Gemm shape{m, n, k, ta ? m : k, tb ? k : n, n, ta, tb, add};
          std::vector<double> want(static_cast<std::size_t>(m * n), add ? 2.0 : 0.0);
          for (int i = 0; i < m; ++i)
            for (int j = 0; j < n; ++j)
              for (int q = 0; q < k; ++q)
                want[static_cast<std::size_t>(i * n + j)] +=
                    static_cast<double>(a[static_cast<std::size_t>(ta ? q * m + i : i * k + q)]) *
                    static_cast<double>(b[static_cast<std::size_t>(tb ? j * k + q : q * n + j)]);
          const auto near = [&](const std::vector<float>& c) {
            double worst = 0;
            for (std::size_t i = 0; i < c.size(); ++i)
              worst = std::max(worst, std::abs(static_cast<double>(c[i]) - want[i]));
            return worst < 1e-5;
          };
          std::vector<float> c(want.size(), 2.0f);
          gemm(shape, a.data(), b.data(), c.data());
          CHECK(near(c));
          if (onednn_available()) {
            std::fill(c.begin(), c.end(), 2.0f);
            onednn_gemm(shape, a.data(), b.data(), c.data());
            CHECK(near(c));
          }
        }
}

TEST_CASE("the fused Adam step on vectors agrees with the plain formula, both eps forms and all decays") {
  for (const EpsForm form : {EpsForm::torch, EpsForm::keras})
    for (const Decay decay : {Decay::none, Decay::l2, Decay::decoupled}) {
      const Adam rule{.eps = 1e-3, .eps_form = form, .decay = decay, .decay_rate = 0.1};
      std::vector<float> p = random_floats(37, "p"), m(37), v(37);
      std::vector<double> p64(p.begin(), p.end()), m64(37), v64(37);
      for (int t = 1; t <= 5; ++t) {
        const std::vector<float> g = random_floats(37, "g" + std::to_string(t));
        const std::vector<double> g64(g.begin(), g.end());
        adam_step(p.data(), g.data(), m.data(), v.data(), 37, rule, 0.01, t);
        adam_step(p64.data(), g64.data(), m64.data(), v64.data(), 37, rule, 0.01, t);
      }
      for (std::size_t i = 0; i < p.size(); ++i)
        CHECK(static_cast<double>(p[i]) == doctest::Approx(p64[i]).epsilon(1e-5));
    }
}

TEST_CASE("a frozen element keeps its value, a late one counts its own steps, a factor scales its rate") {
  std::vector<double> p(3, 1.0), g(3, 0.5), m(3), v(3);
  const std::vector<std::int64_t> steps{10, 1, 10};
  const std::vector<float> rate{1.0f, 1.0f, 0.5f}, gradient{0.0f, 1.0f, 1.0f};
  adam_step(p.data(), g.data(), m.data(), v.data(), 3, {}, 0.1, 10, {steps.data(), rate.data(), gradient.data()});
  CHECK(p[0] == 1.0);
  CHECK(p[1] == doctest::Approx(0.9));  // the first step of Adam moves by the learning rate
  const double first = 0.05 / (1 - std::pow(0.9, 10)), second = 0.00025 / (1 - std::pow(0.999, 10));
  CHECK(p[2] == doctest::Approx(1.0 - 0.05 * first / (std::sqrt(second) + 1e-8)));
}
