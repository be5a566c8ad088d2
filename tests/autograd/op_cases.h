#pragma once
// One list of operation cases, read by the conformance tests and by bench/bench_ops. A new operation gets a line here
// and is then checked for values, gradients in double, float against double, both layouts, replay, thread counts and
// refusals.

#include "autograd/ops/batch_norm.h"
#include "autograd/ops/channel_map.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"
#include "autograd/ops/loss.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/wavelet.h"

#include <functional>
#include <string>
#include <vector>

namespace thimble::test {

using Vars = std::vector<Var>;

struct OpInput {
  std::string name;
  Shape shape;
  bool batch = true;          // dimension 0 is the batch: also tried in the lanes layout
  double low = -2, high = 2;  // range of the random values
};

struct OpCase {
  std::string name;
  std::vector<OpInput> inputs;
  std::function<Var(const Vars&)> run;
  /// Values computed plainly in double from row-major inputs; empty: checked elsewhere.
  std::function<std::vector<double>(const std::vector<std::vector<double>>&)> reference = {};
  /// Input shapes that must be refused with Error.
  std::vector<std::vector<Shape>> must_throw = {};
  double f32_tolerance = 2e-6;
};

using Values = std::vector<std::vector<double>>;

inline std::vector<double> plain_linear(const Values& v, std::size_t in, std::size_t out, Activation act) {
  std::vector<double> y;
  for (std::size_t b = 0; b < v[0].size() / in; ++b)
    for (std::size_t o = 0; o < out; ++o) {
      double sum = v.size() > 2 ? v[2][o] : 0;
      for (std::size_t i = 0; i < in; ++i) sum += v[0][b * in + i] * v[1][o * in + i];
      y.push_back(kernels::activate(act, sum));
    }
  return y;
}

template <class F>
std::function<std::vector<double>(const Values&)> each(F f) {
  return [f](const Values& v) {
    std::vector<double> y(v[0].size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = f(v[0][i], v.size() > 1 ? v[1][i] : 0.0);
    return y;
  };
}

inline OpCase linear_case(std::int64_t batch, std::int64_t in, std::int64_t out, Activation act) {
  return {.name = "linear " + std::to_string(in) + "-" + std::to_string(out) + " " + name_of(act.kind) + " batch " +
                  std::to_string(batch),
          .inputs = {{"x", {batch, in}}, {"w", {out, in}, false, -0.5, 0.5}, {"b", {out}, false}},
          .run = [act](const Vars& v) { return linear(v[0], v[1], v[2], act); },
          .reference =
              [=](const Values& v) {
                return plain_linear(v, static_cast<std::size_t>(in), static_cast<std::size_t>(out), act);
              },
          .must_throw = {{{batch, in}, {out, in + 1}, {out}},
                         {{batch, in}, {out, in}, {out + 1}},
                         {{batch}, {out, in}, {out}}},
          .f32_tolerance = 1e-5};
}

/// What recorded operations point to; dropout draws are those of step 3.
inline const WaveletSettings& wavelet_settings() {
  static const WaveletSettings settings{{{{6, 2, 1, 2}, {3, 1}, {4, 3}}}, 0.2};
  return settings;
}
inline const std::uint64_t& wavelet_step() {
  static const std::uint64_t step = 3;
  return step;
}

inline std::vector<double> plain_wavelet(const Values& v) {
  const Tensor x = Tensor::from(v[0], {70, 31}), filters = Tensor::from(v[1]);
  const Tensor out = Tensor::zeros({70, wavelet_settings().chain.features()}, DType::f64);
  std::vector<Tensor> weights;
  std::int64_t first = 0;
  for (const kernels::WaveletLevel& level : wavelet_settings().chain.levels)
    for (int branch = 0; branch < 2; ++branch, first += level.taps) weights.push_back(filters.rows(first, level.taps));
  kernels::reference::wavelet_features(wavelet_settings().chain, x, weights, out);
  return out.to_vector();
}

inline std::vector<OpCase> op_cases() {
  std::vector<OpCase> cases;
  for (const std::int64_t batch : {1, 5, 16, 40, 1100}) cases.push_back(linear_case(batch, 3, 2, Act::tanh));
  cases.push_back(linear_case(70, 27, 81, Act::tanh));
  cases.push_back(linear_case(33, 81, 2, Act::tanh_half));
  cases.push_back(linear_case(7, 17, 13, Act::none));
  cases.push_back(linear_case(20, 1, 1, Act::sigmoid));
  for (const Act act : {Act::none, Act::tanh, Act::tanh_half, Act::softsign, Act::relu, Act::sigmoid, Act::leaky_relu,
                        Act::selu, Act::hard_sigmoid}) {
    cases.push_back({.name = "activate " + name_of(act),
                     .inputs = {{"x", {37, 3}}},
                     .run = [act](const Vars& v) { return activate(v[0], act); },
                     .reference = each([act](double x, double) { return kernels::activate(act, x); })});
  }
  cases.push_back({.name = "activate leaky_relu slope -1",
                   .inputs = {{"x", {5, 7}}},
                   .run =
                       [](const Vars& v) {
                         return activate(v[0], {Act::leaky_relu, -1.0});
                       },
                   .reference = each([](double x, double) { return x > 0 ? x : -x; })});
  cases.push_back({.name = "add",
                   .inputs = {{"a", {4, 3}}, {"b", {4, 3}}},
                   .run = [](const Vars& v) { return add(v[0], v[1]); },
                   .reference = each([](double a, double b) { return a + b; }),
                   .must_throw = {{{4, 3}, {3, 4}}}});
  cases.push_back({.name = "add to itself",
                   .inputs = {{"a", {4, 3}}},
                   .run = [](const Vars& v) { return add(v[0], v[0]); },
                   .reference = each([](double a, double) { return a + a; })});
  cases.push_back({.name = "sub",
                   .inputs = {{"a", {4, 3}}, {"b", {4, 3}}},
                   .run = [](const Vars& v) { return sub(v[0], v[1]); },
                   .reference = each([](double a, double b) { return a - b; }),
                   .must_throw = {{{4, 3}, {4, 2}}}});
  cases.push_back({.name = "mul",
                   .inputs = {{"a", {18, 3}}, {"b", {18, 3}}},
                   .run = [](const Vars& v) { return mul(v[0], v[1]); },
                   .reference = each([](double a, double b) { return a * b; }),
                   .must_throw = {{{4, 3}, {4, 2}}}});
  cases.push_back({.name = "scale",
                   .inputs = {{"x", {2, 9}}},
                   .run = [](const Vars& v) { return scale(v[0], -2.5); },
                   .reference = each([](double x, double) { return -2.5 * x; })});
  cases.push_back({.name = "square",
                   .inputs = {{"x", {2, 9}}},
                   .run = [](const Vars& v) { return square(v[0]); },
                   .reference = each([](double x, double) { return x * x; })});
  cases.push_back({.name = "reshape", .inputs = {{"x", {6, 4}}}, .run = [](const Vars& v) {
                     return square(reshape(v[0], {6, 2, 2}));
                   }});
  cases.push_back(
      {.name = "flatten", .inputs = {{"x", {6, 2, 3}}}, .run = [](const Vars& v) { return square(flatten(v[0])); }});
  for (const auto& [kind, name] : {std::pair{LossKind::mse, "mse"}, std::pair{LossKind::mae, "mae"},
                                   std::pair{LossKind::huber, "huber"}, std::pair{LossKind::msle, "msle"}}) {
    const Loss l{kind, 0.7};
    const auto weights = Tensor::from(std::vector<double>{1, 0.25});
    cases.push_back({.name = std::string("loss ") + name,
                     .inputs = {{"y", {1030, 2}, true, 0, 2}, {"t", {1030, 2}, true, 0, 2}},
                     .run = [l](const Vars& v) { return loss(v[0], constant(v[1].value()), l); },
                     .must_throw = {{{4, 2}, {4, 3}}}});
    cases.push_back({.name = std::string("loss ") + name + " weighted",
                     .inputs = {{"y", {19, 2}, true, 0, 2}, {"t", {19, 2}, true, 0, 2}},
                     .run = [l, weights](const Vars& v) { return loss(v[0], constant(v[1].value()), l, weights); }});
    cases.push_back(
        {.name = std::string("sample_losses ") + name,
         .inputs = {{"y", {19, 2}, true, 0, 2}, {"t", {19, 2}, true, 0, 2}},
         .run = [l, weights](const Vars& v) { return sample_losses(v[0], constant(v[1].value()), l, weights); }});
  }
  cases.push_back({.name = "cross_entropy",
                   .inputs = {{"y", {6, 4}}},
                   .run =
                       [](const Vars& v) {
                         return cross_entropy(v[0], Tensor::from(std::vector<std::int32_t>{0, 3, 1, 2, 2, 0}));
                       },
                   .must_throw = {{{5, 4}}}});
  cases.push_back({.name = "concat",
                   .inputs = {{"a", {3}, false}, {"b", {1}, false}, {"c", {5}, false}},
                   .run =
                       [](const Vars& v) {
                         return square(concat(Vars{v[0], v[1], v[2], v[0], v[1], v[2], v[0]}));
                       },
                   .must_throw = {{{3}, {1, 1}, {5}}}});
  for (const bool training : {false, true})
    cases.push_back({.name = training ? "wavelet_features training" : "wavelet_features",
                     .inputs = {{"x", {70, 31}, false}, {"filters", {26}, false}},
                     .run =
                         [training](const Vars& v) {
                           return wavelet_features(v[0], v[1], wavelet_settings(), Rng(4).stream("dropout"),
                                                   training ? &wavelet_step() : nullptr);
                         },
                     .reference = training ? nullptr : std::function<std::vector<double>(const Values&)>(plain_wavelet),
                     .must_throw = {{{70, 31}, {25}}},
                     .f32_tolerance = 1e-5});
  for (const bool shared : {true, false})
    cases.push_back({.name = shared ? "channel_map shared" : "channel_map per channel",
                     .inputs = {{"x", {21, 6}, false}, {"w", shared ? Shape{3, 2} : Shape{2, 3, 2}, false}},
                     .run = [](const Vars& v) { return channel_map(v[0], v[1]); },
                     .reference =
                         [shared](const Values& v) {
                           std::vector<double> y(84, 0.0);
                           for (std::size_t i = 0; i < 84; ++i)
                             for (std::size_t n = 0; n < 3; ++n)
                               y[i] += v[0][i / 2 * 3 + n] * v[1][(shared ? 0 : i / 2 % 2 * 6) + n * 2 + i % 2];
                           return y;
                         },
                     .must_throw = {{{21, 7}, {3, 2}}, {{21, 6}, {3, 3, 2}}},
                     .f32_tolerance = 1e-5});
  cases.push_back({.name = "mean", .inputs = {{"x", {21, 3}}}, .run = [](const Vars& v) { return mean(v[0]); }});
  cases.push_back({.name = "sum", .inputs = {{"x", {21, 3}}}, .run = [](const Vars& v) { return sum(v[0]); }});
  cases.push_back({.name = "weighted_mean",
                   .inputs = {{"x", {5}}},
                   .run =
                       [](const Vars& v) {
                         const Tensor weights = Tensor::from(std::vector<double>{1, 0, 2, -1, 0.5});
                         return weighted_mean(v[0], weights.to(v[0].dtype()).to(v[0].layout()));
                       },
                   .must_throw = {{{6}}}});
  for (const bool training : {true, false})
    cases.push_back({.name = training ? "batch_norm training" : "batch_norm evaluation",
                     .inputs = {{"x", {21, 3}}, {"gamma", {3}, false, 0.5, 2}, {"beta", {3}, false}},
                     .run =
                         [training](const Vars& v) {
                           const Tensor mean = Tensor::full({3}, 0.1, v[0].dtype()),
                                        var = Tensor::full({3}, 0.9, v[0].dtype());
                           return batch_norm(v[0], v[1], v[2], mean, var, {.training = training});
                         },
                     .must_throw = {{{4, 2}, {3}, {3}}},
                     .f32_tolerance = 1e-5});
  return cases;
}

}  // namespace thimble::test
