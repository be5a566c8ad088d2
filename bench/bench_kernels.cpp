// Matrix products (W7), the lanes kernels beside them, and the cost of one operation on sixteen numbers.
#include "core/kernels/dispatch.h"
#include "core/kernels/gemm.h"
#include "core/parallel/blocks.h"
#include "core/tensor/tensor.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/linear.h"

#include <benchmark/benchmark.h>

using namespace thimble;

namespace {

void gemm(benchmark::State& state, std::int64_t m, std::int64_t n, std::int64_t k) {
  const Tensor a = Tensor::full({m, k}, 0.5), b = Tensor::full({k, n}, 0.25), c = Tensor::zeros({m, n});
  const kernels::Gemm shape{m, n, k, k, n, n};
  for (auto _ : state) {
    kernels::gemm(shape, a.data<float>(), b.data<float>(), c.mut<float>());
    benchmark::DoNotOptimize(c.raw());
  }
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * static_cast<double>(m * n * k), benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(kernels::chosen_gemm(shape));
}

/// The same product with samples in the lanes: x [M, K], w [N, K].
void lanes(benchmark::State& state, std::int64_t m, std::int64_t n, std::int64_t k) {
  const Var x(Tensor::zeros({m, k}, DType::f32, Layout::lanes)), w(Tensor::full({n, k}, 0.25));
  for (auto _ : state) benchmark::DoNotOptimize(linear(x, w, Var()).value().raw());
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * static_cast<double>(m * n * k), benchmark::Counter::kIsIterationInvariantRate);
}

void dispatch(benchmark::State& state, bool recorded) {
  const Tensor a = Tensor::full({16}, 1), grad = Tensor::zeros({16});
  Tape tape;
  const TapeScope scope(tape);
  const Var x = recorded ? variable(a, grad) : constant(a), y = constant(a);
  for (auto _ : state) {
    benchmark::DoNotOptimize(add(x, y).value().raw());
    if (tape.size() > 1000) tape.clear();
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& [m, n, k] : {std::array{64, 64, 64},
                                {128, 128, 128},
                                {256, 256, 256},
                                {512, 512, 512},
                                {1024, 1024, 1024},
                                {2048, 81, 27},
                                {2048, 2, 81},
                                {27, 81, 2048},
                                {16, 81, 27},
                                {512, 16, 128},
                                {512, 128, 16},
                                {64, 128, 1568},
                                {5000, 2, 1536}}) {
    const std::string name = "W7.gemm/" + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
    const std::array<std::int64_t, 3> s{m, n, k};
    benchmark::RegisterBenchmark(name.c_str(), [s](benchmark::State& state) {
      gemm(state, s[0], s[1], s[2]);
    })->UseRealTime();
    if (m % 16 == 0)
      benchmark::RegisterBenchmark((name + "/lanes").c_str(), [s](benchmark::State& state) {
        lanes(state, s[0], s[1], s[2]);
      })->UseRealTime();
  }
  benchmark::RegisterBenchmark("W7.dispatch/add_16", [](benchmark::State& s) { dispatch(s, false); });
  benchmark::RegisterBenchmark("W7.dispatch/add_16_autograd", [](benchmark::State& s) { dispatch(s, true); });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
