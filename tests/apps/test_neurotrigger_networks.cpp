// Networks in other forms and sizes: flat lists, HDF5, the header for other programs, deep networks, hit patterns; the
// widths they need and how older trainings chose them.

#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include "hw/sim/evaluate.h"

#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/hardware/hardware_ranges.h"
#include "apps/neurotrigger/hardware/width_scan.h"
#include "apps/neurotrigger/train/models.h"
#include "apps/neurotrigger/train/restarts.h"
#include "apps/neurotrigger/train/weights_flat.h"
#include "apps/neurotrigger/train/weights_forward.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <csignal>
#include <numbers>
#include <thread>

#include "tests/apps/neurotrigger_program.h"
#include "tests/apps/neurotrigger_reference.h"
#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/program.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

nn::Graph random_model(const ModelSpec& spec, std::uint64_t seed) {
  nn::Graph model = build_model(spec);
  start_weights(model, "default", Rng(seed).stream("model"));
  return model;
}

Networks random_networks() {
  Networks networks;
  for (const int expert : {-1, 0, 3})
    networks[expert] = state_of(random_model({"BaselineModel", "tanh/2"}, static_cast<std::uint64_t>(expert + 7)));
  return networks;
}

bool same_networks(const Networks& a, const Networks& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [expert, state] : a) {
    if (b.count(expert) == 0 || b.at(expert).size() != state.size()) return false;
    for (const auto& [name, tensor] : state) {
      const Tensor* other = find_tensor(b.at(expert), name);
      if (other == nullptr || !(other->shape() == tensor.shape()) || other->to_vector() != tensor.to_vector())
        return false;
    }
  }
  return true;
}

std::vector<float> random_row(std::uint64_t row, std::size_t width) {
  std::vector<float> x;
  for (std::size_t i = 0; i < width; ++i) x.push_back(2 * Rng(5).stream("rows").uniform(row, i) - 1);
  return x;
}

double plain_act(const std::string& act, double s) {
  if (act == "tanh") return std::tanh(s);
  if (act == "tanh/2") return std::tanh(s / 2);
  return std::max(s, 0.0);  // relu
}

}  // namespace

TEST_CASE("Flat weight lists, text and JSON, give the same networks as weights.json, to the last bit [NT N14]") {
  const Networks networks = random_networks();
  CHECK(same_networks(parse_flat(flat_text(networks), "w.txt"), networks));
  CHECK(same_networks(parse_flat(flat_json(networks), "w.json"), networks));
  CHECK(weights_json(parse_flat(flat_text(networks), "w.txt")) == weights_json(networks));
  // the order of the list: per output its inputs, then its bias
  const FlatNetwork flat = flat_network(networks.at(0));
  CHECK(flat.nodes == std::vector<std::int64_t>{27, 81, 2});
  REQUIRE(flat.weights.size() == 2432);
  const Tensor *w = find_tensor(networks.at(0), "net.0.weight"), *b = find_tensor(networks.at(0), "net.0.bias");
  CHECK(flat.weights[28 * 5 + 3] == w->data<float>()[27 * 5 + 3]);
  CHECK(flat.weights[28 * 5 + 27] == b->data<float>()[5]);
  CHECK(flat.weights[28 * 81 + 81] == find_tensor(networks.at(0), "net.2.bias")->data<float>()[0]);
}

TEST_CASE("The flat list of the reference weights is the order of the reference integers [NT N14]") {
  THIMBLE_SHARED(rows_path, "data/neurotrigger/ntref.h5");
  THIMBLE_SHARED(weights_path, "data/neurotrigger/weights_ref.json");
  const std::vector<std::int64_t> expected = test::integers(test::read_reference(rows_path.string()), "/fixed/A/w_int");
  std::size_t at = 0;
  for (const auto& [expert, state] : read_weights(weights_path))
    for (const float weight : flat_network(state).weights)
      CHECK(std::llround(static_cast<double>(weight) * 1024) == expected[at++]);
  CHECK(at == expected.size());
}

