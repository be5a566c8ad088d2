// The integers of the chip: words, codes, configuration bits, text files, registers, the graph of a network.
#include "core/fixed/convert.h"
#include "core/io/file.h"
#include "core/io/hdf5_foreign.h"
#include "core/io/json.h"

#include "hw/emit/codes.h"
#include "hw/lower/wavelet.h"
#include "hw/sim/evaluate.h"
#include "hw/sim/interpreter.h"

#include "apps/fenet/hardware/quantise_sweep.h"
#include "apps/fenet/hardware/register_audit.h"
#include "apps/fenet/hardware/text_bundle.h"
#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/train/fold_training.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

#include "tests/hw/rtl_support.h"
#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

using ChipIntegers = std::vector<std::int64_t>;

QuantKeys pair_of(std::int64_t wl, std::int64_t fl, const std::string& rounding = "nearest") {
  QuantKeys keys;
  keys.word_length = wl;
  keys.fraction = fl;
  keys.rounding = rounding;
  return keys;
}

/// The deterministic signal of the published-weight cases, [B, C, T].
Tensor chip_signal(std::int64_t chunks, std::int64_t channels, std::int64_t samples, double a) {
  std::vector<float> x;
  for (std::int64_t b = 0; b < chunks; ++b)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < samples; ++t) {
        const auto n = static_cast<double>((37 * t + 11 * c + 5 * b + 3 * static_cast<std::int64_t>(a)) % 17);
        const auto td = static_cast<double>(t), cd = static_cast<double>(c), bd = static_cast<double>(b);
        x.push_back(static_cast<float>(std::sin(0.05 * td * (cd + 1) + bd + 0.37 * a) +
                                       0.3 * std::sin(0.73 * td + 0.1 * cd + 0.5 * a) + 0.1 * (n / 17 - 0.5)));
      }
  return io::Array::from(std::span<const float>(x), {chunks, channels, samples}).tensor();
}

/// A small network with random filters, from a seed.
QuantisedNetwork some_network(const std::vector<int>& taps, const std::vector<int>& strides, const QuantKeys& keys) {
  Architecture shape;
  shape.kernels = taps;
  shape.strides = strides;
  shape.relu_powers.assign(taps.size(), 0);
  shape.relu_powers.back() = 1;
  shape.features_by_layer.assign(taps.size() + 1, 1);
  std::vector<Tensor> weights;
  const Stream random = Rng(7).stream("filters");
  for (std::size_t f = 0; f < 2 * taps.size(); ++f) {
    std::vector<double> filter;
    for (int t = 0; t < taps[f / 2]; ++t) filter.push_back(0.6 * random.normal(f, static_cast<std::uint64_t>(t)));
    weights.push_back(Tensor::from(filter));
  }
  return quantise_network("some network", shape, weights, keys);
}

Chunks some_chunks(std::int64_t chunks, std::int64_t channels, std::int64_t samples) {
  return {
      "20300102", chip_signal(chunks, channels, samples, 4),
      io::Array::from(std::vector<double>(static_cast<std::size_t>(2 * chunks), -0.25)).tensor().reshape({chunks, 2})};
}

void write_bundle(const std::filesystem::path& folder, const std::vector<std::pair<std::string, std::string>>& files) {
  std::filesystem::create_directories(folder);
  for (const auto& [name, text] : files) std::ofstream(folder / name, std::ios::binary) << text;
}

HardwareKeys chip_keys() {
  HardwareKeys keys;
  keys.code = "oct";
  return keys;
}

}  // namespace

