// Gaussian processes (W6): likelihood with its gradient, fits, predictions. Twelve inputs, standardised targets.
#include "core/linalg/gp.h"
#include "core/linalg/stats.h"
#include "core/random/philox.h"

#include "nn/search/fit.h"

#include <benchmark/benchmark.h>

#include <cmath>

using namespace thimble;

namespace {

constexpr std::size_t kInputs = 12;

struct GpData {
  linalg::Points x;
  std::vector<double> y;
};

/// Uniform points and a smooth target with a little noise, mean 0 and deviation 1.
GpData gp_data(std::size_t n) {
  const Stream stream = Rng(6).stream("gp");
  GpData data;
  data.x.dims = kInputs;
  for (std::size_t i = 0; i < n; ++i) {
    double along = 0;
    for (std::size_t k = 0; k < kInputs; ++k) {
      data.x.values.push_back(stream.uniform64(i, k));
      along += data.x.values.back() * stream.stream("weights").normal(0, k);
    }
    const double first = data.x.row(i)[0];
    data.y.push_back(std::sin(3 * along / std::sqrt(12.0)) + 0.3 * first * first +
                     0.05 * stream.stream("noise").normal(i, 0));
  }
  const double mean = linalg::mean(data.y), deviation = linalg::standard_deviation(data.y, linalg::Divisor::n);
  for (double& y : data.y) y = (y - mean) / deviation;
  return data;
}

void likelihood(benchmark::State& state, std::size_t n) {
  const GpData data = gp_data(n);
  const linalg::GpSettings settings = linalg::gp_preset("w6", kInputs);
  const std::vector<double> at = linalg::gp_packed(settings.start, settings);
  std::vector<double> gradient(at.size());
  for (auto _ : state) benchmark::DoNotOptimize(linalg::gp_objective(data.x, data.y, settings, at, gradient));
}

void fit(benchmark::State& state, std::size_t n) {
  const GpData data = gp_data(n);
  const linalg::GpSettings settings = linalg::gp_preset("w6", kInputs);
  std::size_t evaluations = 0;
  for (auto _ : state) evaluations = nn::search::fit_gp(data.x, data.y, settings, 1).evaluations;
  state.counters["evaluations"] = static_cast<double>(evaluations);
}

void predict(benchmark::State& state, std::size_t n) {
  const GpData data = gp_data(n), at = gp_data(1000);
  const linalg::GpSettings settings = linalg::gp_preset("w6", kInputs);
  const linalg::GaussianProcess model(data.x, data.y, settings.start);
  for (auto _ : state) benchmark::DoNotOptimize(model.predict(at.x));
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::size_t n : {std::size_t{100}, std::size_t{200}, std::size_t{300}, std::size_t{500}}) {
    const auto name = [n](const char* what) { return std::string("W6.gp/") + what + "_n" + std::to_string(n); };
    benchmark::RegisterBenchmark((name("lml_and_gradient") + "_d12").c_str(), likelihood, n)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(name("fit").c_str(), fit, n)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(name("predict1000_std").c_str(), predict, n)->Unit(benchmark::kMicrosecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