TEST_CASE("Damaged flat lists are refused with place and reason") {
  const auto says = [](const std::string& text, const std::string& part) {
    return test::says(test::error_of([&] { parse_flat(text, "w.txt"); }), part);
  };
  CHECK(says("", "no network"));
  CHECK(says("nodes 27 81 2\n", "w.txt:1"));
  CHECK(says("expert 0\nnodes 1 1\n0.5 x\n", "w.txt:3"));
  CHECK(says("expert 9\n", "N from -1 to 4"));
  CHECK(says("expert 0\nnodes 1 1\n0.5\n", "1 weights, these nodes need 2"));
  CHECK(says("expert 0\nnodes 1 1\n1 2\nexpert 0\n", "twice"));
  CHECK(says("expert 0\nnodes 1 -1\n1 2\n", "nodes"));
  CHECK(says("expert 0\nnodes 1 1\n1e300 2\n", "w.txt"));
  CHECK(says("{\"expert_0\": {\"nodes\": [1, 1]}}", "weights"));
  CHECK(says("{\"expert_0\": {\"nodes\": [1, 1], \"weights\": [1, \"a\"]}}", "no number"));
  const State normalised = state_of(build_model({"BaselineModelBN", "tanh"}));
  CHECK(test::says(test::error_of([&] { flat_network(normalised); }), "batch normalisation"));
}

TEST_CASE("import and export translate between all forms of weights without losing a bit [NT N14]") {
  const test::TempFolder folder;
  const Networks networks = random_networks();
  io::atomic_replace(folder.path() / "flat.txt", flat_text(networks));
  const auto run = [&](const std::vector<std::string>& words) {
    return test::neurotrigger_program::run_well(words, folder).out;
  };
  run({"import", "flat.txt", "--to", "weights.json"});
  CHECK(test::read_text(folder.path() / "weights.json") == weights_json(networks));
  run({"import", "weights.json", "--to", "w.h5"});
  run({"import", "w.h5", "--to", "again.txt"});
  CHECK(test::read_text(folder.path() / "again.txt") == flat_text(networks));
  CHECK(same_networks(read_any_weights(folder.path() / "w.h5"), networks));
  const test::Ended bad =
      test::run_program("thimble-neurotrigger", {"import", "flat.txt", "--to", "w.csv"}, folder.path());
  CHECK(bad.code == 2);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "w.csv"));
}

TEST_CASE("The header for other programs gives the outputs of the framework [NT F29]") {
  const Networks networks = random_networks();
  const auto read = neurotrigger_forward::parse(weights_json(networks));
  REQUIRE(read.size() == networks.size());
  nn::Graph model = build_model({"BaselineModel", "tanh/2"});
  for (const auto& [expert, state] : networks) {
    load_state(model, state, "w");
    for (std::uint64_t row = 0; row < 20; ++row) {
      const std::vector<float> x = random_row(row, 27);
      const std::vector<double> y = read.at(expert).forward(std::vector<double>(x.begin(), x.end()));
      const Tensor expected = predict(model, Tensor::from(x, Shape{1, 27}));
      REQUIRE(y.size() == 2);
      for (std::size_t k = 0; k < 2; ++k) CHECK(std::abs(y[k] - static_cast<double>(expected.data<float>()[k])) < 2e-6);
    }
  }
  CHECK_THROWS(neurotrigger_forward::parse("{\"expert_0\": {\"weights\": {\"model.net.1.running_mean\": [1]}}}"));
  CHECK_THROWS(neurotrigger_forward::parse("{\"expert_0\": {\"weights\": {\"model.net.0.weight\": [[1, 2"));
  CHECK_THROWS(read.at(0).forward({1, 2}));
}

