// The drift monitor: statistics of training tracks, tests against new ones, the verb.

#include "core/io/json.h"

#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/study/drift_monitor.h"
#include "apps/neurotrigger/study/robustness.h"
#include "apps/neurotrigger/train/models.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;
namespace fs = std::filesystem;

namespace {

nn::Graph drift_network() {
  nn::Graph model = build_model({"BaselineModel", "tanh/2"});
  start_weights(model, "default", Rng(4).stream("drift"));
  return model;
}

ReferenceStatistics statistics_with(const Dataset& data, const nn::Graph& model) {
  return statistics_of(data, data.rows_of(-1), predict(model, data.inputs));
}

Dataset thrown(std::uint64_t seed, std::int64_t count, const std::string& preset = "ideal") {
  return simulate_tracks(simulation_preset(preset), seed, "drift-test", count);
}

std::set<std::string> flagged_names(const std::vector<DriftTest>& tests) {
  std::set<std::string> names;
  for (const DriftTest& t : tests)
    if (t.flagged) names.insert(t.name);
  return names;
}

Dataset with_inputs(Dataset data, DisturbedTracks tracks) {
  data.inputs = std::move(tracks.inputs);
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < tracks.experts.size(); ++i) {
    data.experts[i] = static_cast<std::int8_t>(tracks.experts[i]);
    if (tracks.experts[i] >= 0) kept.push_back(static_cast<std::int64_t>(i));
  }
  return data.select(kept);  // the data files hold no track without a network
}

Profile profile_from(const std::vector<double>& values) {
  Profile p;
  for (const double v : values) p.add(v);
  return p;
}

}  // namespace

TEST_CASE("Distance, probability and stability index are those of their formulae [NT N13]") {
  const Profile low = profile_from({-0.5, -0.25, 0.0, 0.25}), high = profile_from({0.0, 0.25, 0.5, 0.75});
  CHECK(ks_distance(low, high) == 0.5);
  CHECK(ks_distance(low, low) == 0.0);
  // Golden numbers: tables of the Kolmogorov distribution, Q(1.3581) = 0.05 and Q(1.6276) = 0.01 for large samples
  const double n = 2e6, root = std::sqrt(n / 2);
  CHECK(ks_probability(1.3581 / root, n, n) == doctest::Approx(0.05).epsilon(2e-3));
  CHECK(ks_probability(1.6276 / root, n, n) == doctest::Approx(0.01).epsilon(2e-3));
  CHECK(ks_probability(0.0, 100, 100) == 1.0);
  CHECK(stability_index(low, low) == doctest::Approx(0.0));
  // two groups of one value each and half a track more: (2.5/5 against 3.5/5 ...) by hand
  const Profile even = profile_from({-0.5, 0.5, -0.5, 0.5}), uneven = profile_from({-0.5, -0.5, -0.5, 0.5});
  const double q = 2.5 / 5, p1 = 3.5 / 5, p2 = 1.5 / 5;
  CHECK(stability_index(even, uneven) == doctest::Approx((p1 - q) * std::log(p1 / q) + (p2 - q) * std::log(p2 / q)));
  const Profile edges = profile_from({-1.0, 1.0, 5.0, -7.0, 1.0 / 512});
  CHECK(edges.counts[0] == 2);
  CHECK(edges.counts[512] == 2);
  CHECK(edges.counts[257] == 1);  // half a bin above 0: rounded up
}

TEST_CASE("Statistics of tracks survive their file, and a damaged one is refused [NT N13]") {
  const test::TempFolder folder;
  const nn::Graph model = drift_network();
  const Dataset data = thrown(1, 3000);
  const ReferenceStatistics s = statistics_with(data, model);
  CHECK(s.tracks == data.rows());
  CHECK(s.events == data.rows());  // one track per simulated event
  CHECK(s.experts[0] == static_cast<std::int64_t>(data.rows_of(0).size()));
  CHECK(s.inputs[3].total == s.hits[1]);
  CHECK(s.hits[1] == s.tracks - s.experts[4]);  // expert 4 is the one without SL1
  CHECK(s.unknown_side[1] <= s.inputs[4].counts[256]);
  test::write_text(folder.path() / "s.json", statistics_json(s));
  const ReferenceStatistics again = read_statistics(folder.path() / "s.json");
  CHECK(statistics_json(again) == statistics_json(s));
  CHECK(drift_tests(s, again).size() == 52);
  CHECK(flagged_names(drift_tests(s, again)).empty());
  test::write_text(folder.path() / "bad.json", "{\"format\": 1, \"tracks\": 5}");
  CHECK(test::says(test::error_of([&] { read_statistics(folder.path() / "bad.json"); }), "no statistics"));
}

