// The hardware models: any widths, ranges, estimates, the fast evaluation of whole files.

#include "core/io/json.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include "hw/emit/words.h"
#include "hw/ir/json.h"
#include "hw/sim/evaluate.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/hardware/hardware_estimate.h"
#include "apps/neurotrigger/hardware/hardware_look.h"
#include "apps/neurotrigger/hardware/hardware_ranges.h"
#include "apps/neurotrigger/train/models.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "tests/apps/neurotrigger_program.h"
#include "tests/apps/neurotrigger_reference.h"
#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

using Whole = std::vector<std::int64_t>;

/// 27-81-2 with the closed-form weights of section 9.1, times `factor`.
nn::Graph closed_network(const std::string& act, double factor = 1) {
  nn::Graph model = build_model({"BaselineModel", act});
  const auto fill = [&](const char* name, double amplitude, double out, double in, double phase, const auto& bias) {
    auto& layer = std::get<nn::Linear>(*model.find(name));
    for (std::int64_t o = 0; o < layer.out; ++o) {
      const auto at = static_cast<double>(o);
      for (std::int64_t i = 0; i < layer.in; ++i)
        layer.weight.value.mut<float>()[o * layer.in + i] =
            static_cast<float>(factor * amplitude * std::sin(out * at + in * static_cast<double>(i) + phase));
      layer.bias.value.mut<float>()[o] = static_cast<float>(factor * bias(at));
    }
  };
  fill("net_0", 0.25, 0.7, 1.3, 0.2, [](double o) { return 0.1 * std::cos(0.9 * o); });
  fill("net_2", 0.3, 2.1, 0.5, 0.4, [](double k) { return 0.05 * (k + 1); });
  return model;
}

Tensor random_inputs(std::int64_t rows, std::int64_t width = 27) {
  Tensor x = Tensor::empty({rows, width});
  const Stream stream = Rng(17).stream("inputs");
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.mut<float>()[i] = 2 * stream.uniform(0, static_cast<std::uint64_t>(i)) - 1;
  for (std::int64_t i = 0; i < width; ++i) x.mut<float>()[i] = i % 2 == 0 ? 1.0F : -1.0F;  // both ends occur
  return x;
}

/// Weights of a layer with its biases as last column, [out][in + 1].
std::vector<std::vector<float>> rows_of_layer(const nn::Graph& model, const char* name) {
  nn::Graph copy = model;
  const auto& layer = std::get<nn::Linear>(*copy.find(name));
  std::vector<std::vector<float>> rows;
  for (std::int64_t o = 0; o < layer.out; ++o) {
    rows.emplace_back(layer.weight.value.data<float>() + o * layer.in,
                      layer.weight.value.data<float>() + (o + 1) * layer.in);
    rows.back().push_back(layer.bias.value.data<float>()[o]);
  }
  return rows;
}

std::int64_t half_away(double v) {
  return static_cast<std::int64_t>(v < 0 ? std::ceil(v - 0.5) : std::floor(v + 0.5));
}

/// Sums of one layer from the words of the specification: append 2^f for the bias, multiply, add.
Whole plain_sums(const std::vector<std::vector<float>>& weights, Whole x, int f_x, double weight_scale) {
  x.push_back(std::int64_t{1} << f_x);
  Whole sums;
  for (const auto& row : weights) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i) sum += x[i] * half_away(static_cast<double>(row[i]) * weight_scale);
    sums.push_back(sum);
  }
  return sums;
}

/// Section 8.1, step 4, written down once more.
std::int64_t plain_tanh_a(std::int64_t sum, int drop, int lut, int node) {
  const double one = std::ldexp(1.0, node);
  const auto end =
      static_cast<std::int64_t>(std::ceil(std::atanh(1 - std::ldexp(1.0, -(node + 1))) * std::ldexp(1.0, lut + 1)));
  const std::int64_t bin = (sum < 0 ? -sum : sum) >> drop;
  const auto v =
      static_cast<float>((static_cast<double>(bin) + 0.5 - std::ldexp(1.0, -(drop + 1))) / std::ldexp(1.0, lut));
  const std::int64_t t =
      bin < end ? half_away(std::tanh(static_cast<double>(v) / 2) * one) : static_cast<std::int64_t>(one);
  return sum < 0 ? -t : t;
}