TEST_CASE("The header for other programs meets the reference outputs, and compiles alone [NT F29]") {
  const test::TempFolder folder;
  io::atomic_replace(folder.path() / "use.cpp",
                     "#include \"apps/neurotrigger/train/weights_forward.h\"\nint main() { return 0; }\n");
  if (test::has_program("g++")) {
    const auto built = test::run_program({"g++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                                          "-fsyntax-only", std::string("-I") + THIMBLE_SOURCE_DIR, "use.cpp"},
                                         folder.path());
    CHECK_MESSAGE(built.exit_code == 0, built.output);
  } else {
    MESSAGE("skipped: g++ is not installed");
  }
  THIMBLE_SHARED(rows_path, "data/neurotrigger/ntref.h5");
  THIMBLE_SHARED(weights_path, "data/neurotrigger/weights_ref.json");
  const io::Hdf5Tree tree = test::read_reference(rows_path.string());
  const auto x = test::doubles(tree, "/rows/x"), y = test::doubles(tree, "/forward/BaselineModel/tanh_div_2/f64");
  const auto networks = neurotrigger_forward::read(weights_path.string());
  for (std::size_t row = 0; row < 320; ++row) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(27 * row);
    const auto out = networks.at(static_cast<int>(row / 64)).forward(std::vector<double>(begin, begin + 27));
    CHECK(std::abs(out[0] - y[2 * row]) < 1e-12);
    CHECK(std::abs(out[1] - y[2 * row + 1]) < 1e-12);
  }
}

TEST_CASE("Deep networks of any layers and 27 or 126 inputs compute what a plain loop computes [NT N16]") {
  const std::vector<std::vector<std::int64_t>> layouts{{81}, {100, 100, 50}, {7}, {}};
  const std::vector<std::vector<std::string>> acts{{}, {"tanh", "relu", "tanh/2", "tanh"}, {"relu", "tanh/2"}, {}};
  for (const std::int64_t inputs : {27, 126})
    for (std::size_t n = 0; n < layouts.size(); ++n) {
      ModelSpec spec{"MLP", "tanh/2"};
      spec.in = inputs;
      spec.hidden = layouts[n];
      spec.acts = acts[n];
      const nn::Graph model = random_model(spec, 3 + n);
      const FlatNetwork flat = flat_network(state_of(model));
      const std::vector<float> x = random_row(n, static_cast<std::size_t>(inputs));
      std::vector<double> value(x.begin(), x.end());
      const float* weight = flat.weights.data();
      for (std::size_t layer = 0; layer + 1 < flat.nodes.size(); ++layer) {
        std::vector<double> next;
        for (std::int64_t o = 0; o < flat.nodes[layer + 1]; ++o) {
          double sum = 0;
          for (const double v : value) sum += v * static_cast<double>(*weight++);
          next.push_back(plain_act(acts[n].empty() ? "tanh/2" : acts[n][layer], sum + static_cast<double>(*weight++)));
        }
        value = next;
      }
      const Tensor y = predict(model, Tensor::from(x, Shape{1, inputs}));
      REQUIRE(value.size() == 2);
      for (std::size_t k = 0; k < 2; ++k) CHECK(std::abs(value[k] - static_cast<double>(y.data<float>()[k])) < 2e-6);
    }
  ModelSpec wrong{"MLP", "tanh"};
  wrong.hidden = {5, 5};
  wrong.acts = {"tanh"};
  CHECK(test::says(test::error_of([&] { build_model(wrong); }), "layer_acts"));
}

TEST_CASE(
    "A deep network with hit patterns is exact in hardware: the graph computes what the rounded network does [NT "
    "N16]") {
  ModelSpec spec{"MLP", "tanh/2"};
  spec.in = 126;
  spec.hidden = {20, 12, 8};
  spec.acts = {"tanh/2", "tanh", "tanh/2", "tanh"};
  const nn::Graph model = random_model(spec, 21);
  for (const char* target : {"hw-a", "hw-b"}) {
    const nn::Graph network = hardware_network(model, hardware_model(target, {}));
    const hw::Graph graph = hardware_graph(network, "deep");
    Tensor x = Tensor::empty({50, 126});
    for (std::int64_t row = 0; row < 50; ++row) {
      const std::vector<float> values = random_row(static_cast<std::uint64_t>(row), 126);
      std::copy(values.begin(), values.end(), x.mut<float>() + 126 * row);
    }
    const hw::Vectors out = hardware_outputs(graph, input_format(network), x), in = hardware_inputs(network, x);
    const Tensor y = predict(network, x);
    for (std::size_t row = 0; row < 50; ++row) {
      const auto expected = hw::outputs_of(graph, hw::evaluate(graph, in.row(row)));
      for (std::size_t k = 0; k < 2; ++k) {
        CHECK(out.row(row)[k] == expected[k]);
        CHECK(static_cast<double>(y.data<float>()[2 * row + k]) * 4096 == static_cast<double>(expected[k]));
      }
    }
    CHECK(accumulator_ranges(graph, in).size() == 4);
  }
}