TEST_CASE("Tracks of the same simulation raise no flag, for ten seeds [NT N13]") {
  const nn::Graph model = drift_network();
  const ReferenceStatistics reference = statistics_with(thrown(100, 20000), model);
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const std::vector<DriftTest> tests = drift_tests(reference, statistics_with(thrown(seed, 5000), model));
    CHECK(flagged_names(tests).empty());
    const auto worst =
        std::min_element(tests.begin(), tests.end(), [](const DriftTest& a, const DriftTest& b) { return a.p < b.p; });
    CHECK(worst->p_corrected > 1e-3);  // of ten trials: 1 % in all
  }
}

TEST_CASE("A late event time, a dead super layer and unknown sides are flagged by name [NT N13]") {
  using Kind = Disturbance::Kind;
  const nn::Graph model = drift_network();
  const ReferenceStatistics reference = statistics_with(thrown(100, 20000), model);
  const auto flags_after = [&](const Disturbance& d) {
    const Dataset data = thrown(3, 8000);
    return drift_tests(reference, statistics_with(with_inputs(data, disturbed(data, d, 1)), model));
  };
  const std::vector<DriftTest> late = flags_after({Kind::time_shift, 10});
  for (int s = 0; s < 9; ++s) CHECK(flagged_names(late).count(text::cat("SL", s, " driftT")) == 1);
  CHECK(flagged_names(late).count("SL3 relID") == 0);
  CHECK(flagged_names(late).count("hits in SL3") == 0);
  const std::vector<DriftTest> dead = flags_after({Kind::drop_layer, 5});
  const std::set<std::string> names = flagged_names(dead);
  CHECK(names.count("hits in SL5") == 1);
  CHECK(names.count("expert 0") == 1);
  CHECK(names.count("expert 2") == 1);
  CHECK(names.count("hits in SL0") == 0);
  for (const DriftTest& t : dead) {
    if (t.name == "hits in SL5") CHECK(t.sentence.find("0.0 % of the tracks") != std::string::npos);
    if (t.name == "SL5 relID") FAIL("a super layer without hits has no shape to compare");
    if (!t.flagged) CHECK(t.sentence.empty());
  }
  const std::vector<DriftTest> sides = flags_after({Kind::unknown_side, 0.25});
  for (int s = 0; s < 9; ++s) CHECK(flagged_names(sides).count(text::cat("unknown side in SL", s)) == 1);
}

TEST_CASE("Many tracks of few events count as few [NT N13]") {
  const nn::Graph model = drift_network();
  const Dataset once = thrown(100, 4000);
  ReferenceStatistics reference = statistics_with(once, model),
                      now = statistics_with(thrown(3, 4000, "data-like"), model);
  const auto flagged = flagged_names(drift_tests(reference, now)).size();
  CHECK(flagged > 0);
  now.events = 10;  // the same tracks out of ten events prove much less
  CHECK(flagged_names(drift_tests(reference, now)).size() < flagged);
}

TEST_CASE("The recorded tracks of both runs agree with each other, simulated ones do not agree with them [NT N13]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset all = read_tracks(folder / "test_data.csv.gz");
  const nn::Graph model = drift_network();
  std::vector<std::int64_t> even, odd;
  for (std::int64_t i = 0; i < all.rows(); ++i)
    (all.origins[static_cast<std::size_t>(i)].event / 256 % 2 == 0 ? even : odd).push_back(i);
  const ReferenceStatistics reference = statistics_with(all.select(even), model);
  CHECK(reference.events < reference.tracks);
  CHECK(flagged_names(drift_tests(reference, statistics_with(all.select(odd), model))).empty());
  CHECK(flagged_names(drift_tests(reference, statistics_with(thrown(3, 8000), model))).size() > 5);
}