Whole plain_model_a(const nn::Graph& model, const float* x, const nn::TriggerBits& bits) {
  Whole value;
  for (int i = 0; i < 27; ++i)
    value.push_back(static_cast<std::int64_t>(std::trunc(std::ldexp(static_cast<double>(x[i]), bits.input))));
  int f = bits.input;
  for (const char* layer : {"net_0", "net_2"}) {
    Whole next;
    for (const std::int64_t sum : plain_sums(rows_of_layer(model, layer), value, f, std::ldexp(1.0, bits.weight)))
      next.push_back(plain_tanh_a(sum, f + bits.weight - bits.lut, bits.lut, bits.node));
    value = next;
    f = bits.node;
  }
  return value;
}

/// Section 8.2 with LF = node bits, 2^lut table entries.
Whole plain_model_b(const nn::Graph& model, const float* x, const nn::TriggerBits& bits, double factor) {
  double largest = 0;
  for (const char* layer : {"net_0", "net_2"})
    for (const auto& row : rows_of_layer(model, layer))
      for (const float w : row) largest = std::max(largest, std::abs(factor * static_cast<double>(w)));
  const int scale = bits.weight - static_cast<int>(std::ceil(std::log2(largest)));
  Whole value;
  for (int i = 0; i < 27; ++i) value.push_back(half_away(std::ldexp(static_cast<double>(x[i]), bits.input)));
  int f = bits.input;
  for (const char* layer : {"net_0", "net_2"}) {
    Whole next;
    for (const std::int64_t sum : plain_sums(rows_of_layer(model, layer), value, f, factor * std::ldexp(1.0, scale))) {
      const int width = bits.node + 6;
      const std::int64_t range = std::int64_t{1} << width;
      std::int64_t window = (sum >> (f + scale - bits.node)) & (range - 1);
      if (window >= range / 2) window -= range;
      const std::int64_t q = window < 0 ? -window : window, end = std::int64_t{1} << (bits.node + 2);
      const std::int64_t top = (std::int64_t{1} << bits.node) - 1;
      const std::int64_t k = q * (std::int64_t{1} << bits.lut) / end;
      const double angle = 4.0 * static_cast<double>(k) / std::ldexp(1.0, bits.lut);
      const std::int64_t t = q >= end ? top : std::min(half_away(std::tanh(angle) * std::ldexp(1.0, bits.node)), top);
      next.push_back(window < 0 ? -t : t);
    }
    value = next;
    f = bits.node;
  }
  return value;
}

HardwareKeys keys_of(int input, int node, int weight, int lut) {
  HardwareKeys keys;
  keys.input_bits = input;
  keys.node_bits = node;
  keys.weight_bits = weight;
  keys.lut_bits = lut;
  return keys;
}

void check_widths(const std::string& target, const nn::Graph& model, const HardwareKeys& keys, double factor) {
  const HardwareModel hardware = hardware_model(target, keys);
  CAPTURE(hardware.str());
  const nn::Graph network = hardware_network(model, hardware);
  const hw::Graph graph = hardware_graph(network, "net");
  const Tensor x = random_inputs(40);
  const hw::Vectors out = hardware_outputs(graph, input_format(network), x);
  const Tensor trained = predict(network, x);
  for (std::int64_t row = 0; row < x.size(0); ++row) {
    const float* sample = x.data<float>() + 27 * row;
    const Whole expected = target == "hw-a" ? plain_model_a(model, sample, hardware.bits)
                                            : plain_model_b(model, sample, hardware.bits, factor);
    const auto got = out.row(static_cast<std::size_t>(row));
    CHECK(Whole(got.begin(), got.end()) == expected);
    for (int k = 0; k < 2; ++k)  // training computes with the same integers
      CHECK(std::ldexp(static_cast<double>(trained.data<float>()[2 * row + k]), hardware.bits.node) ==
            static_cast<double>(expected[static_cast<std::size_t>(k)]));
  }
}

}  // namespace

TEST_CASE("Model A computes the integers of the specification at any widths, in hardware and in training [NT N02]") {
  const nn::Graph model = closed_network("tanh/2", 3);
  check_widths("hw-a", model, keys_of(12, 12, 0, 0), 1);
  for (const int input : {4, 9, 12, 15})
    for (const int node : {5, 12, 14})
      for (const int weight : {3, 10, 16})
        for (const int lut : {2, 7, 12})
          if (lut <= std::min(input, node) + weight) check_widths("hw-a", model, keys_of(input, node, weight, lut), 1);
}