TEST_CASE("The hit pattern names the wires next to the track, by hand for a straight track [NT N16]") {
  // pT so large that the track is a ray; theta 90 degrees keeps it away from the end plates
  const auto track_at = [](double wires_aside) {
    Track t;
    t.pt = 1e9;
    t.theta = std::numbers::pi / 2;
    t.phi0 = 2 * std::numbers::pi * (20 + wires_aside) / kChamber[4].wires;
    return t;
  };
  // 0.1 cells past wire 20: the even layers answer with their middle wire, the shifted ones with the upper wire
  CHECK(hit_pattern(4, track_at(0.1), 20) == ((1u << 1) | (1u << 4) | (1u << 5) | (1u << 7) | (1u << 9)));
  CHECK(hit_pattern(4, track_at(-0.1), 20) == ((1u << 1) | (1u << 3) | (1u << 5) | (1u << 6) | (1u << 9)));
  // seen from the neighbouring wire the same track passes at the edge of the hourglass
  CHECK(hit_pattern(4, track_at(0.1), 19) == ((1u << 2) | (1u << 10)));
  CHECK(hit_pattern(4, track_at(0.1), 40) == 0);
  // wire numbers wrap
  CHECK(hit_pattern(4, track_at(-20.1), 255) == hit_pattern(4, track_at(-0.1), 19));
  // a curved track crosses inner and outer layers on different sides of the priority wire
  Track curved = track_at(0.0);
  curved.pt = 0.35;
  const SimulatedTrack t = simulate_track(curved, {}, true);
  REQUIRE(t.hits[8].used);
  CHECK(t.patterns[8] == hit_pattern(8, curved, t.hits[8].wire));
  CHECK((t.patterns[8] & (1u << 5)) != 0);
}

TEST_CASE("Hit patterns leave the other inputs as they are, for any number of threads [NT N16]") {
  SimulationOptions options = simulation_preset("data-like");
  const Dataset plain = simulate_tracks(options, 3, "train", 6000);
  options.patterns = true;
  set_threads(1);
  const Dataset one = simulate_tracks(options, 3, "train", 6000);
  set_threads(4);
  const Dataset four = simulate_tracks(options, 3, "train", 6000);
  set_threads(0);
  const bool same = one.inputs.to_vector() == four.inputs.to_vector();
  CHECK(same);
  REQUIRE(one.inputs.size(1) == 126);
  REQUIRE(one.rows() == plain.rows());
  double wires = 0, hits = 0;
  for (std::int64_t row = 0; row < one.rows(); ++row)
    for (std::int64_t s = 0; s < 9; ++s) {
      const float *own = one.inputs.data<float>() + 126 * row, *before = plain.inputs.data<float>() + 27 * row;
      const float* pattern = own + 27 + 11 * s;
      CHECK(std::equal(before + 3 * s, before + 3 * s + 3, own + 3 * s));
      const bool hit = own[3 * s + 2] != 0.0F || own[3 * s + 1] != 0.0F;
      int found = 0;
      for (int bit = 0; bit < 11; ++bit) found += pattern[bit] == 1.0F ? 1 : pattern[bit] == 0.0F ? 0 : 1000;
      CHECK(found <= 5);  // one wire of a layer is the nearest
      if (hit) wires += found;
      hits += hit ? 1 : 0;
    }
  // five layers, each wire found with 90 %; some tracks leave the hourglass
  CHECK(wires / hits > 3.5);
  CHECK(wires / hits < 4.5);
}

