#include "core/base/error.h"
#include "core/io/json.h"
#include "core/io/png.h"
#include "core/random/philox.h"

#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/look/data_look.h"
#include "apps/fenet/look/model_look.h"
#include "apps/fenet/look/quantised_look.h"
#include "apps/fenet/look/video.h"
#include "apps/fenet/study/drift.h"
#include "apps/fenet/study/lags.h"
#include "apps/fenet/study/permutation.h"
#include "apps/fenet/study/study.h"
#include "apps/fenet/study/surface.h"
#include "apps/fenet/train/session_step.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;
using test::error_of;
using test::says;

namespace {

Architecture look_architecture() {
  Architecture a;
  a.kernels = {4, 6};
  a.strides = {2, 2};
  a.relu_powers = {0, 1};
  a.features_by_layer = {1, 1, 1};
  a.normalize_at_end = true;
  return a;
}

Network look_network() {
  Network network(look_architecture(), 64);
  initialise(network.graph, network.architecture);
  return network;
}

/// Segments whose loudness follows two smooth labels; `gain` scales the recording, `seed` its noise.
Session look_session(const std::string& name, std::int64_t segments, std::uint64_t seed, double gain = 1) {
  constexpr std::int64_t kChannels = 4, kSamples = 64;
  const Stream random = Rng(seed).stream("look");
  const Tensor x = Tensor::empty({segments, kChannels, kSamples}), labels = Tensor::empty({segments, 2});
  for (std::int64_t b = 0; b < segments; ++b) {
    const double phase = 0.13 * static_cast<double>(b) + 0.5 * std::sin(0.031 * static_cast<double>(b * b % 97));
    labels.mut<float>()[2 * b] = static_cast<float>(std::sin(phase));
    labels.mut<float>()[2 * b + 1] = static_cast<float>(std::cos(1.7 * phase));
    for (std::int64_t c = 0; c < kChannels; ++c) {
      const double loud = 1 + 0.6 * static_cast<double>(labels.data<float>()[2 * b + c % 2]);
      for (std::int64_t t = 0; t < kSamples; ++t) {
        const auto at = static_cast<std::uint64_t>((b * kChannels + c) * kSamples + t);
        x.mut<float>()[at] = static_cast<float>(gain * loud * random.normal(0, at));
      }
    }
  }
  Session out;
  out.name = name;
  out.labels = labels;
  out.segments = in_memory(x);
  return out;
}

DayFeatures look_day(const std::string& name, std::int64_t segments, std::uint64_t seed, double gain = 1) {
  const Session session = look_session(name, segments, seed, gain);
  return {name, session, 4, extract_features(look_network(), *session.segments), session.labels};
}

Protocol look_protocol() {
  Protocol protocol;
  protocol.normalise = true;
  return protocol;
}

int count_of(const std::string& bytes, const std::string& word) {
  int count = 0;
  for (std::size_t at = bytes.find(word); at != std::string::npos; at = bytes.find(word, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("an animated PNG tells its frames and their time and is a picture for plain readers [FN F25]") {
  io::AnimatedPng video(2, 1, 3, 3, 3, 100);
  for (int frame = 0; frame < 3; ++frame) {
    const std::vector<std::uint8_t> pixels{1, 2, static_cast<std::uint8_t>(frame), 4, 5, 6};
    video.add(pixels);
  }
  const std::string file = video.finish();
  CHECK(io::png_size(file).width == 2);
  CHECK(count_of(file, "acTL") == 1);
  CHECK(count_of(file, "fcTL") == 3);
  CHECK(count_of(file, "fdAT") == 2);
  const std::size_t control = file.find("fcTL");
  CHECK(file.substr(control + 24, 4) == std::string("\0\3\0\x64", 4));  // 3/100 s: 33.333 pictures per second
  io::AnimatedPng wrong(2, 1, 3, 1, 3, 100);
  CHECK(error_of([&] { wrong.finish(); }));
  CHECK(error_of([&] { wrong.add(std::vector<std::uint8_t>(5)); }));
}

TEST_CASE("distinct labels are counted at every number of decimals [FN F25]") {
  const Tensor labels = Tensor::from(std::vector<float>{0.5f, 1, 0.25f, 1, -0.25f, 1, 0.1f, 1, 0.125f, -1}, {5, 2});
  const std::vector<std::int64_t> x = distinct_values(labels, 0), y = distinct_values(labels, 1);
  CHECK(x.size() == 20);
  CHECK(x[0] == 1);  // 0.5 goes to the even 0
  CHECK(x[1] == 4);  // 0.5 0.2 -0.2 0.1 0.1
  CHECK(x[2] == 5);  // 0.12 beside 0.1
  CHECK(x[19] == 5);
  CHECK(y == std::vector<std::int64_t>(20, 2));
}

TEST_CASE("the value map has one row per path whose shares add up to one [FN F25]") {
  const Session session = look_session("s", 3, 1);
  const Network network = look_network();
  const Tensor windows = session.segments->resident() != nullptr ? session.segments->resident()->reshape({12, 64})
                                                                 : Tensor::zeros({12, 64});
  const std::vector<ValueRow> rows = value_rows(network, windows);
  REQUIRE(rows.size() == 4);
  const std::vector<std::int64_t> lengths = network.architecture.chain().lengths(64);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    double sum = 0;
    for (const double share : rows[r].shares) sum += share;
    CHECK(rows[r].shares.size() == 15);
    CHECK(sum == doctest::Approx(1));
    CHECK(rows[r].count == 12 * lengths[r / 2]);
    CHECK(rows[r].least < rows[r].greatest);
  }
  CHECK(rows[0].least >= 0);  // folded at zero
}

TEST_CASE("quantised features approach those of floats as fraction bits are added [FN F25]") {
  const DayFeatures day = look_day("d", 40, 2, 0.2);
  Network network = look_network();
  network.architecture.pool = kernels::WaveletPool::bitshift;
  Network same(network.architecture, 64);
  same.set_weights(network.weights());
  const Tensor exact = extract_features(same, *day.session.segments);
  double before = 1e9;
  for (const std::int64_t fraction : {4, 6, 8, 10}) {
    const Tensor rounded = quantised_features_of(same, *day.session.segments, fraction + 5, fraction);
    double largest = 0;
    for (std::int64_t i = 0; i < exact.numel(); ++i)
      largest = std::max(largest, std::abs(static_cast<double>(exact.data<float>()[i] - rounded.data<float>()[i])));
    CHECK(largest < before);
    before = largest;
  }
  CHECK(before < 2e-3);
}

TEST_CASE("random halves give the same scores for the same seed [FN F25] [FN N12]") {
  const DayFeatures day = look_day("d", 80, 3);
  const auto scores = [&](std::uint64_t seed) {
    return repeated_scores(day.features, day.channels, day.labels, look_protocol(), 4, seed);
  };
  CHECK(scores(5) == scores(5));
  CHECK(scores(5) != scores(6));
  CHECK(scores(5)[0] != scores(5)[1]);
}

TEST_CASE("the video shows three dimensions per electrode as colours of its cell [FN F25]") {
  CHECK(int{video_level(-5)} == 0);
  CHECK(int{video_level(-4)} == 0);
  CHECK(int{video_level(0)} == 32);
  CHECK(int{video_level(1.5)} == 44);
  CHECK(int{video_level(100)} == 255);
  const DayFeatures day = look_day("d", 30, 4);
  const Look look = video_look(day, {0, 1, 95, 96}, look_protocol(), "", 10);
  REQUIRE(look.files.size() == 2);  // channel 96 is on the second array
  CHECK(look.files[0].first == "video-array-1.png");
  CHECK(io::png_size(look.files[0].second).width == 160);
  CHECK(count_of(look.files[0].second, "fcTL") == 10);
}

TEST_CASE("random directions have the norms of the filters [FN T3]") {
  const std::vector<Tensor> weights = look_network().weights();
  const std::vector<Tensor> u = filter_direction(weights, 1, "u"), again = filter_direction(weights, 1, "u"),
                            v = filter_direction(weights, 1, "v");
  const auto norm = [](const Tensor& t) {
    double sum = 0;
    for (const double x : t.to_vector()) sum += x * x;
    return std::sqrt(sum);
  };
  for (std::size_t f = 0; f < weights.size(); ++f) {
    CHECK(norm(u[f]) == doctest::Approx(norm(weights[f])).epsilon(1e-6));
    CHECK(u[f].to_vector() == again[f].to_vector());
    CHECK(u[f].to_vector() != v[f].to_vector());
  }
}

TEST_CASE("the middle of a loss surface is the training loss of the network [FN T3]") {
  Settings settings;
  settings.model.normalize_at_end = true;
  const Network network = look_network();
  const Session session = look_session("s", 60, 5);
  const Surface surface = loss_surface("net", settings, network.architecture, network.weights(), session, 3, 0.5);
  const LossKeys keys{true, pls_options(settings.pls), protocol_of(settings).apply};
  const double loss = decoder_loss(extract_features(network, *session.segments), 4, session.labels, keys).loss;
  CHECK(surface.losses.size() == 9);
  CHECK(surface.centre() == loss);
  CHECK(error_of([&] { loss_surface("net", settings, network.architecture, network.weights(), session, 4, 1); }));
  Surface bowl{"bowl", 1, 3, {2, 1, 2, 1, 0, 1, 2, 1, 2}};  // u^2 + v^2
  CHECK(bowl.curvature() == doctest::Approx(2));
}

TEST_CASE("a permutation test tells decoding from chance [FN N9]") {
  const DayFeatures day = look_day("d", 200, 6);
  const PermutationTest real = permutation_test(day.features, 4, day.labels, look_protocol(), 19, 1);
  CHECK(real.p == doctest::Approx(0.05));
  CHECK(real.value > 0.2);
  const Stream random = Rng(9).stream("noise");
  const Tensor noise = Tensor::empty({200, 12});
  for (std::int64_t i = 0; i < noise.numel(); ++i)
    noise.mut<float>()[i] = static_cast<float>(random.normal(0, static_cast<std::uint64_t>(i)));
  const PermutationTest chance = permutation_test(noise, 4, day.labels, look_protocol(), 19, 1);
  CHECK(chance.p > 0.05);
  CHECK(permutation_test(day.features, 4, day.labels, look_protocol(), 19, 1).chance == real.chance);
  CHECK(says(error_of([&] { permutation_test(noise.rows(0, 19), 4, day.labels.rows(0, 19), look_protocol(), 19, 1); }),
             "20 segments"));
}

TEST_CASE("a kept decoder decays with a changed recording and its own statistics help [FN N8]") {
  const std::vector<DayFeatures> days{look_day("first", 200, 7), look_day("same", 200, 8), look_day("loud", 200, 9, 3)};
  const std::vector<DriftDay> drift = drift_of_days(days, look_protocol());
  REQUIRE(drift.size() == 2);
  CHECK(drift[0].day == "same");
  CHECK(drift[0].shift < 0.3);
  CHECK(drift[1].shift > 3);
  CHECK(drift[1].renormalised > drift[0].renormalised - 0.1);
  CHECK(drift[1].channel_shift.size() == 4);
  REQUIRE(drift[0].curve.size() == 4);  // 0, 25, 50 and 100 of 200 segments
  CHECK(drift[0].curve[0].r2 == doctest::Approx(drift[0].renormalised));
  CHECK(error_of([&] { drift_of_days({days[0]}, look_protocol()); }));
}

TEST_CASE("the scan of lags finds by how much the features lead [FN N2]") {
  constexpr std::uint64_t kSeed = 3;
  MESSAGE("seed ", kSeed);
  const Stream stream = Rng(kSeed).stream("lags");
  const std::int64_t n = 200, lead = 3;
  const Tensor x = Tensor::empty({n, 2}, DType::f64), y = Tensor::zeros({n, 2}, DType::f64);
  for (std::int64_t i = 0; i < 2 * n; ++i) {
    x.mut<double>()[i] = stream.normal(0, static_cast<std::uint64_t>(i));
    if (i + 2 * lead < 2 * n) y.mut<double>()[i + 2 * lead] = 2 * x.data<double>()[i] + 1;
  }
  Protocol protocol = look_protocol();
  protocol.pls.components = 0;
  const std::vector<LagScore> scores = scan_lags(x, 1, y, protocol, -1, 5);
  REQUIRE(scores.size() == 7);
  for (const LagScore& score : scores) {
    CAPTURE(score.lag);
    CHECK((judged(score.correlation).mean > 0.5) == (score.lag == lead));
    protocol.decoder.lag = score.lag;
    CHECK(judge(x, 1, y, protocol).folds[4].at("decoder-R2") == score.r2[4]);
  }
  CHECK(says(error_of([&] { scan_lags(x, 1, y, protocol, 2, 1); }), "from 2 to 1"));
  CHECK(lag_range("-5:5") == std::pair<std::int64_t, std::int64_t>{-5, 5});
  for (const char* wrong : {"", "5", "5:-5", "a:b", "-5:2000"})
    CHECK(says(error_of([&] { lag_range(wrong); }), "two numbers of segments"));
}

TEST_CASE("values without a number are counted and not averaged [FN N9]") {
  const Judged result = judged({0.1, std::nan(""), 0.3});
  CHECK(result.mean == doctest::Approx(0.2));
  CHECK(result.invalid == 1);
  CHECK(result.interval.low >= 0.1);
  CHECK(result.interval.high <= 0.3);
  CHECK(std::isnan(judged({}).mean));
}

TEST_SUITE("slow") {
  TEST_CASE(
      "explore and study write their pages, tables and data [FN F25] [FN T1] [FN T3] [FN T4] [FN T6] [FN N8] [FN N2]") {
    const test::TempFolder folder;
    const std::vector<std::string> small{"synth.segments=80", "synth.channels=4", "synth.samples=300",
                                         "train.epochs=2",    "train.folds=2",    "train.fold=0"};
    const auto run = [&](std::vector<std::string> words) {
      words.insert(words.begin() + 2, small.begin(), small.end());
      return test::run_program("thimble-fenet", words, folder.path());
    };
    const test::Ended explored =
        run({"explore", "demo", "--repetitions", "3", "--segments", "60", "--frames", "5", "--out", "explore"});
    CHECK_MESSAGE(explored.code == 0, explored.err);
    for (const char* name : {"report.html", "labels.json", "labels-distinct-values.csv", "network.json",
                             "network-values.csv", "quantised.json", "quantised-formats.csv", "video-array-1.png"})
      CHECK_MESSAGE(std::filesystem::exists(folder / (std::string("explore/") += name)), name);
    const std::string formats = test::read_text(folder / "explore/quantised-formats.csv");
    CHECK(std::count(formats.begin(), formats.end(), '\n') == 1 + 20 - 1);  // 8 bits have no 8 fraction bits
    const test::Ended studied = run({"study", "demo", "--what", "all", "--grid", "3", "--permutations", "5",
                                     "--presets", "efficient", "--out", "studies", "synth.sessions=3"});
    CHECK_MESSAGE(studied.code == 0, studied.err);
    for (const char* name :
         {"report.html", "ablation.csv", "surface.json", "averaging.csv", "learning-curve.csv", "days.json",
          "drift.csv", "drift-channels.csv", "permutation.json", "lags.csv", "lags.json"})
      CHECK_MESSAGE(std::filesystem::exists(folder / (std::string("studies/") += name)), name);
    const nlohmann::json ablation = io::read_json(folder / "studies/ablation.json");
    CHECK(ablation.size() == 5);
    CHECK(ablation[0]["difference"] == 0.0);
    CHECK(io::read_json(folder / "studies/surface.json").size() == 2);
    CHECK(io::read_json(folder / "studies/days.json").size() == 2);
  }

  TEST_CASE("explore and study refuse wrong requests before any work [FN F25]") {
    const test::TempFolder folder;
    const auto code = [&](const std::vector<std::string>& words) {
      return test::run_program("thimble-fenet", words, folder.path()).code;
    };
    CHECK(code({"explore", "demo", "--what", "pictures"}) == 2);
    CHECK(code({"explore"}) == 2);
    CHECK(code({"study", "demo", "--what", "surface", "--grid", "4"}) == 2);
    CHECK(code({"study", "demo", "--what", "days", "synth.sessions=1"}) == 2);
    CHECK(code({"study", "demo", "--what", "lags", "--lags", "5:1"}) == 2);
    CHECK(code({"study", "demo", "--reach", "0"}) == 2);
    CHECK(code({"import", "nothing.pt"}) == 2);
  }
}