TEST_CASE("[FN F20] words of the three published rounding rules equal the vectors") {
  THIMBLE_SHARED(path, "data/fenet/quantization_cases.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  const auto x = tree.datasets.at("/round_vectors/x").numbers.doubles();
  for (const auto& [wl, fl] : {std::pair<int, int>{4, 1}, {8, 5}, {9, 6}, {10, 7}, {16, 13}}) {
    const auto wanted = [&, w = wl, f = fl](const char* rule) {
      return tree.datasets.at(text::cat("/round_vectors/", rule, "_wl", w, "_fl", f)).numbers.integers();
    };
    const QuantKeys nearest = pair_of(wl, fl), wrap = pair_of(wl, fl, "wrap");
    ChipIntegers symmetric, weights, wrapped;
    for (const double value : x) {
      symmetric.push_back(quantised_value(value, nearest));
      weights.push_back(quantised_weight(value, nearest));
      wrapped.push_back(quantised_value(value, wrap));
    }
    CHECK(symmetric == wanted("nearest_symmetric"));
    CHECK(weights == wanted("nearest_asymmetric"));
    CHECK(wrapped == wanted("truncate_wrap"));
  }
}

TEST_CASE("[FN F20] the graph of a published network gives every intermediate integer of the vectors") {
  THIMBLE_SHARED(path, "data/fenet/quantization_cases.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  for (const auto& [group, attributes] : tree.attributes) {
    if (group.rfind("/forward_", 0) != 0 || attributes.count("wl") == 0) continue;
    const std::string shown = group;  // bindings cannot be captured
    CAPTURE(shown);
    const auto number = [&, a = attributes](const char* key) { return a.at(key).numbers.integers().at(0); };
    THIMBLE_SHARED(file, text::cat("data/fenet/weights_", attributes.at("checkpoint").texts.at(0), ".h5"));
    WeightsFile weights = read_weights(file);
    const auto powers = attributes.at("relu_powers").numbers.integers();
    weights.architecture.relu_powers.assign(powers.begin(), powers.end());
    const QuantKeys keys = pair_of(number("wl"), number("fl"));
    const QuantisedNetwork network = quantise_network("vectors", weights.architecture, weights.weights, keys);
    for (std::size_t f = 0; f < network.chain.filters.size(); ++f) {
      const auto words = tree.datasets.at(text::cat(group, "/weights_int/", f / 2, f % 2 == 0 ? "/feat" : "/pass"));
      CHECK(ChipIntegers(network.chain.filters[f].begin(), network.chain.filters[f].end()) == words.numbers.integers());
    }
    const io::Array& x = tree.datasets.at(group + "/x_int").numbers;
    const std::int64_t samples = x.dims()[2];
    const hw::Graph graph = hw::lower_wavelet(network.chain, samples, "vectors");
    const ChipIntegers all = x.integers();
    const auto part = [&, g = group](const std::string& name, std::size_t window, std::size_t each) {
      const auto values = tree.datasets.at(g + "/" + name).numbers.integers();
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(window * each);
      return ChipIntegers(first, first + static_cast<std::ptrdiff_t>(each));
    };
    const std::size_t levels = powers.size(), length = static_cast<std::size_t>(samples);
    for (std::size_t w = 0; w < all.size() / length; ++w) {
      const ChipIntegers window = part("x_int", w, length);
      const hw::Values values = hw::evaluate(graph, window);
      const auto at = [&](const std::string& name) { return values[static_cast<std::size_t>(*graph.find(name))]; };
      CHECK(hw::outputs_of(graph, values) == part("features_int", w, levels + 1));
      for (std::size_t k = 0; k <= levels; ++k) {
        const std::string suffix = k < levels ? std::to_string(k) : "_final";
        CHECK(at("mean" + suffix) == part(text::cat("pool_sum_int/", k), w, 1));
        if (k + 1 < levels) CHECK(at("out" + suffix) == part(text::cat("pass_int/", k), w, at("out" + suffix).size()));
      }
    }
  }
}

TEST_CASE("[HW-27] all text codes of the vectors are written and read back") {
  THIMBLE_SHARED(path, "data/fenet/text_encodings.json");
  const nlohmann::json cases = io::read_json(path);
  CHECK(cases.size() == 216);
  for (const auto& one : cases) {
    const std::string name = one["code"].get<std::string>() + (one["sign_magnitude"].get<bool>() ? "" : "_2s_comp");
    const TextCode code{name, {one["wl"].get<int>(), true, one["fl"].get<int>()}, one["total_length"].get<int>()};
    const std::string wanted = one["text"].get<std::string>();
    CHECK(code_of(one["value"].get<double>(), code) == wanted);
    const std::int64_t word = word_of(wanted, code);
    if (word != 0) CHECK(code_of_word(word, code) == wanted);  // a negative zero is read as zero
  }
}

TEST_CASE("[FN F21] the export of the published efficient network equals the example byte for byte") {
  THIMBLE_SHARED(file, "data/fenet/weights_efficient_volcanic486.h5");
  THIMBLE_SHARED(example, "data/fenet/export_example");
  const io::Hdf5Tree inputs = io::read_foreign_hdf5(example / "inputs.h5");
  const WeightsFile weights = read_weights(file);
  const QuantisedNetwork network =
      quantise_network("efficient_volcanic486", weights.architecture, weights.weights, pair_of(9, 6));
  const Chunks chunks{"example", inputs.datasets.at("/x").numbers.tensor(),
                      inputs.datasets.at("/labels").numbers.tensor()};
  const auto files = text_bundle(network, chunks, pair_of(9, 6), chip_keys(), 2);
  std::size_t compared = 0;
  for (const auto& [name, text] : files) {
    if (!std::filesystem::exists(example / name)) continue;
    const std::string shown = name;  // bindings cannot be captured
    CAPTURE(shown);
    CHECK(text == io::read_file(example / name));
    ++compared;
  }
  CHECK(compared == 12);
}

TEST_CASE("[FN N10] text files in all seven codes are computed again from nothing but themselves") {
  const QuantisedNetwork network = some_network({5, 4, 3}, {2, 3, 1}, pair_of(9, 6));
  for (const std::string code : {"float", "hex", "oct", "bin", "hex_2s_comp", "oct_2s_comp", "bin_2s_comp"}) {
    CAPTURE(code);
    HardwareKeys keys;
    keys.code = code;
    if (code == "hex") keys.code_bits = 16;
    const test::TempFolder folder;
    write_bundle(folder.path(), text_bundle(network, some_chunks(2, 3, 50), pair_of(9, 6), keys, 2));
    const BundleCheck check = check_bundle(folder.path());
    INFO(check.line());
    CHECK(check.equal());
    CHECK(check.files == 13);
  }
}

TEST_CASE("[FN N10] one changed digit, a cut file and a missing one are all noticed") {
  const QuantisedNetwork network = some_network({5, 4}, {2, 2}, pair_of(9, 6));
  const auto files = text_bundle(network, some_chunks(1, 2, 40), pair_of(9, 6), chip_keys(), 2);
  for (const auto& [name, text] : files) {
    if (name == "labels_info.txt") continue;
    const std::string shown = name;
    CAPTURE(shown);
    const test::TempFolder folder;
    write_bundle(folder.path(), files);
    std::ofstream(folder / name, std::ios::binary) << text.substr(0, text.size() - 1);
    CHECK(test::error_of([&] { check_bundle(folder.path()); }));
    std::filesystem::remove(folder / name);
    CHECK(test::error_of([&] { check_bundle(folder.path()); }));
    if (name == "model_info.txt" || name == "configs.txt" || name == "labels.txt") continue;
    std::string changed = text;
    char& digit = changed[changed.size() - 2];
    digit = digit == '1' ? '2' : '1';
    std::ofstream(folder / name, std::ios::binary) << changed;
    const BundleCheck check = check_bundle(folder.path());
    INFO(check.line());
    CHECK(!check.equal());
    CHECK(!check.mismatches.empty());
  }
}

TEST_CASE("[FN F21] a field of the configuration that is too narrow is named and nothing is written") {
  const QuantisedNetwork wide = some_network({40, 40, 40, 40, 40, 40, 40}, {2, 2, 2, 2, 2, 2, 2}, pair_of(9, 6));
  const auto error = test::error_of([&] { config_bits(wide, 900, chip_keys()); });
  CHECK(test::says(error, "kernel_offset 7: 280 in 8 bits"));
  CHECK(!test::says(error, "kernel_offset 6"));
  HardwareKeys larger = chip_keys();
  larger.weight_depth = 512;
  CHECK(config_bits(wide, 900, larger).size() == 205 + 7);
  HardwareKeys few = chip_keys();
  few.levels_built = 6;
  CHECK(test::says(test::error_of([&] { config_bits(wide, 900, few); }), "7 levels"));
  CHECK(config_bits(some_network({4, 30, 30}, {3, 2, 2}, pair_of(9, 6)), 900, chip_keys()).size() == 205);
}

TEST_CASE("[FN F20] a quantised network survives its file, and another file is refused") {
  const QuantisedNetwork network = some_network({6, 4}, {2, 3}, pair_of(8, 5));
  const test::TempFolder folder;
  const auto path = folder / "qfe_net.h5";
  std::ofstream(path, std::ios::binary) << quantised_bytes(network);
  CHECK(is_quantised_file(path));
  const QuantisedNetwork back = read_quantised(path);
  CHECK(back.chain.filters == network.chain.filters);
  CHECK(back.chain.chain == network.chain.chain);
  CHECK(back.chain.activations == network.chain.activations);
  CHECK(back.name == network.name);
  CHECK(quantised_bytes(back) == quantised_bytes(network));
  std::ofstream(path, std::ios::binary) << "no network";
  CHECK(!is_quantised_file(path));
  CHECK(test::error_of([&] { read_quantised(path); }));
}

TEST_CASE("[FN F22] the best of several stochastic roundings is never worse than the nearest on its data") {
  Architecture shape;
  shape.kernels = {4};
  shape.strides = {2};
  shape.relu_powers = {0};
  shape.features_by_layer = {1, 1};
  const std::vector<Tensor> weights = {Tensor::from(std::vector<double>{0.3, -0.7, 0.01, 0.49}),
                                       Tensor::from(std::vector<double>{0.1, 0.2, 0.3, 0.4})};
  QuantKeys keys = pair_of(5, 2, "stochastic");
  keys.draws = 40;
  const auto score = [](const QuantisedNetwork& n) { return static_cast<double>(n.chain.filters[0][0]); };
  const BestDraw best = best_draw("toy", shape, weights, keys, 3, score);
  CHECK(best.nearest == 1.0);  // 0.3 * 4 = 1.2
  CHECK(best.score == 2.0);
  CHECK(best.draw >= 0);
  CHECK(best.scores.size() == 40);
  CHECK(best_draw("toy", shape, weights, keys, 3, score).draw == best.draw);
  const auto ups = std::count(best.scores.begin(), best.scores.end(), 2.0);
  CHECK(ups > 2);  // one in five
  CHECK(ups < 20);
}

TEST_CASE("[HW-40] the generated window drives a narrow accumulator over its end") {
  const QuantisedNetwork network = some_network({12, 4}, {2, 2}, pair_of(9, 6));
  const hw::Graph graph = hw::lower_wavelet(network.chain, 60, "audit");
  const auto input = overflow_input(graph, 16);
  REQUIRE(input);
  const hw::Values values = hw::evaluate(graph, input->window);
  const std::int64_t sum = values[static_cast<std::size_t>(*graph.find(input->name))][input->position];
  CHECK(sum == input->sum);
  CHECK(input->wrapped != sum);
  CHECK(input->wrapped == fixed::overflow(sum, {16, true, 0}, fixed::Overflow::wrap));
  CHECK(!overflow_input(graph, 40));
}

TEST_CASE("[FN F21] registers seen stay within the worst case, and one bit less than safe is not safe") {
  const QuantisedNetwork network = some_network({8, 6}, {2, 2}, pair_of(9, 6));
  const hw::Graph graph = hw::lower_wavelet(network.chain, 80, "audit");
  hw::Vectors windows{.width = 80};
  const Tensor x = chip_signal(3, 2, 80, 4);
  ChipIntegers row;
  for (const double value : io::Array(x).doubles()) row.push_back(quantised_value(value, pair_of(9, 6)));
  windows.data = row;
  const auto ranges = register_ranges(graph, windows, HardwareKeys{});
  CHECK(ranges.size() == 7);
  for (const RegisterRange& r : ranges) {
    CAPTURE(r.name);
    CHECK(r.worst_lo <= r.seen_lo);
    CHECK(r.seen_hi <= r.worst_hi);
    CHECK(r.seen_bits() <= r.safe_bits());
    CHECK(r.beyond == 0);
  }
  HardwareKeys narrow;
  narrow.accumulator_bits = ranges[0].seen_bits() - 1;
  const auto tight = register_ranges(graph, windows, narrow);
  CHECK(tight[0].beyond > 0);
  CHECK(register_warnings(tight)[0].find("windows are wrong on the chip") != std::string::npos);
}

TEST_CASE("[FN F21] the saturating published network needs more than the pool register, the efficient one does not") {
  THIMBLE_SHARED(path, "data/fenet/quantization_cases.h5");
  THIMBLE_SHARED(large, "data/fenet/weights_db20_architecture.h5");
  THIMBLE_SHARED(small, "data/fenet/weights_efficient_volcanic486.h5");
  const io::Hdf5Tree tree = io::read_foreign_hdf5(path);
  const auto beyond = [&](const std::filesystem::path& file, const std::string& group) {
    const WeightsFile weights = read_weights(file);
    const auto network = quantise_network("audit", weights.architecture, weights.weights, pair_of(9, 6));
    const hw::Graph graph = hw::lower_wavelet(network.chain, 200, "audit");
    hw::Vectors windows{200, tree.datasets.at(group + "/x_int").numbers.integers()};
    std::int64_t most = 0, count = 0;
    for (const RegisterRange& r : register_ranges(graph, windows, HardwareKeys{})) {
      if (!r.pool) continue;
      most = std::max(most, r.seen_hi);
      count += r.beyond;
    }
    CHECK((most > 8600000) == (count > 0));
    return count;
  };
  CHECK(beyond(large, "/forward_db20_architecture_wl9_fl6") > 0);
  CHECK(beyond(small, "/forward_efficient_volcanic486_wl9_fl6") == 0);
}

namespace {

/// Two short sessions of three channels whose signal follows the labels.
std::vector<Day> followed_days() {
  const Stream random = Rng(11).stream("days");
  Day day;
  day.name = "20300102";
  for (std::uint64_t s = 0; s < 2; ++s) {
    std::vector<float> x, y;
    for (std::uint64_t b = 0; b < 60; ++b) {
      const double speed[2] = {random.normal(s, 2 * b), random.normal(s, 2 * b + 1)};
      for (std::uint64_t c = 0; c < 3; ++c)
        for (std::uint64_t t = 0; t < 64; ++t)
          x.push_back(static_cast<float>((1.2 + 0.4 * speed[c % 2]) * random.normal(7 + c, (s * 60 + b) * 64 + t)));
      for (const double v : speed) y.push_back(static_cast<float>(v));
    }
    Session session;
    session.name = text::cat(day.name, "/", s);
    session.labels = io::Array::from(std::span<const float>(y), {60, 2}).tensor();
    session.segments = in_memory(io::Array::from(std::span<const float>(x), {60, 3, 64}).tensor());
    day.sessions.push_back(std::move(session));
  }
  return {day};
}

HardwareSubject small_subject() {
  HardwareSubject subject;
  subject.name = "small";
  subject.architecture.kernels = {4, 6};
  subject.architecture.strides = {2, 2};
  subject.architecture.relu_powers = {0, 0};
  subject.architecture.features_by_layer = {1, 1, 1};
  subject.architecture.normalize_at_end = true;
  Network network(subject.architecture, 64);
  initialise(network.graph, subject.architecture);
  subject.weights = network.weights();
  subject.settings.eval.folds = 5;
  return subject;
}

}  // namespace

TEST_CASE("[FN F24] the quantisation sweep judges every real format of every day and no other") {
  HardwareSubject subject = small_subject();
  subject.settings.quant.word_lengths = {4, 9, 12};
  const auto scores = quantise_sweep(subject, followed_days());
  REQUIRE(scores.size() == 2 + 7 + 10);
  for (const QuantisedScore& s : scores) {
    CHECK(s.fraction >= 1);
    CHECK(s.fraction <= s.word_length - 2);
    CHECK(s.unquantised == scores[0].unquantised);
  }
  CHECK(scores[0].unquantised > 0.2);  // the signal carries the labels
  CHECK(std::abs(scores.back().drop()) < 0.2);
  const std::string csv = sweep_csv(scores);
  CHECK(csv.rfind(",WordLen,fracLen,unQuantized_R2,Quantized_R2,day\n0,4,1,", 0) == 0);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 20);
  const auto choice = shortest_format(scores, 1.0);
  REQUIRE(choice);
  CHECK(choice->word_length == 4);
  CHECK(sweep_figures(scores).size() == 2);  // map, and bands of 9 bits
  CHECK(sweep_figures(scores)[0].grid->values.size() == 9 * 10);
}