TEST_SUITE("slow") {
  TEST_CASE("The verb ends with 0 without a shift and with 1 with one, and keeps what it saw [NT N13]") {
    const test::TempFolder folder;
    const std::string demo = text::cat(THIMBLE_SOURCE_DIR, "/configs/neurotrigger/demo.yaml");
    const auto run = [&](const std::vector<std::string>& words) {
      return test::run_program("thimble-neurotrigger", words, folder.path());
    };
    const test::Ended trained = run({"train", demo, "epochs=2", "experts=[0,3]", "plots.every=0", "plots.final=false",
                                     "data.simulate.train=20000", "data.simulate.val=3000", "data.simulate.test=3000"});
    REQUIRE_MESSAGE(trained.code == 0, trained.err);
    REQUIRE(fs::exists(folder.path() / "runs/neurotrigger/demo/version_0/reference_statistics.json"));
    const std::vector<std::string> counts{"data.simulate.train=6000", "data.simulate.val=200", "data.simulate.test=0"};
    REQUIRE(run({"simulate", demo, "--seed", "9", "--plain", "--out", "same", counts[0], counts[1], counts[2]}).code ==
            0);
    REQUIRE(run({"simulate", demo, "--plain", "--out", "other", "data.simulate.preset=data-like", counts[0], counts[1],
                 counts[2]})
                .code == 0);
    const test::Ended same = run({"drift", "latest", "--data", "same/random1.csv"});
    CHECK_MESSAGE(same.code == 0, same.out);
    CHECK(same.out.find("no shift") != std::string::npos);
    const test::Ended other = run({"drift", "latest", "--data", "other/random1.csv", "--to", "looks"});
    CHECK_MESSAGE(other.code == 1, other.err);
    CHECK(other.out.find("shifted: ") != std::string::npos);
    const nlohmann::json json = io::read_json(folder.path() / "looks/drift.json");
    CHECK(json.at("shifted") == true);
    CHECK(json.at("tests").size() == 52);
    CHECK(fs::exists(folder.path() / "looks/report.html"));
    CHECK(run({"drift", "latest"}).code == 2);
    CHECK(run({"drift", "latest", "--data", "same/random1.csv", "--p", "2"}).code == 2);
    CHECK(run({"drift", "latest", "--data", "nowhere.csv"}).code == 2);
  }

  TEST_CASE(
      "Studies of a run write their tables, figures and a report, bad names are refused [NT N08] [NT N09] [NT N10] [NT "
      "N11]") {
    const test::TempFolder folder;
    const std::string demo = text::cat(THIMBLE_SOURCE_DIR, "/configs/neurotrigger/demo.yaml");
    const auto run = [&](const std::vector<std::string>& words) {
      return test::run_program("thimble-neurotrigger", words, folder.path());
    };
    REQUIRE(run({"train", demo, "epochs=2", "experts=[0,3]", "plots.every=0", "plots.final=false",
                 "data.simulate.train=8000", "data.simulate.val=2000", "data.simulate.test=4000"})
                .code == 0);
    const fs::path version = folder.path() / "runs/neurotrigger/demo/version_0", studies = version / "studies";
    const std::string page = test::read_text(version / "report.html");
    CHECK(page.find("Trigger view, test tracks") != std::string::npos);
    CHECK(page.find("Feed-down, test tracks") != std::string::npos);
    CHECK(io::read_json(version / "expert_0/test_result.json").at("trigger").at("near_rows").get<int>() > 0);
    const test::Ended all = run({"study", "latest"});
    REQUIRE_MESSAGE(all.code == 0, all.err);
    for (const char* file : {"trigger.json", "trigger_cuts.csv", "feed_down.json", "migration.csv", "robustness.json",
                             "robustness.csv", "sensitivity.json", "neurons.csv", "report.html"}) {
      CAPTURE(file);
      CHECK(fs::exists(studies / file));
    }
    const nlohmann::json trigger = io::read_json(studies / "trigger.json");
    CHECK(trigger.at("groups").at(0).at("name") == "all tracks");
    CHECK(trigger.at("event_cuts").at(0).at("two").at("signal").at("passed") == 0);  // one track per simulated event
    const std::string before = test::read_text(studies / "robustness.json");
    REQUIRE(run({"study", "latest", "--what", "robustness", "--threads", "3"}).code == 0);
    const bool same = test::read_text(studies / "robustness.json") == before;
    CHECK(same);
    const test::Ended elsewhere = run({"study", "latest", "--what", "feed-down", "--split", "val", "--out", "looks"});
    CHECK(elsewhere.code == 0);
    CHECK(io::read_json(folder.path() / "looks/feed_down.json").at("split") == "val");
    CHECK_FALSE(fs::exists(folder.path() / "looks/trigger.json"));
    const test::Ended wrong = run({"study", "latest", "--what", "feeddown"});
    CHECK(wrong.code == 2);
    CHECK(wrong.err.find("feed-down") != std::string::npos);
    CHECK(run({"study", "nothing"}).code == 2);
  }
}