TEST_CASE("Model B computes the integers of the specification at any widths, in hardware and in training [NT N02]") {
  for (const double size : {0.8, 3.0, 20.0}) {  // the last one makes the window wrap
    const nn::Graph model = closed_network("tanh/2", size);
    check_widths("hw-b", model, keys_of(12, 12, 0, 0), 0.5);
    for (const int input : {8, 12, 14})
      for (const int node : {6, 12, 13})
        for (const int weight : {9, 17, 20})
          for (const int lut : {5, 8}) check_widths("hw-b", model, keys_of(input, node, weight, lut), 0.5);
  }
  check_widths("hw-b", closed_network("tanh", 0.5), keys_of(12, 12, 0, 0), 1);
}

TEST_CASE("Widths without a table are refused with the reason") {
  const nn::Graph model = closed_network("tanh/2");
  const auto error = test::error_of([&] { hardware_network(model, hardware_model("hw-a", keys_of(4, 4, 2, 10))); });
  CHECK(test::says(error, "finer than the value"));
  CHECK(test::says(test::error_of([&] { hardware_network(model, hardware_model("hw-b", keys_of(12, 8, 17, 12))); }),
                   "finer than the value"));
}

TEST_CASE("A whole file of tracks gets the integers of the definition, with 1 and with 4 threads [NT N02]") {
  const nn::Graph network = hardware_network(closed_network("tanh/2", 4), {});
  const hw::Graph graph = hardware_graph(network, "net");
  const Tensor x = random_inputs(5000);
  set_threads(1);
  const hw::Vectors one = hardware_outputs(graph, input_format(network), x);
  set_threads(4);
  const bool same = one == hardware_outputs(graph, input_format(network), x);
  set_threads(0);
  CHECK(same);
  const hw::Vectors integers = hardware_inputs(network, x);
  for (std::size_t row = 0; row < one.rows(); row += 7) {
    const auto expected = hw::outputs_of(graph, hw::evaluate(graph, integers.row(row)));
    CHECK(std::equal(expected.begin(), expected.end(), one.row(row).begin()));
  }
}

TEST_CASE("Output words are those of the trigger: 13 bits, saturated, read back as (2 word - 1) / 8191 [NT N02]") {
  const hw::Vectors words = output_words({1, {-4096, -4095, -121, 0, 4096}}, 12);
  CHECK(words.data == Whole{-4095, -4095, -121, 0, 4096});
  CHECK(output_words({1, {1, -3}}, 10).data == Whole{4, -12});
  CHECK(output_words({1, {6, -6, 5}}, 14).data == Whole{2, -2, 1});  // half away from zero
  CHECK(word_to_scaled(4096) == 1.0);
  CHECK(word_to_scaled(-4095) == -1.0);
}

TEST_CASE("Latency and resources have the values of the formulas [NT N06]") {
  const nn::Graph network = hardware_network(closed_network("tanh/2"), {});
  const hw::Graph a = hardware_graph(network, "a");
  HardwareKeys keys;
  Estimate e = estimate(a, keys, weight_width({}));
  CHECK(e.macs == 2432);
  CHECK(e.multipliers == 2432);
  CHECK(e.cycles == 22);  // 3 + 5 + 2 + 3 + 7 + 2
  CHECK(e.latency_ns == doctest::Approx(172.956).epsilon(1e-5));
  CHECK(e.in_budget);
  CHECK(e.table_entries == 9937);
  CHECK(e.table_width == 12);
  CHECK(e.table_ports == 83);
  CHECK(e.block_rams == 166);  // 83 ports x ceil(119,244 / 36,864) / 2
  CHECK(e.weight_bits == 2432 * 17);
  keys.multiplex = {4, 1};
  e = estimate(a, keys, 17);
  CHECK(e.layers[0].multipliers == 567);  // ceil(2268 / 4)
  CHECK(e.layers[0].cycles == 14);        // m cycles more
  CHECK(e.multipliers == 567 + 164);
  CHECK(e.cycles == 26);
  CHECK(e.in_budget);
  keys.multiplex = {81, 81};
  CHECK_FALSE(estimate(a, keys, 17).in_budget);
  keys.c_acc = 1;
  keys.c_in = 2;
  keys.c_out = 3;
  CHECK(estimate(a, keys, 17).cycles == 2 + (3 + 81 + 1 + 2) + (3 + 81 + 1 + 2) + 3);
  keys.multiplex = {4};
  CHECK(test::says(test::error_of([&] { estimate(a, keys, 17); }), "hw.multiplex"));
  const HardwareModel b = hardware_model("hw-b", {});
  e = estimate(hardware_graph(hardware_network(closed_network("tanh/2"), b), "b"), {}, weight_width(b));
  CHECK(e.table_entries == 4096);
  CHECK(e.block_rams == 83);  // 83 ports x ceil(49,152 / 36,864) / 2
  CHECK(e.weight_bits == 2432 * 18);
}

