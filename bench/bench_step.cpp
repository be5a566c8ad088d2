// One training step of the track trigger's network (W2) through the real Trainer, eager and replayed; five networks at
// once; inference. Names and protocol: bench/README.md.
#include "core/kernels/gather.h"
#include "core/parallel/blocks.h"

#include "autograd/program.h"

#include <benchmark/benchmark.h>

#include "bench/w2_network.h"

using namespace thimble;
using namespace thimble::bench;

namespace {

constexpr std::int64_t kRows = 65536;

const std::shared_ptr<const nn::Dataset>& data() {
  static const auto resident = w2_random_data(kRows);
  return resident;
}

/// Ends a training when `more` says so; called after every step.
template <class More>
class While : public nn::Callback {
 public:
  explicit While(More more) : more_(std::move(more)) {}
  void on_step(const nn::TrainingView& view) override {
    if (!more_(view)) view.request_stop("enough");
  }

 private:
  More more_;
};

nn::Trainer endless(nn::Graph& network, std::int64_t batch, bool replay = true) {
  constexpr std::int64_t kForEver = 1 << 30;
  return w2_trainer(network, data(), nn::all_rows(kRows), batch, kForEver, replay);
}

template <class More>
void train_while(nn::Trainer& trainer, More more) {
  trainer.add(std::make_unique<While<More>>(std::move(more)));
  trainer.fit();
}

/// The benchmark's loop runs inside Trainer::fit: the first step, which captures the program, is over when it begins.
void train_step(benchmark::State& state, std::int64_t batch, bool replay) {
  nn::Graph network = w2_random_network(1);
  nn::Trainer trainer = endless(network, batch, replay);
  train_while(trainer, [&](const nn::TrainingView&) { return state.KeepRunning(); });
  state.SetItemsProcessed(state.iterations() * batch);
}

struct Expert {
  nn::Graph network;
  nn::Trainer trainer;
  Expert(std::int64_t batch, std::uint64_t seed) : network(w2_random_network(seed)), trainer(endless(network, batch)) {}
};

/// 100 steps of each of five networks, one network per thread at a time. Making them is not timed.
void five_experts(benchmark::State& state, std::int64_t batch) {
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<std::unique_ptr<Expert>> experts;
    for (std::uint64_t seed = 0; seed < 5; ++seed) experts.push_back(std::make_unique<Expert>(batch, seed));
    state.ResumeTiming();
    parallel_jobs(5, [&](std::int64_t e) {
      train_while(experts[static_cast<std::size_t>(e)]->trainer,
                  [](const nn::TrainingView& view) { return view.at.step < 100; });
    });
  }
  state.SetItemsProcessed(state.iterations() * 500 * batch);
}

void forward(benchmark::State& state, std::int64_t batch) {
  const nn::Graph net = w2_random_network(1);
  const nn::Rows rows = nn::all_rows(batch);
  const Tensor x = Tensor::zeros({batch, 27}, DType::f32, Layout::lanes), y = Tensor::zeros({batch, 2});
  Tensor result;
  const Program program = Program::capture([&] { result = net(constant(x)).value(); });
  for (auto _ : state) {
    nn::gather_rows(data()->x, rows, x);
    program.run();
    kernels::scatter_rows(result, y);
    benchmark::DoNotOptimize(y.raw());
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

void register_all() {
  for (const std::int64_t batch : {2048, 16}) {
    const std::string b = "_b" + std::to_string(batch);
    for (const bool replay : {true, false})
      benchmark::RegisterBenchmark(("W2.train/step" + b + (replay ? "/replay" : "/eager")).c_str(),
                                   [=](benchmark::State& s) { train_step(s, batch, replay); })
          ->UseRealTime();
    benchmark::RegisterBenchmark(("W2.experts5/100steps_each" + b + "/replay").c_str(),
                                 [=](benchmark::State& s) { five_experts(s, batch); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("W2.infer/forward" + b + "/replay").c_str(), [=](benchmark::State& s) {
      forward(s, batch);
    })->UseRealTime();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--profile") {  // where the time of a replayed step goes
    for (const std::int64_t batch : {2048, 16}) {
      nn::Graph network = w2_random_network(1);
      nn::Trainer trainer = endless(network, batch);
      train_while(trainer, [](const nn::TrainingView& view) { return view.at.step < 2000; });
      std::printf("batch %d\n%s", static_cast<int>(batch), trainer.profile(200).c_str());
    }
    return 0;
  }
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
