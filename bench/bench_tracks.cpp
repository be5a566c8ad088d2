// Track files and trained trigger networks at full size: reading 4,998 tracks as text and from the cache, one million
// tracks through the network in floating point and through the integers of hardware model A. Names: bench/README.md.
#include "core/io/atomic_file.h"

#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/data/track_text.h"
#include "apps/neurotrigger/hardware/hardware_model.h"
#include "apps/neurotrigger/train/models.h"

#include <benchmark/benchmark.h>

#include <filesystem>

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFileTracks = 4998;  // as many as the recorded file of the specification
constexpr std::int64_t kTracks = 1'000'000;

/// A folder of this process with a track file in it, removed at the end.
class TrackFolder {
 public:
  TrackFolder() {
    fs::create_directories(folder_);
    Dataset tracks = simulate_tracks(simulation_preset("data-like"), 1, "bench", 12'000);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(kFileTracks));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
    io::atomic_replace(folder_ / "tracks.csv", track_text(tracks.select(rows)));
  }
  ~TrackFolder() { fs::remove_all(folder_); }
  std::string file() const { return (folder_ / "tracks.csv").string(); }
  fs::path cache() const { return folder_ / "cache"; }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("thimble-bench-" + std::to_string(getpid()));
};

const TrackFolder& folder() {
  static const TrackFolder made;
  return made;
}

void read_text(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(read_tracks(fs::path(folder().file())).rows());
  state.SetItemsProcessed(state.iterations() * kFileTracks);
}

void read_cached(benchmark::State& state) {
  read_tracks({folder().file()}, folder().cache());
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(read_tracks({folder().file()}, folder().cache()).rows());
  state.SetItemsProcessed(state.iterations() * kFileTracks);
}

/// Tracks repeated until there are a million.
const Tensor& million() {
  static const Tensor inputs = [] {
    const Dataset some = simulate_tracks(simulation_preset("data-like"), 1, "bench", 100'000);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(kTracks));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i) % some.rows();
    return gather_rows(some.inputs, rows);
  }();
  return inputs;
}

/// 27-81-2 with weights as large as those of trained networks, so that sums need as many bits.
nn::Graph network() {
  constexpr float kTrained = 8;  // times the start weights
  ModelSpec spec;
  spec.act = "tanh/2";
  nn::Graph made = build_model(spec);
  start_weights(made, "default", Stream(1));
  State state = state_of(made);
  for (auto& [name, tensor] : state)
    for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor.mut<float>()[i] *= kTrained;
  load_state(made, state, "bench");
  return made;
}

void infer_float(benchmark::State& state) {
  const nn::Graph model = network();
  const Tensor& inputs = million();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(predict(model, inputs).data<float>());
  state.SetItemsProcessed(state.iterations() * kTracks);
}

/// From float inputs to output words, rounding of the inputs included.
void infer_model_a(benchmark::State& state) {
  const nn::Graph model = hardware_network(network(), {});
  const hw::Graph graph = hardware_graph(model, "bench");
  const Tensor& inputs = million();
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(hardware_outputs(graph, input_format(model), inputs).data.data());
  state.SetItemsProcessed(state.iterations() * kTracks);
}

BENCHMARK(read_text)->Name("NT.read/text")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(read_cached)->Name("NT.read/cached")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(infer_float)->Name("NT.infer/1e6_float")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(infer_model_a)->Name("NT.infer/1e6_model_a")->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