TEST_CASE("Networks with hit patterns train, evaluate, scan and export through the program [NT N16] [NT N04]") {
  const test::TempFolder folder;
  const std::string demo = std::string(THIMBLE_SOURCE_DIR) + "/configs/neurotrigger/demo.yaml";
  const auto run = [&](const std::vector<std::string>& words) {
    return test::neurotrigger_program::run_well(words, folder).out;
  };
  run({"train", demo, "experts=[0]", "epochs=2", "plots.every=0", "plots.final=false", "model=MLP", "in_size=126",
       "hidden=[16,8]", "layer_acts=[tanh/2,tanh,tanh/2]", "data.simulate.train=4000", "data.simulate.val=1500",
       "data.simulate.test=0"});
  CHECK(run({"evaluate", "latest", "--target", "hw-b"}).find("expert 0") != std::string::npos);
  run({"export", "latest", "--vectors", "60", "--out", "a"});
  CHECK(std::filesystem::exists(folder.path() / "a/manifest.sha256"));
  CHECK(run({"scan", "latest", "--values", "8,12", "--weights", "6,10", "--address", "4,10", "--out", "s"})
            .find("by formula: ") != std::string::npos);
  const nlohmann::json scan = io::read_json(folder.path() / "s/scan.json");
  CHECK(scan.at("points").size() == 8);
  CHECK(std::filesystem::exists(folder.path() / "s/report.html"));
  const test::Ended bad = test::run_program("thimble-neurotrigger", {"train", demo, "in_size=100"}, folder.path());
  CHECK(bad.code == 2);
  CHECK(bad.err.find("126") != std::string::npos);
}

TEST_CASE("The report of a training tells both hardware models, and a network that does not fit says why") {
  const test::TempFolder folder;
  const std::string demo = text::cat(THIMBLE_SOURCE_DIR, "/configs/neurotrigger/demo.yaml");
  const auto report_of = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"train",
                                   demo,
                                   "experts=[0]",
                                   "epochs=1",
                                   "plots.every=0",
                                   "plots.final=false",
                                   "data.simulate.train=2000",
                                   "data.simulate.val=1000",
                                   "data.simulate.test=0"};
    words.insert(words.end(), more.begin(), more.end());
    const test::Ended ended = test::run_program("thimble-neurotrigger", words, folder.path());
    REQUIRE_MESSAGE(ended.code == 0, ended.err);
    const std::string name = more.back().substr(more.back().find('=') + 1);
    return test::read_text(folder.path() / "runs/neurotrigger" / name / "version_0/report.html");
  };
  const std::string plain = report_of({"name=plain"});
  CHECK(plain.find("model A, inputs 12 bits") != std::string::npos);
  CHECK(plain.find("model B, inputs 12 bits") != std::string::npos);
  const std::string fine = report_of({"hw.lut_bits=20", "hw.input_bits=4", "name=fine"});
  CHECK(fine.find("finer than the value") != std::string::npos);
}