TEST_CASE("[FN F14] the quantisation criterion has the keys of the reference and the score of the sweep") {
  HardwareSubject subject = small_subject();
  subject.settings.quant.word_lengths = {9};
  const std::vector<Day> days = followed_days();
  const auto scores = quantise_sweep(subject, days);
  const auto criterion = quantisation_criterion(subject.architecture, subject.weights, days[0].sessions,
                                                quantised_protocol(subject), pair_of(9, 6));
  CHECK(criterion.at("eval/quantized/wl=9 fl=6/R²") == scores[5].quantised);
  CHECK(criterion.at("eval/perf-cost-ratio/wl=9 fl=6/R²") == scores[5].quantised);
  CHECK(criterion.count("eval/quantized/wl=9 fl=6/R²-x") == 1);
}

TEST_CASE(
    "[FN F03] [FN F20] the integers leave the float network with shifted pooling by half as much per fraction bit") {
  HardwareSubject subject = small_subject();
  subject.architecture.pool = kernels::WaveletPool::bitshift;
  const Tensor x = chip_signal(2, 3, 64, 4);
  Network network(subject.architecture, 64);
  network.set_weights(subject.weights);
  const std::vector<double> exact = io::Array(features_of(network, x)).doubles();
  std::vector<double> distance;
  for (std::int64_t fl = 4; fl <= 12; ++fl) {
    const auto rounded = quantise_network("x", subject.architecture, subject.weights, pair_of(fl + 6, fl));
    const Tensor words = kernels::quantised_features(rounded.chain, x);
    double sum = 0;
    for (std::size_t i = 0; i < exact.size(); ++i)
      sum += std::abs(rounded.chain.activations.value(words.data<std::int32_t>()[i]) - exact[i]);
    distance.push_back(sum);
  }
  const double per_bit = std::pow(distance.front() / distance.back(), 1.0 / static_cast<double>(distance.size() - 1));
  CHECK(per_bit > 1.7);
  CHECK(per_bit < 2.3);
}

