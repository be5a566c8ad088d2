// The wavelet extractor (W1): training step and inference; its integers (W8.wavelet); one level alone (W7). Names and
// protocol: bench/README.md.
#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/kernels/integer_wavelet.h"
#include "core/kernels/wavelet_memory.h"
#include "core/parallel/blocks.h"

#include "nn/optim/optimizer.h"
#include "nn/parameter.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <filesystem>

using namespace thimble;

namespace {

constexpr std::int64_t kSamples = 900;

kernels::WaveletChain w1_chain() {
  return {{{40, 2}, {40, 2}, {40, 2}, {40, 2}, {40, 2}, {40, 2}, {40, 2}}};
}

Tensor normal(Shape shape, const char* name, double sigma) {
  const Tensor t = Tensor::empty(shape);
  const Stream stream = Rng(1).stream(name);
  float* out = t.mut<float>();
  parallel_blocks((t.numel() + 4095) / 4096, [&](std::int64_t block) {
    for (std::int64_t i = block * 4096; i < std::min(t.numel(), (block + 1) * 4096); ++i)
      out[i] = static_cast<float>(sigma * stream.normal(0, static_cast<std::uint64_t>(i)));
  });
  return t;
}

struct Extractor {
  kernels::WaveletChain chain = w1_chain();
  std::vector<Tensor> weights;
  Extractor() {
    for (std::size_t k = 0; k < 2 * chain.levels.size(); ++k)
      weights.push_back(normal({chain.levels[k / 2].taps}, std::to_string(k).c_str(), 0.2));
  }
};

void count(benchmark::State& state, double flop) {
  state.counters["GFLOP/s"] = benchmark::Counter(1e-9 * flop, benchmark::Counter::kIsIterationInvariantRate);
}

/// Multiply-adds of a step as every side counts them: padding zeros yes, recomputation and the gradient of the
/// network's input no.
double step_flop(const kernels::WaveletChain& chain, std::int64_t windows) {
  const auto all = static_cast<double>(chain.macs(kSamples));
  const double first = 2.0 * chain.levels[0].taps * static_cast<double>(chain.lengths(kSamples)[0]);
  return 2.0 * static_cast<double>(windows) * (3 * all - first);
}

void forward(benchmark::State& state, std::int64_t windows) {
  const Extractor net;
  const Tensor x = normal({windows, kSamples}, "x", 1), out = Tensor::zeros({windows, net.chain.features()});
  for (auto _ : state) {
    kernels::wavelet_features(net.chain, x, net.weights, out);
    benchmark::DoNotOptimize(out.raw());
  }
  count(state, 2.0 * static_cast<double>(windows * net.chain.macs(kSamples)));
}

/// All features, then all gradients, then the update: what the training of FENet calls, with a fixed gradient in place
/// of decoder and loss.
void step(benchmark::State& state, std::int64_t windows, double share) {
  const Extractor start;
  const Tensor x = normal({windows, kSamples}, "x", 1);
  const Tensor out = Tensor::zeros({windows, start.chain.features()});
  const Tensor d_out = normal(out.shape(), "g", 1 / static_cast<double>(windows));
  std::vector<nn::Parameter> parameters;
  std::vector<nn::NamedParameter> named;
  for (const Tensor& w : start.weights) {
    parameters.emplace_back(w.shape(), std::vector<nn::Axis>{nn::Axis::tap});
    copy_into(w, parameters.back().value);
  }
  for (nn::Parameter& p : parameters) named.push_back({std::to_string(named.size()), &p});
  const nn::FlatParameters flat(named);
  nn::Adam rule;
  rule.decay = kernels::Decay::decoupled;
  rule.decay_rate = 1.5e-5;
  nn::Optimizer optimizer(rule, flat);
  optimizer.set_rate(1.25e-3);
  std::vector<Tensor> weights;
  std::vector<kernels::Into> targets;
  for (nn::Parameter& p : parameters) weights.push_back(p.value);
  for (nn::Parameter& p : parameters) targets.push_back({&p.grad, false});
  kernels::WaveletDropout dropout{share, Rng(1).stream("dropout"), 0, 0};
  kernels::WaveletMemory memory;
  for (auto _ : state) {
    kernels::wavelet_features(start.chain, x, weights, out, dropout, {}, &memory);
    kernels::wavelet_gradient(start.chain, x, weights, d_out, dropout, targets, {}, {}, &memory);
    optimizer.step();
    ++dropout.step;
  }
  count(state, step_flop(start.chain, windows));
}

void integers(benchmark::State& state, kernels::WaveletPool pool) {
  Extractor net;
  net.chain.pool = pool;
  const auto q = kernels::quantise_chain(net.chain, net.weights, {9, true, 6}, {9, true, 6});
  const Tensor x = normal({768, kSamples}, "x", 1);
  for (auto _ : state) benchmark::DoNotOptimize(kernels::quantised_features(q, x).raw());
  state.counters["windows/s"] = benchmark::Counter(768, benchmark::Counter::kIsIterationInvariantRate);
}

/// Features, gradients and integers on the inputs that peers/w1.py wrote, for comparison before anything is timed.
void check_beside_peer(const std::filesystem::path& folder) {
  const auto read = [&](const char* name, Shape shape) {
    const std::string bytes = io::read_file(folder / (std::string(name) + ".f32"));
    const Tensor t = Tensor::empty(shape);
    THIMBLE_CHECK(bytes.size() == t.bytes(), data, name, ".f32 has ", bytes.size(), " bytes, ", t.bytes(),
                  " are wanted");
    std::memcpy(t.raw_mut(), bytes.data(), bytes.size());
    return t;
  };
  const auto write = [&](const char* name, const Tensor& t) {
    io::atomic_replace(folder / (std::string(name) + ".f32"), {static_cast<const char*>(t.raw()), t.bytes()});
  };
  kernels::WaveletChain chain = w1_chain();
  const Tensor x = read("w1_x", {192, kSamples}), d_out = read("w1_g", {192, chain.features()});
  const Tensor filters = read("w1_filters", {chain.weights()}), gradient = Tensor::zeros(filters.shape());
  const Tensor out = Tensor::zeros(d_out.shape());
  std::vector<Tensor> weights, gradients;
  std::vector<kernels::Into> targets;
  for (std::int64_t first = 0; first < chain.weights(); first += 40) {
    weights.push_back(filters.rows(first, 40));
    gradients.push_back(gradient.rows(first, 40));
  }
  for (const Tensor& g : gradients) targets.push_back({&g, false});
  kernels::WaveletMemory memory;
  kernels::wavelet_features(chain, x, weights, out, {}, {}, &memory);
  kernels::wavelet_gradient(chain, x, weights, d_out, {}, targets, {}, {}, &memory);
  write("w1_ours_features", out);
  write("w1_ours_gradient", gradient);
  const auto q = kernels::quantise_chain(chain, weights, {9, true, 6}, {9, true, 6});
  write("w1_ours_integers", kernels::quantised_features(q, x).to(DType::f32));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--check") {
    check_beside_peer(argv[2]);
    return 0;
  }
  using benchmark::RegisterBenchmark;
  const auto in_ms = [](benchmark::internal::Benchmark* b) { b->UseRealTime()->Unit(benchmark::kMillisecond); };
  for (const std::int64_t windows : {12288, 768, 192}) {
    const std::string n = "_N" + std::to_string(windows);
    in_ms(RegisterBenchmark(("W1.train/step" + n).c_str(), [=](benchmark::State& s) { step(s, windows, 0); }));
    in_ms(RegisterBenchmark(("W1.train/step" + n + "/dropout0.2").c_str(),
                            [=](benchmark::State& s) { step(s, windows, 0.2); }));
    in_ms(RegisterBenchmark(("W1.infer/forward" + n).c_str(), [=](benchmark::State& s) { forward(s, windows); }));
  }
  using kernels::WaveletPool;
  in_ms(RegisterBenchmark("W8.wavelet/w9f6_N768/mean", [](benchmark::State& s) { integers(s, WaveletPool::mean); }));
  in_ms(RegisterBenchmark("W8.wavelet/w9f6_N768/bitshift",
                          [](benchmark::State& s) { integers(s, WaveletPool::bitshift); }));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
