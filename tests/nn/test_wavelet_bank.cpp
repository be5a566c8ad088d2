// Daubechies filters, and the wavelet bank as a layer of a network.
#include "core/base/error.h"
#include "core/io/hdf5_foreign.h"
#include "core/kernels/integer_wavelet.h"

#include "autograd/ops/loss.h"
#include "autograd/program.h"

#include "nn/daubechies.h"
#include "nn/graph/graph.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::nn;

namespace {

WaveletBank small_bank(double dropout = 0) {
  WaveletBank bank;
  bank.taps = {6, 4, 3};
  bank.strides = {2, 1, 2};
  bank.relu_powers = {0, 1, 0};
  bank.features = {1, 2, 1};
  bank.dropout = dropout;
  return bank;
}

Graph bank_graph(WaveletBank bank, Shape sample = Shape{50}) {
  Graph graph(sample);
  graph.add("layers", std::move(bank));
  const Stream stream = Rng(6).stream("weights");
  std::uint64_t index = 0;
  for_each_parameter(graph, [&](const std::string&, Parameter& p) {
    for (std::int64_t i = 0; i < p.value.numel(); ++i)
      p.value.mut<float>()[i] = static_cast<float>(0.4 * stream.normal(0, index++));
  });
  return graph;
}

Tensor bank_input(Shape shape) {
  const Tensor x = Tensor::empty(shape);
  const Stream stream = Rng(6).stream("x");
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.mut<float>()[i] = static_cast<float>(stream.normal(0, static_cast<std::uint64_t>(i)));
  return x;
}

}  // namespace

TEST_CASE("[FN F05] Daubechies filters are orthonormal to their even shifts and kill polynomials") {
  for (int order = 1; order <= 20; ++order) {
    CAPTURE(order);
    const Wavelet w = daubechies(order);
    REQUIRE(w.low.size() == static_cast<std::size_t>(2 * order));
    double sum = 0, moment = 0;
    for (std::size_t k = 0; k < w.low.size(); ++k) {
      sum += w.low[k];
      moment += w.high[k] * std::pow(static_cast<double>(k) / 10, std::min(order - 1, 3));
    }
    CHECK(sum == doctest::Approx(std::sqrt(2.0)).epsilon(1e-14));
    CHECK(std::abs(moment) < 1e-12);
    for (std::size_t shift = 0; shift < w.low.size(); shift += 2) {
      double dot = 0, cross = 0;
      for (std::size_t k = 0; k + shift < w.low.size(); ++k) {
        dot += w.low[k] * w.low[k + shift];
        cross += w.low[k] * w.high[k + shift];
      }
      CHECK(dot == doctest::Approx(shift == 0 ? 1.0 : 0.0).epsilon(1e-14).scale(1));
      CHECK(std::abs(cross) < 1e-14);
    }
  }
  CHECK(daubechies(2).low[0] == doctest::Approx(-0.12940952255126037).epsilon(1e-15));
  CHECK_THROWS_AS(daubechies(0), Error);
  CHECK_THROWS_AS(daubechies(21), Error);
}

TEST_CASE("[FN F05] Daubechies filters equal the published tables, as floats bit for bit") {
  THIMBLE_SHARED(path, "data/fenet/daubechies.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  for (int order = 1; order <= 20; ++order) {
    CAPTURE(order);
    const auto table = [&](const char* name) {
      return tree.datasets.at("/db" + std::to_string(order) + "/" + name).numbers.doubles();
    };
    Wavelet w = daubechies(order);
    const auto low = table("dec_lo"), high = table("dec_hi");
    for (std::size_t k = 0; k < low.size(); ++k) {
      CHECK(std::abs(w.low[k] - low[k]) <= 1e-15);
      CHECK(std::abs(w.high[k] - high[k]) <= 1e-15);
    }
    std::reverse(w.low.begin(), w.low.end());
    std::reverse(w.high.begin(), w.high.end());
    CHECK(Tensor::from(w.low).to(DType::f32).to_vector() == table("init_pass"));
    CHECK(Tensor::from(w.high).to(DType::f32).to_vector() == table("init_feat"));
  }
}

TEST_CASE("[FN F02] a wavelet bank has filters per level, counts its work and survives JSON") {
  const Graph graph = bank_graph(small_bank(0.25));
  std::vector<std::string> paths;
  for_each_parameter(graph, [&](const std::string& path, const Parameter&) { paths.push_back(path); });
  CHECK(paths == std::vector<std::string>{"layers.0.feat", "layers.0.pass", "layers.1.feat", "layers.1.pass",
                                          "layers.2.feat", "layers.2.pass"});
  CHECK(graph.output_shape() == Shape{5});
  // outputs 27, 30, 16
  CHECK(total(costs(graph)).macs == 2 * (27 * 6 + 30 * 4 + 16 * 3));
  CHECK(total(costs(graph)).parameters == 26);
  Graph again = graph_from_json(to_json(graph));
  copy_weights(graph, again);
  CHECK(to_json(again) == to_json(graph));
  const Var x = constant(bank_input({9, 50}));
  CHECK(again(x).value().to_vector() == graph(x).value().to_vector());
}