TEST_CASE("A width scan is exact, ordered and the same for any number of threads [NT N04]") {
  const nn::Graph model = random_model({"BaselineModel", "tanh/2"}, 9);
  const Dataset data = simulate_tracks(simulation_preset("ideal"), 4, "val", 3000);
  ScanGrid grid;
  grid.values = {6, 12};
  grid.weights = {4, 10};
  grid.luts = {3, 10, 14};
  set_threads(1);
  const Scan scan = scan_widths(model, data.inputs, data.targets, grid, 0.05);
  set_threads(3);
  const Scan again = scan_widths(model, data.inputs, data.targets, grid, 0.05);
  set_threads(0);
  REQUIRE(scan.points.size() == 11);  // no address of 14 bits for sums of 6 + 4
  for (std::size_t i = 0; i < scan.points.size(); ++i) {
    CHECK(scan.points[i].rms_cm == again.points[i].rms_cm);
    CHECK(scan.points[i].z_trimmed_cm == again.points[i].z_trimmed_cm);
  }
  CHECK(scan.front == again.front);
  for (const ScanPoint& p : scan.points) {
    // resolution and deviation once more, from the definition
    const nn::Graph network = hardware_network(model, p.model);
    const Tensor y = predict(network, data.inputs);
    double squares = 0, largest = 0;
    const std::vector<double> moved = differences(predict(model, data.inputs), y);
    for (const double d : moved) {
      squares += d * d;
      largest = std::max(largest, std::abs(d));
    }
    CHECK(p.rms_cm == doctest::Approx(std::sqrt(squares / static_cast<double>(moved.size()))).epsilon(1e-12));
    CHECK(p.max_cm == doctest::Approx(largest).epsilon(1e-12));
    CHECK(p.weight_bits == 2432 * (7 + p.model.bits.weight));
    CHECK(p.wrapped_sums == 0);
    // saturated sums, counted on the definition
    const hw::Graph graph = hardware_graph(network, "n", false);
    const hw::Vectors in = hardware_inputs(network, data.inputs);
    std::int64_t saturated = 0;
    for (std::size_t row = 0; row < 200; ++row) {
      const hw::Values values = hw::evaluate(graph, in.row(row));
      for (const hw::Node& node : graph.nodes) {
        const auto* lut = std::get_if<hw::op::Lut>(&node.op);
        if (lut == nullptr) continue;
        const auto last = static_cast<std::int64_t>(graph.table(lut->table).values.size()) - 1;
        for (const std::int64_t sum : values[static_cast<std::size_t>(node.inputs[0])])
          saturated += (sum < 0 ? -sum : sum) >> lut->drop >= last ? 1 : 0;
      }
    }
    ScanGrid one;
    one.values = {p.model.bits.input};
    one.weights = {p.model.bits.weight};
    one.luts = {p.model.bits.lut};
    CHECK(scan_widths(model, data.inputs.rows(0, 200), data.targets.rows(0, 200), one, 0).points[0].saturated_sums ==
          saturated);
  }
  // finer numbers are nearer to the float network
  CHECK(scan.points.back().rms_cm < scan.points.front().rms_cm);
  // nothing beats the front, and what is not on it is beaten
  for (std::size_t i = 0; i < scan.points.size(); ++i) {
    bool beaten = false;
    for (std::size_t j = 0; j < scan.points.size(); ++j) {
      const ScanPoint &a = scan.points[j], &b = scan.points[i];
      beaten |= a.memory_bits() <= b.memory_bits() && a.rms_cm <= b.rms_cm &&
                (a.memory_bits() < b.memory_bits() || a.rms_cm < b.rms_cm);
    }
    CHECK(beaten == (std::find(scan.front.begin(), scan.front.end(), i) == scan.front.end()));
  }
  REQUIRE(scan.best);
  for (const ScanPoint& p : scan.points)
    if (*p.z_trimmed_cm <= 1.05 * *scan.float_trimmed_cm)
      CHECK(p.memory_bits() >= scan.points[*scan.best].memory_bits());
}

TEST_CASE("A scan of model B counts sums that leave the window [NT N04]") {
  nn::Graph model = random_model({"BaselineModel", "tanh"}, 9);
  nn::for_each_parameter(model, [](const std::string&, nn::Parameter& p) {
    for (std::int64_t i = 0; i < p.value.numel(); ++i) p.value.mut<float>()[i] *= 200;
  });
  const Dataset data = simulate_tracks(simulation_preset("ideal"), 4, "val", 500);
  ScanGrid grid = usual_grid('B');
  grid.values = {12};
  grid.weights = {17};
  grid.luts = {12};
  const Scan scan = scan_widths(model, data.inputs, data.targets, grid, 0.05);
  REQUIRE(scan.points.size() == 1);
  CHECK(scan.points[0].wrapped_sums > 0);
  CHECK(scan.points[0].saturated_sums > 0);
}

