// Tools that look at channels one by one.

#include "core/io/json.h"
#include "core/io/npy.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include "apps/fenet/channels/channel_estimates.h"
#include "apps/fenet/channels/channel_ranking.h"
#include "apps/fenet/data/simulator.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <numbers>

#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

constexpr std::int64_t kLong = 80;  // segments

/// Channel c of a recording is wave(c, t).
std::shared_ptr<const SegmentSource> waves(std::int64_t channels,
                                           const std::function<double(std::int64_t, std::int64_t)>& wave) {
  Tensor x = Tensor::empty({kLong, channels, 900});
  float* to = x.mut<float>();
  for (std::int64_t b = 0; b < kLong; ++b)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < 900; ++t) *to++ = static_cast<float>(wave(c, b * 900 + t));
  return in_memory(x);
}

}  // namespace

TEST_CASE("Noise, mains, dead and saturated channels are told apart [FN F27]") {
  const Stream stream = Rng(21).stream("n");
  const auto noise = [&](std::int64_t c, std::int64_t t) {
    return 8.0 * stream.normal(static_cast<std::uint64_t>(c), static_cast<std::uint64_t>(t));
  };
  const auto source = waves(5, [&](std::int64_t c, std::int64_t t) {
    const double hum = std::sin(2.0 * std::numbers::pi * 60.0 * static_cast<double>(t) / 30000.0);
    if (c == 1) return 3.0;
    if (c == 2) return std::clamp(noise(c, t), -9.0, 9.0);
    if (c == 3) return noise(c, t) + 5.0 * hum;
    return noise(c, t) + 12.0 + (c == 4 && t % 900 < 20 ? -400.0 : 0.0);
  });
  const std::vector<ChannelEstimate> e = estimate_channels(*source, 30000);
  const double band = 8.0 * std::sqrt((5000.0 - 250.0) / 15000.0);
  CHECK(e[0].mean == doctest::Approx(12.0).epsilon(0.02));
  CHECK(e[0].deviation == doctest::Approx(8.0).epsilon(0.02));
  CHECK(e[0].noise_rms == doctest::Approx(band).epsilon(0.06));
  CHECK(e[0].spike_rms == doctest::Approx(band).epsilon(0.06));
  CHECK(e[4].noise_rms == doctest::Approx(band).epsilon(0.35));
  CHECK(e[4].spike_rms > 2.0 * e[4].noise_rms);
  const std::vector<bool> dead{false, true, false, false, false}, saturated{false, false, true, false, false};
  for (std::size_t c = 0; c < 5; ++c) {
    CHECK(e[c].dead == dead[c]);
    CHECK(e[c].saturated == saturated[c]);
  }
  CHECK(e[3].line_ratio > 50.0);
  CHECK(e[0].line_ratio < 10.0);
}

TEST_CASE("Magnitudes of levels agree with the features and give words that hold them [FN F27]") {
  const Stream stream = Rng(22).stream("n");
  const auto source = waves(2, [&](std::int64_t c, std::int64_t t) {
    return stream.normal(static_cast<std::uint64_t>(c), static_cast<std::uint64_t>(t));
  });
  Architecture architecture = preset("efficient");
  Network network(architecture, 900);
  initialise(network.graph, architecture);
  const std::vector<LevelEstimate> levels = estimate_levels(network, *source, 9);
  REQUIRE(levels.size() == 5);
  CHECK(levels[0].activation == doctest::Approx(3.29).epsilon(0.05));
  CHECK(levels[0].integer_bits == 2);
  CHECK(levels[0].fraction == 6);
  const Tensor features = extract_features(network, *source);
  std::vector<double> last;
  for (std::int64_t i = 3; i < features.numel(); i += 4) last.push_back(static_cast<double>(features.data<float>()[i]));
  CHECK(levels[4].feature <= *std::max_element(last.begin(), last.end()) * (1.0 + 1e-6));
  CHECK(levels[4].feature >= 0.9 * *std::max_element(last.begin(), last.end()));
}

TEST_CASE("The channel that carries the movement is ranked first, for any number of threads [FN F27]") {
  const Stream stream = Rng(23).stream("n");
  std::vector<float> labels;
  for (std::int64_t b = 0; b < kLong; ++b) {
    labels.push_back(static_cast<float>(std::sin(0.9 * static_cast<double>(b))));
    labels.push_back(static_cast<float>(std::cos(0.7 * static_cast<double>(b))));
  }
  Day day;
  day.name = "made";
  Session session;
  session.labels = Tensor::from(labels, {kLong, 2});
  session.segments = session.raw = waves(4, [&](std::int64_t c, std::int64_t t) {
    const double size = c == 2 ? 2.0 + static_cast<double>(labels[static_cast<std::size_t>(t / 900 * 2)]) : 1.0;
    return size * stream.normal(static_cast<std::uint64_t>(c), static_cast<std::uint64_t>(t));
  });
  day.sessions = {session};
  Architecture architecture = preset("efficient");
  Network network(architecture, 900);
  initialise(network.graph, architecture);
  Protocol protocol;
  protocol.folds = 5;
  const int before = threads();
  set_threads(1);
  const std::vector<ChannelScores> scores = score_channels(network, {day, day}, protocol);
  set_threads(3);
  CHECK(score_channels(network, {day, day}, protocol)[0].r2.to_vector() == scores[0].r2.to_vector());
  set_threads(before);
  REQUIRE(scores.size() == 3);
  CHECK(scores[2].day == "pooled");
  CHECK(scores[2].r2.to_vector() == scores[0].r2.to_vector());
  CHECK(scores[0].ranking().front() == 2);
  CHECK(scores[0].r2.data<double>()[4] > 0.9);
  CHECK(scores[0].mask(1) == std::vector<bool>{false, false, true, false});
  CHECK(scores[0].mask(0) == std::vector<bool>(4, true));
}

TEST_CASE("channels writes tables, R2 and a mask that a training can use [FN F27] [FN F16]") {
  const test::TempFolder folder;
  const std::string program = (std::filesystem::path(THIMBLE_BINARY_DIR) / "bin/thimble-fenet").string();
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), program);
    return test::run_program(std::move(words), folder.path());
  };
  CHECK(run({"simulate", "synth.segments=60", "synth.sessions=1", "synth.channels=4", "--to", "rec"}).exit_code == 0);
  const auto looked = run({"channels", "--weights", "efficient", "data.train=[rec/simulated-0.json]",
                           "data.cache=false", "--top", "2", "--to", "ch"});
  CHECK_MESSAGE(looked.exit_code == 0, looked.output);
  for (const char* name : {"estimates_simulated-0.csv", "levels.csv", "ranking_simulated-0.csv"})
    CHECK(std::filesystem::exists(folder / "ch" / name));
  CHECK(io::read_npy(folder / "ch" / "simulated-0_cvr2.npy").dims() == std::vector<std::int64_t>{4, 2});
  const auto masks = io::read_json(folder / "ch" / "mask.json");
  const auto mask = masks["simulated-0"].get<std::vector<bool>>();
  CHECK(std::count(mask.begin(), mask.end(), true) == 2);
  const auto judged = run({"evaluate", "--weights", "efficient", "data.train=[rec/simulated-0.json]",
                           "data.cache=false", "data.channels.mask=ch/mask.json"});
  CHECK_MESSAGE(judged.exit_code == 0, judged.output);
}