TEST_CASE("No sum can leave its proven range, and the range is reached [NT N07]") {
  const nn::Graph network = hardware_network(closed_network("tanh/2", 2), {});
  const hw::Graph graph = hardware_graph(network, "net");
  hw::Vectors inputs = hardware_inputs(network, random_inputs(2000));
  // the inputs that drive the first neuron to its bound
  const auto& matrix = std::get<hw::op::Cmvm>(graph.nodes[1].op);
  for (const int sign : {1, -1}) {
    Whole extreme;
    for (std::int64_t i = 0; i < 27; ++i) extreme.push_back(matrix.weight(i, 0) * sign > 0 ? 4096 : -4096);
    inputs.push(extreme);
  }
  const std::vector<LayerRange> layers = accumulator_ranges(graph, inputs);
  REQUIRE(layers.size() == 2);
  const std::vector<std::vector<float>> weights = rows_of_layer(closed_network("tanh/2", 2), "net_0");
  for (std::size_t j = 0; j < 81; ++j) {
    const NeuronRange& n = layers[0].neurons[j];
    std::int64_t bound = 0;  // section 5, N07: sum of absolute weights times the largest input
    for (const float w : weights[j]) bound += 4096 * std::abs(half_away(static_cast<double>(w) * 1024));
    CHECK(n.bound == bound);
  }
  for (const LayerRange& layer : layers)
    for (const NeuronRange& n : layer.neurons) {
      CHECK(n.seen_low <= n.seen_high);
      CHECK(-n.bound <= n.low);
      CHECK(n.high <= n.bound);
      CHECK(n.low <= n.seen_low);
      CHECK(n.seen_high <= n.high);
      CHECK(n.seen_bits <= n.bits);
      CHECK(n.low >= -(std::int64_t{1} << (n.bits - 1)));
      CHECK(n.high < std::int64_t{1} << (n.bits - 1));
    }
  const NeuronRange& first = layers[0].neurons[0];
  CHECK(first.seen_low == first.low);
  CHECK(first.seen_high == first.high);
}

TEST_CASE("Weights within +-63 need 34 and 36 bits at most, as the specification counts [NT N07]") {
  nn::Graph model = closed_network("tanh/2");
  nn::for_each_parameter(model, [](const std::string&, nn::Parameter& p) {
    for (std::int64_t i = 0; i < p.value.numel(); ++i) p.value.mut<float>()[i] = 63.0F;
  });
  const auto layers = accumulator_ranges(hardware_graph(hardware_network(model, {}), "net"), {});
  CHECK(layers[0].largest().bound == 28LL * 4096 * 63 * 1024);
  CHECK(layers[0].largest().bound < std::int64_t{1} << 33);
  CHECK(layers[0].largest().bits == 34);
  CHECK(layers[1].largest().bound == 82LL * 4096 * 63 * 1024);
  CHECK(layers[1].largest().bound < std::int64_t{1} << 35);
}

TEST_CASE("Sums of the reference weights on recorded tracks stay within 25 bits and within their bounds [NT N07]") {
  THIMBLE_SHARED(rows_path, "data/neurotrigger/ntref.h5");
  THIMBLE_SHARED(weights_path, "data/neurotrigger/weights_ref.json");
  const io::Hdf5Tree tree = test::read_reference(rows_path.string());
  const std::vector<double> x = test::doubles(tree, "/rows/x");
  const Networks networks = read_weights(weights_path);
  for (int expert = 0; expert < 5; ++expert) {
    nn::Graph model = build_model({"BaselineModel", "tanh/2"});
    load_state(model, networks.at(expert), "weights_ref.json");
    const nn::Graph network = hardware_network(model, {});
    const hw::Graph graph = hardware_graph(network, "net");
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(expert * 64 * 27);
    const std::vector<float> own(begin, begin + 64 * 27);
    for (const LayerRange& layer :
         accumulator_ranges(graph, hardware_inputs(network, Tensor::from(own, Shape{64, 27}))))
      for (const NeuronRange& n : layer.neurons) {
        CHECK(std::max(-n.seen_low, n.seen_high) <= n.bound);
        CHECK(std::max(-n.seen_low, n.seen_high) < std::int64_t{1} << 25);
      }
  }
}

