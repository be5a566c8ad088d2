// Partial least squares and what stands behind it in one training step of a decoder (W5): 192 channels of 8 features.
// Names and protocol: bench/README.md.
#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/linalg/least_squares.h"
#include "core/linalg/pls.h"
#include "core/linalg/stats.h"
#include "core/random/philox.h"
#include "core/tensor/tensor.h"

#include "apps/fenet/train/session_step.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

using namespace thimble;

namespace {

constexpr std::int64_t kRows = 5000, kChannels = 192, kFeatures = 8, kColumns = kChannels * kFeatures, kAxes = 2;

struct Data {
  Tensor x, y;  // [5000, 1536], [5000, 2]
};

/// x = 0.3 y B + noise, all standard normal.
Data data_as(DType dtype) {
  const Stream stream = Rng(5).stream("w5");
  const auto normal = [&](std::uint64_t part, std::int64_t i) {
    return stream.normal(part, static_cast<std::uint64_t>(i));
  };
  Data data{Tensor::empty({kRows, kColumns}, DType::f64), Tensor::empty({kRows, kAxes}, DType::f64)};
  auto *x = data.x.mut<double>(), *y = data.y.mut<double>();
  for (std::int64_t i = 0; i < kRows * kAxes; ++i) y[i] = normal(0, i);
  for (std::int64_t j = 0; j < kColumns; ++j) {
    const double b0 = 0.3 * normal(1, j), b1 = 0.3 * normal(2, j);
    for (std::int64_t i = 0; i < kRows; ++i)
      x[i * kColumns + j] = y[i * kAxes] * b0 + y[i * kAxes + 1] * b1 + normal(3, i * kColumns + j);
  }
  return {data.x.to(dtype), data.y.to(dtype)};
}

/// W5.big takes the direction itself; the fits inside the training iterate as scikit-learn does at its default.
linalg::PlsOptions big_options() {
  linalg::PlsOptions options;
  options.components = 10;
  options.solver = linalg::PlsSolver::svd;
  return options;
}

void big(benchmark::State& state, const Data& data) {
  for (auto _ : state) benchmark::DoNotOptimize(linalg::fit_pls(data.x, data.y, big_options()).found);
}

void channels(benchmark::State& state, const Data& data) {
  for (auto _ : state) benchmark::DoNotOptimize(linalg::fit_channel_pls(data.x, kChannels, data.y).channels);
}

double r2(const Tensor& truth, const Tensor& predicted) {
  const auto size = static_cast<std::size_t>(truth.numel());
  const std::span<const double> guess(predicted.data<double>(), size);
  if (truth.dtype() == DType::f32) return linalg::joint_r2(std::span(truth.data<float>(), size), guess, kAxes);
  return linalg::joint_r2(std::span(truth.data<double>(), size), guess, kAxes);
}

/// What a training step of FENet calls: rotations, rotated columns, least squares, predictions, and the gradient of the
/// loss with respect to x, which the peer does not form; R2 besides.
void decoder(benchmark::State& state, const Data& data) {
  for (auto _ : state) {
    const fenet::LossResult out = fenet::decoder_loss(data.x, kChannels, data.y, {});
    benchmark::DoNotOptimize(r2(data.y, out.predicted));
  }
}

void lstsq(benchmark::State& state, const Data& data) {
  const linalg::ChannelPls pls = linalg::fit_channel_pls(data.x, kChannels, data.y);
  const Tensor reduced = linalg::reduce(pls, data.x, linalg::PlsApply::raw);
  for (auto _ : state) benchmark::DoNotOptimize(linalg::fit_linear(reduced, data.y).intercept.raw());
}

void judge(benchmark::State& state, const Data& data) {
  const Tensor guess = data.y.to(DType::f64);
  for (auto _ : state) benchmark::DoNotOptimize(r2(data.y, guess));
}

/// Fits of the numbers that peers/w5.py wrote, for comparison before anything is timed.
void check_beside_peer(const std::filesystem::path& folder) {
  const auto read = [&](const char* name, Shape shape) {
    const std::string bytes = io::read_file(folder / name);
    const Tensor t = Tensor::empty(shape, DType::f64);
    THIMBLE_CHECK(bytes.size() == t.bytes(), data, name, " has ", bytes.size(), " bytes, ", t.bytes(), " are wanted");
    std::memcpy(t.raw_mut(), bytes.data(), bytes.size());
    return t;
  };
  const Tensor x = read("w5_x.f64", {kRows, kColumns}), y = read("w5_y.f64", {kRows, kAxes});
  linalg::PlsOptions sharp, big_sharp = big_options();
  sharp.tolerance = big_sharp.tolerance = 1e-12;
  big_sharp.solver = linalg::PlsSolver::nipals;
  for (const DType dtype : {DType::f64, DType::f32}) {
    const Data data{x.to(dtype), y.to(dtype)};
    const auto write = [&](const std::string& name, const Tensor& t) {
      io::atomic_replace(folder / ("w5_ours_" + name + (dtype == DType::f32 ? "_f32" : "_f64")),
                         {static_cast<const char*>(t.raw()), t.bytes()});
    };
    const fenet::LossResult step = fenet::decoder_loss(data.x, kChannels, data.y, {});
    write("big", linalg::fit_pls(data.x, data.y, big_options()).x_rotations);
    write("iterated", linalg::fit_pls(data.x, data.y, big_sharp).x_rotations);
    write("channels", linalg::fit_channel_pls(data.x, kChannels, data.y, sharp).rotations);
    write("usual", step.pls.rotations);
    write("lstsq", step.decoder.coefficients);
    write("predicted", step.predicted);
    write("r2", Tensor::from(std::vector<double>{r2(data.y, step.predicted)}));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--check") {
    check_beside_peer(argv[2]);
    return 0;
  }
  const Data wide = data_as(DType::f64), narrow{wide.x.to(DType::f32), wide.y.to(DType::f32)};
  using Case = void (*)(benchmark::State&, const Data&);
  const std::pair<const char*, Case> cases[] = {{"W5.big/fit_n5000_p1536_q2_k10", big},
                                                {"W5.channels/192fits_n5000_p8_q2_k2", channels},
                                                {"W5.decoder/fit_rotate_lstsq_r2_n5000", decoder},
                                                {"W5.lstsq/fit_n5000_p384_q2", lstsq},
                                                {"W5.r2/n5000_q2", judge}};
  for (const auto& one : cases) {
    for (const Data* data : {&narrow, &wide}) {
      const std::string name = std::string(one.first) + (data == &wide ? "/f64" : "/f32");
      benchmark::RegisterBenchmark(name.c_str(), [run = one.second, data](benchmark::State& s) { run(s, *data); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