TEST_CASE("[FN F02] one bank serves all channels and puts their features side by side") {
  const Graph shared = bank_graph(small_bank(), Shape{3, 50}), single = bank_graph(small_bank());
  const Tensor x = bank_input({4, 3, 50});
  const Tensor y = shared(constant(x)).value();
  CHECK(y.shape() == Shape{4, 15});
  CHECK(y.to_vector() == single(constant(x.reshape({12, 50}))).value().to_vector());
  // channels change places, blocks of features do too
  const Tensor swapped = x.clone();
  for (std::int64_t b = 0; b < 4; ++b)
    for (std::int64_t t = 0; t < 50; ++t)
      std::swap(swapped.mut<float>()[(b * 3 + 0) * 50 + t], swapped.mut<float>()[(b * 3 + 2) * 50 + t]);
  const Tensor moved = shared(constant(swapped)).value();
  for (std::int64_t b = 0; b < 4; ++b)
    for (std::int64_t f = 0; f < 5; ++f) {
      CHECK(moved.data<float>()[b * 15 + f] == y.data<float>()[b * 15 + 10 + f]);
      CHECK(moved.data<float>()[b * 15 + 5 + f] == y.data<float>()[b * 15 + 5 + f]);
    }
}

TEST_CASE("[FN N12] a step of a wavelet bank replays to the bits of the eager one, dropout included") {
  Graph graph = bank_graph(small_bank(0.3));
  const Tensor x = bank_input({40, 50});
  StepState state;
  const Pass pass{&state, Rng(2).stream("dropout")};
  const auto gradients = [&] {
    std::vector<double> all;
    for_each_parameter(graph, [&](const std::string&, const Parameter& p) {
      for (const double v : p.grad.to_vector()) all.push_back(v);
    });
    return all;
  };
  const auto step = [&] { backward(sum(graph(constant(x), pass))); };
  const Program program = Program::capture(step);
  std::vector<std::vector<double>> replayed, eager;
  for (state.step = 0; state.step < 3; ++state.step) {
    program.run();
    replayed.push_back(gradients());
  }
  for (state.step = 0; state.step < 3; ++state.step) {
    Tape tape;
    const TapeScope scope(tape);
    step();
    eager.push_back(gradients());
  }
  CHECK(replayed == eager);
  CHECK(eager[0] != eager[1]);  // another step, other masks
}

TEST_CASE("[FN N3] a bank with formats computes the integers of the chip and lets gradients through") {
  for (const kernels::WaveletPool pool : {kernels::WaveletPool::mean, kernels::WaveletPool::bitshift})
    for (const auto& format : {std::pair{9, 6}, {6, 3}, {16, 13}}) {
      const int w = format.first, f = format.second;
      CAPTURE(w);
      WaveletBank bank = small_bank();
      bank.pool = pool;
      bank.weight_format = fixed::Quantiser{{w, true, f}, fixed::Round::rnd_conv, fixed::Overflow::sat};
      bank.activation_format = fixed::parse_quantiser(text::cat("(", w, ",", f, ")"));
      Graph graph = bank_graph(bank);
      const auto& made = std::get<WaveletBank>(*graph.find("layers"));
      const Tensor x = bank_input({40, 50});
      const auto integers =
          kernels::quantised_features(kernels::quantise_chain(made.chain(), made.weights(), {w, true, f}, {w, true, f}),
                                      x, kernels::IntegerRoute::i64);
      std::vector<double> want = integers.to_vector();
      for (double& v : want) v = std::ldexp(v, -f);
      Tape tape;
      const TapeScope scope(tape);
      const Var y = graph(constant(x));
      CHECK(y.value().to_vector() == want);
      backward(sum(y));
      for (const auto& level : made.filters) {
        double size = 0;
        for (const double v : level.pass.grad.to_vector()) size += std::abs(v);
        CHECK(size > 0);
      }
      CHECK(to_json(graph_from_json(to_json(graph))) == to_json(graph));
    }
}

TEST_CASE("[FN F02] settings of a wavelet bank that do not fit together are refused by name") {
  const auto refused = [](const auto& change) {
    WaveletBank bank = small_bank();
    change(bank);
    Graph graph(Shape{50});
    CHECK_THROWS_AS(graph.add("layers", bank), Error);
  };
  refused([](WaveletBank& b) { b.strides.pop_back(); });
  refused([](WaveletBank& b) { b.taps[0] = 0; });
  refused([](WaveletBank& b) { b.taps[0] = 1 << 20; });
  refused([](WaveletBank& b) { b.dropout = 1; });
  refused([](WaveletBank& b) { b.weight_format = fixed::Quantiser{{9, true, 6}}; });
  refused([](WaveletBank& b) {
    b.weight_format = fixed::Quantiser{{9, true, 6}};
    b.activation_format = fixed::Quantiser{{9, true, 6}};  // saturates at both ends of the type
  });
  refused([](WaveletBank& b) { b.taps = b.strides = b.relu_powers = b.features = {}; });
  CHECK_THROWS_AS(small_bank().output_shape(Shape{2, 3, 50}), Error);
  CHECK_THROWS_AS(wavelet_pool("max"), Error);
}