TEST_CASE("Restarts of a run that was ended and resumed give the same networks and the same choice") {
  const std::string config = text::cat(THIMBLE_SOURCE_DIR, "/configs/neurotrigger/fann_baseline.yaml");
  const std::vector<std::string> words{"train",
                                       config,
                                       "experts=[0]",
                                       "restarts=3",
                                       "epochs=300",
                                       "stop_window=50",
                                       "plots.every=0",
                                       "plots.final=false",
                                       "data.simulate.train=2000",
                                       "data.simulate.val=1000",
                                       "data.simulate.test=0",
                                       "checkpoint.every_epochs=10"};
  const test::TempFolder whole, cut;
  const auto run_of = [](const test::TempFolder& folder) {
    return folder.path() / "runs/neurotrigger/fann_baseline/version_0";
  };
  REQUIRE(test::run_program("thimble-neurotrigger", words, whole.path()).code == 0);
  const test::Process process("thimble-neurotrigger", words, cut.path());
  const std::filesystem::path second = run_of(cut) / "expert_0/restart_1/checkpoints/last.h5";
  for (int i = 0; i < 6000 && !std::filesystem::exists(second); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  process.send(SIGTERM);
  const test::Ended ended = process.wait();
  if (ended.code == 143)
    CHECK(test::run_program("thimble-neurotrigger", {"train", "--resume", "latest"}, cut.path()).code == 0);
  else
    CHECK(ended.code == 0);  // it was over before
  for (const char* file : {"weights.json", "expert_0/restarts.json"}) {
    const bool same = test::read_text(run_of(whole) / file) == test::read_text(run_of(cut) / file);
    CHECK_MESSAGE(same, file);
  }
  CHECK(io::read_json(run_of(whole) / "expert_0/restarts.json").at("z_rms_cm").size() == 3);
  CHECK(test::run_program("thimble-neurotrigger", {"report", "latest"}, cut.path()).code == 0);
}

TEST_CASE("Restarts train from other weights, keep the limit and take the one with the least rms of z") {
  Settings settings;
  settings.act = "tanh/2";
  settings.optim = "Rprop";
  settings.init = "fann_uniform_0.1";
  settings.learning_rate = 0.1;
  settings.batch_size = 1'000'000;
  settings.epochs = 15;
  settings.patience = 0;
  settings.weight_limit = 0.5;
  settings.stop_rule = "fann";
  settings.stop_window = 5;
  settings.restarts = 3;
  const Dataset data = simulate_tracks(simulation_preset("ideal"), 4, "train", 1500);
  ExpertTask task;
  task.expert = 0;
  task.settings = &settings;
  auto table = std::make_shared<nn::Dataset>();
  table->x = data.inputs;
  table->y = data.targets;
  task.train = table;
  task.train_rows = data.rows_of(0);
  task.validation = data.select(data.rows_of(0));
  const ExpertOutcome best = train_with_restarts(task);
  const auto rms_of = [&](const nn::Graph& model) {
    double squares = 0;
    const std::vector<double> d = differences(task.validation.targets, predict(model, task.validation.inputs));
    for (const double v : d) squares += v * v;
    return std::sqrt(squares / static_cast<double>(d.size()));
  };
  std::vector<double> rms;
  for (std::int64_t restart = 0; restart < 3; ++restart) {
    ExpertTask own = task;
    own.restart = restart;
    const ExpertOutcome one = train_expert(own);
    rms.push_back(rms_of(one.model));
    double largest = 0;
    nn::for_each_parameter(one.model, [&](const std::string&, const nn::Parameter& p) {
      for (const double w : p.value.to_vector()) largest = std::max(largest, std::abs(w));
    });
    CHECK(largest == 0.5);  // the limit acts and holds
  }
  CHECK(rms[0] != rms[1]);
  CHECK(rms[1] != rms[2]);
  CHECK(rms_of(best.model) == *std::min_element(rms.begin(), rms.end()));
}
