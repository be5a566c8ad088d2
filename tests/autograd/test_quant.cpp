#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/fixed/table.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include "autograd/ops/quant.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace thimble;

namespace {

const std::vector<fixed::Round> kRounds{fixed::Round::trn,      fixed::Round::trn_zero, fixed::Round::rnd,
                                        fixed::Round::rnd_zero, fixed::Round::rnd_inf,  fixed::Round::rnd_min_inf,
                                        fixed::Round::rnd_conv};
const std::vector<fixed::Overflow> kOverflows{fixed::Overflow::wrap, fixed::Overflow::sat, fixed::Overflow::sat_zero,
                                              fixed::Overflow::sat_sym, fixed::Overflow::wrap_mag};

/// Multiples of 1/64 around the range of the type, ties included, and numbers just beside ties.
std::vector<float> edge_values() {
  std::vector<float> x;
  for (int k = -700; k <= 700; ++k) {
    const float v = static_cast<float>(k) / 64;
    x.insert(x.end(), {v, std::nextafterf(v, 100.0f), std::nextafterf(v, -100.0f)});
  }
  return x;
}

}  // namespace

TEST_CASE("fake quantisation gives the values of core/fixed in every mode, float and double, rows and lanes") {
  const Tensor x = Tensor::from(edge_values());
  for (const bool is_signed : {true, false})
    for (const fixed::Round round : kRounds)
      for (const fixed::Overflow overflow : kOverflows) {
        if (overflow == fixed::Overflow::wrap_mag && !is_signed) continue;
        const fixed::Quantiser q{{6, is_signed, 3}, round, overflow};
        CAPTURE(q.str());
        const std::vector<double> in = x.to_vector();
        std::vector<double> want(in.size());
        for (std::size_t i = 0; i < in.size(); ++i) want[i] = q.type.value(fixed::convert(in[i], q));
        for (const DType dtype : {DType::f32, DType::f64})
          for (const Layout layout : {Layout::rows, Layout::lanes})
            CHECK(fake_quant(constant(x.to(dtype).to(layout)), q).value().to_vector() == want);
      }
}

TEST_CASE("the straight-through gradient passes, masks or masks the positive side") {
  const Tensor x = Tensor::from(std::vector<float>{-3.0f, -2.0f, -0.5f, 0.0f, 0.5f, 1.75f, 2.0f});
  const auto gradient = [&](fixed::Grad grad) {
    Tape tape;
    const TapeScope scope(tape);
    const Tensor dx = Tensor::zeros(x.shape());
    Tensor total;
    const Var y = fake_quant(variable(x, dx), {{4, true, 2}, fixed::Round::rnd_conv, fixed::Overflow::sat, grad});
    const Var s = record(
        "sum", {y}, {{}, DType::f32}, [](const Run& r) { *r.out().mut<float>() = 0; },
        [](const Run& r) { std::fill_n(r.d_in(0).tensor->mut<float>(), 7, 1.0f); });
    backward(s);
    return dx.to_vector();
  };
  CHECK(gradient(fixed::Grad::pass) == std::vector<double>{1, 1, 1, 1, 1, 1, 1});
  CHECK(gradient(fixed::Grad::mask) == std::vector<double>{0, 1, 1, 1, 1, 1, 0});
  CHECK(gradient(fixed::Grad::mask_pos) == std::vector<double>{0, 0, 0, 0, 1, 1, 0});
}

TEST_CASE("one fraction per row quantises each row of a weight by its own step") {
  const Tensor w = Tensor::from(std::vector<float>{0.3f, -0.3f, 0.3f, -0.3f}, {2, 2});
  fixed::Quantiser q{{8, true, 0}};
  q.channel_f = {1, 4};
  CHECK(fake_quant(constant(w), q).value().to_vector() == std::vector<double>{0.5, -0.5, 0.3125, -0.3125});
  CHECK_THROWS_AS(fake_quant(constant(w.to(Layout::lanes)), q), Error);
}

// Closed-form network of neurotrigger.md 9.1; expected integers from there (independent implementation of model A).
TEST_CASE("[NT N05] a table layer in training computes the integers of hardware model A") {
  const fixed::Quantiser input{{14, true, 12}, fixed::Round::trn_zero, fixed::Overflow::sat};
  const fixed::Quantiser weight{{17, true, 10}, fixed::Round::rnd_inf, fixed::Overflow::sat};
  std::vector<float> x(27), w0(81 * 27), b0(81), w1(2 * 81), b1(2);
  for (int i = 0; i < 27; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>(0.8 * std::cos(0.6 * i));
  for (int o = 0; o < 81; ++o) {
    for (int i = 0; i < 27; ++i)
      w0[static_cast<std::size_t>(o * 27 + i)] = static_cast<float>(0.25 * std::sin(0.7 * o + 1.3 * i + 0.2));
    b0[static_cast<std::size_t>(o)] = static_cast<float>(0.1 * std::cos(0.9 * o));
    for (int k = 0; k < 2; ++k)
      w1[static_cast<std::size_t>(k * 81 + o)] = static_cast<float>(0.3 * std::sin(0.5 * o + 2.1 * k + 0.4));
  }
  for (int k = 0; k < 2; ++k) b1[static_cast<std::size_t>(k)] = static_cast<float>(0.05 * (k + 1));
  std::vector<std::int32_t> entries;
  for (const std::int64_t v : fixed::saturating_tanh_half(22, 12, 12)) entries.push_back(static_cast<std::int32_t>(v));
  const Tensor table = Tensor::from(entries);
  kernels::LutSpec spec;
  spec.f_acc = 22;
  spec.drop = 12;
  spec.f_out = 12;
  spec.real = Act::tanh_half;
  const auto grid = [](const std::vector<float>& v, Shape s, const fixed::Quantiser& q) {
    return fake_quant(constant(Tensor::from(v, s)), q);
  };
  for (const Layout layout : {Layout::rows, Layout::lanes}) {
    const Var in(grid(x, {1, 27}, input).value().to(layout));
    const Var h = linear_lut(in, grid(w0, {81, 27}, weight), grid(b0, {81}, weight), table, spec, 2048);
    const Var y = linear_lut(h, grid(w1, {2, 81}, weight), grid(b1, {2}, weight), table, spec, 8192);
    const std::vector<double> hidden = h.value().to_vector(), out = y.value().to_vector();
    const std::vector<int> want{175, 195, 85, -53, -111, -61, 27, 65};
    for (std::size_t k = 0; k < want.size(); ++k) CHECK(hidden[k] * 4096 == want[k]);
    CHECK(out[0] * 4096 == 145);
    CHECK(out[1] * 4096 == 308);
  }
  CHECK_THROWS_AS(linear_lut(grid(x, {1, 27}, input), grid(w0, {81, 27}, weight), Var(), table, spec, 1e12), Error);
}