TEST_CASE("Words of a whole file are the integers of the reference on recorded tracks [NT N02]") {
  THIMBLE_SHARED(rows_path, "data/neurotrigger/ntref.h5");
  THIMBLE_SHARED(weights_path, "data/neurotrigger/weights_ref.json");
  const io::Hdf5Tree tree = test::read_reference(rows_path.string());
  const std::vector<double> x = test::doubles(tree, "/rows/x");
  Dataset data = empty_dataset(320);
  for (std::size_t i = 0; i < x.size(); ++i) data.inputs.mut<float>()[i] = static_cast<float>(x[i]);
  std::map<int, nn::Graph> networks;
  for (const auto& [expert, state] : read_weights(weights_path)) {
    nn::Graph model = build_model({"BaselineModel", "tanh/2"});
    load_state(model, state, "weights_ref.json");
    networks.emplace(expert, hardware_network(model, {}));
    for (int row = 64 * expert; row < 64 * (expert + 1); ++row)
      data.experts[static_cast<std::size_t>(row)] = static_cast<std::int8_t>(expert);
  }
  const Dataset out = with_hardware_words(data, networks);
  const std::vector<std::int64_t> expected = test::integers(tree, "/fixed/A/out_int");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(out.words.data<float>()[i] == static_cast<float>(expected[i]));
    CHECK(out.old.data<float>()[i] == static_cast<float>(word_to_scaled(static_cast<double>(expected[i]))));
  }
}

TEST_CASE(
    "An exported folder holds weights that fill the same network, and words of tracks come from it [NT N03] [NT N05]") {
  const test::TempFolder folder;
  const std::string demo = std::string(THIMBLE_SOURCE_DIR) + "/configs/neurotrigger/demo.yaml";
  const auto run = [&](const std::vector<std::string>& words) {
    return test::neurotrigger_program::run_well(words, folder).out;
  };
  run({"train", demo, "experts=[0]", "epochs=1", "plots.every=0", "act=tanh", "quant=hw-b", "data.simulate.train=3000",
       "data.simulate.val=1000", "data.simulate.test=0"});
  const std::string told =
      run({"export", "latest", "--target", "hw-b", "--vectors", "100", "--reuse", "9", "--out", "b"});
  CHECK(told.find("rms 0.000 cm, max 0.000 cm") != std::string::npos);  // training computed with these integers
  const hw::Graph graph = hw::parse_graph(test::read_text(folder.path() / "b/fxir.json"), "fxir.json");
  const std::filesystem::path words = folder.path() / "b/firmware/words";
  const auto arrays = hw::parse_words_json(test::read_text(words / "neurotrigger_expert_0_words.json"), "words.json");
  CHECK(arrays == hw::design_words(graph, 18));
  for (const hw::WordArray& array : arrays) {
    const std::string coe = test::read_text(words / "coe" / (array.name + ".coe"));
    const std::string mem = test::read_text(words / "mem" / (array.name + ".mem"));
    CHECK(hw::parse_coe(coe, array.type, array.data.size(), array.name) == array.data);
    CHECK(hw::parse_mem(mem, array.type, array.data.size(), array.name) == array.data);
  }
  const nlohmann::json report = io::read_json(folder.path() / "b/report.json");
  CHECK(report.at("sections").at(0).at("title") == "Estimate by formula");
  // any other model is refused, nothing is written
  const test::Ended other =
      test::run_program("thimble-neurotrigger", {"export", "latest", "--target", "hw-a", "--out", "a"}, folder.path());
  CHECK(other.code == 2);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "a"));
  run({"simulate", demo, "experts=[0]", "act=tanh", "data.simulate.train=200", "data.simulate.val=50",
       "data.simulate.test=0", "--plain", "--weights", "runs/neurotrigger/demo/version_0/weights.json", "--out",
       "tracks"});
  run({"predict", "latest", "--data", "tracks/random1.csv", "--what", "words", "--target", "hw-b", "--to",
       "words.csv"});
  const Dataset made = read_tracks(folder.path() / "words.csv"),
                before = read_tracks(folder.path() / "tracks/random1.csv");
  CHECK(made.has_old);
  CHECK(before.has_old);
  CHECK(made.inputs.to_vector() == before.inputs.to_vector());
  for (std::int64_t row = 0; row < made.rows(); ++row)
    if (made.experts[static_cast<std::size_t>(row)] != 0) CHECK(made.words.data<float>()[2 * row] == 0.0F);
  CHECK(run({"evaluate", "latest", "--target", "hw-b", "hw_quirk=id_shuffle", "data.simulate.train=500"})
            .find("expert 0") != std::string::npos);
}