TEST_CASE("[HW-24] [FN F20] kernel, graph and streaming Verilog of a random network agree on random windows") {
  const QuantisedNetwork network = some_network({6, 5, 4}, {3, 2, 1}, pair_of(9, 6));
  const hw::Graph graph = hw::lower_wavelet(network.chain, 48, "three ways");
  const hw::Vectors stimulus = hw::stimulus(graph, 40, 5);
  const hw::Vectors answers = hw::interpret(graph, stimulus);
  std::vector<std::int32_t> x(stimulus.data.begin(), stimulus.data.end());
  const Tensor words =
      kernels::quantised_features(network.chain, io::Array::from(std::span<const std::int32_t>(x), {40, 48}).tensor());
  for (std::size_t i = 0; i < answers.data.size(); ++i)
    CHECK(answers.data[i] == std::int64_t{words.data<std::int32_t>()[i]});
  if (!test::installed({"iverilog", "vvp"})) return;
  const test::TempFolder folder;
  hw::export_folder(graph, stimulus, {}, folder / "design");
  const hw::VerifyResult proof = test::simulated(folder / "design");
  INFO(proof.text());
  CHECK(proof.proven());
}

TEST_CASE("[FN N3] a network trained through the rounding computes the integers that are exported") {
  Settings settings;
  settings.quant.train = true;
  settings.model.kernels = {6, 4};
  settings.model.strides = {2, 2};
  settings.model.relu_powers = {0, 1};
  settings.model.features_by_layer = {1, 1, 1};
  settings.model.dropout = 0.1;
  settings.model.normalize_at_end = true;
  settings.optim.lr = 0.02;
  const std::vector<Day> days = followed_days();
  const std::vector<Session>& sessions = days[0].sessions;
  Network network = start_network(settings, 64);
  std::vector<std::vector<double>> start;
  for (const Tensor& filter : network.weights()) start.push_back(filter.to_vector());
  nn::Parts parts = nn::parts_of(network.graph);
  std::vector<nn::Parameter*> filters;
  for (auto& [path, parameter] : parts.parameters) filters.push_back(parameter);
  SessionStep step(step_options(settings, Rng(3).stream("dropout")), filters);
  double first = 0, last = 0;
  for (std::uint64_t n = 0; n < 12; ++n) {  // plain steps down the gradient
    const double loss = step(*sessions[n % 2].segments, sessions[n % 2].labels, n);
    (n < 2 ? first : last) = loss;
    for (nn::Parameter* filter : filters)
      for (std::int64_t i = 0; i < filter->value.numel(); ++i)
        filter->value.mut<float>()[i] -= 0.5F * filter->grad.data<float>()[i];
  }
  CHECK(last < first);
  bool moved = false;
  for (std::size_t f = 0; f < start.size(); ++f) moved = moved || network.weights()[f].to_vector() != start[f];
  CHECK(moved);
  const auto words = quantise_network("trained", network.architecture, network.weights(), settings.quant);
  const hw::Graph graph = hw::lower_wavelet(words.chain, 64, "trained");
  const std::vector<double> features = extract_features(network, *sessions[0].segments).to_vector();
  const hw::Vectors windows = recorded_windows(days, settings.quant, 180);
  for (std::size_t w = 0; w < windows.rows(); ++w) {
    const auto integers = hw::outputs_of(graph, hw::evaluate(graph, windows.row(w)));
    for (std::size_t n = 0; n < 3; ++n) CHECK(features[w * 3 + n] == words.chain.activations.value(integers[n]));
  }
}

TEST_CASE("[FN N3] training through another rounding than to the nearest is refused before it begins") {
  CHECK(test::says(test::error_of([] {
                     bind_settings(app::load_config(
                         "{quant: {train: true, rounding: wrap}, model: {preset: efficient}}", {}, load_options()));
                   }),
                   "needs the nearest integer"));
}
