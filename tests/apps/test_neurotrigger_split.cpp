// Track files parted by event, and what training does with the parts.

#include "core/io/file.h"
#include "core/io/gzip.h"
#include "core/io/hash.h"
#include "core/io/json.h"

#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/data/track_split.h"
#include "apps/neurotrigger/data/track_text.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/apps/neurotrigger_program.h"
#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;
using namespace thimble::test::neurotrigger_program;

namespace {

/// Simulated tracks, several per event, in two runs that share event numbers.
Dataset crowded_events(std::int64_t thrown) {
  Dataset data = simulate_tracks(simulation_preset("ideal"), 5, "test", thrown);
  for (std::size_t i = 0; i < data.origins.size(); ++i) {
    Origin& origin = data.origins[i];
    origin.run = i % 2 == 0 ? 638 : 639;
    origin.event = static_cast<std::int64_t>(i / 5) * 256;
    origin.track = static_cast<std::int64_t>(i % 5);
  }
  return data;
}

std::vector<std::string> lines_of(const std::string& content) {
  std::vector<std::string> lines = text::split(content.substr(content.find("\n\n") + 2), '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string unzipped(const fs::path& path) {
  return io::gunzip(io::read_file(path), path.string(), 1u << 28);
}

}  // namespace

TEST_CASE("The tracks of an event stay together, every track is in one part, shares are kept [NT F32]") {
  const Dataset data = crowded_events(30'000);
  for (const bool by_run : {false, true}) {
    CAPTURE(by_run);
    SplitOptions options;
    options.by_run = by_run;
    const auto parts = split_rows(data, options);
    REQUIRE(parts.size() == 3);
    std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> part_of;
    std::set<std::int64_t> rows;
    for (std::size_t part = 0; part < 3; ++part) {
      CHECK(std::is_sorted(parts[part].begin(), parts[part].end()));
      for (const std::int64_t row : parts[part]) {
        CHECK(rows.insert(row).second);
        const Origin& origin = data.origins[static_cast<std::size_t>(row)];
        const auto [at, fresh] = part_of.emplace(std::pair{origin.event, by_run ? origin.run : 0}, part);
        CHECK(at->second == part);
      }
    }
    CHECK(static_cast<std::int64_t>(rows.size()) == data.rows());
    // binomial: five standard deviations of the number of events in a part
    const auto events = static_cast<double>(part_of.size());
    for (std::size_t part = 0; part < 3; ++part) {
      const auto own =
          std::count_if(part_of.begin(), part_of.end(), [&](const auto& one) { return one.second == part; });
      const double share = options.shares[part];
      CHECK(std::abs(static_cast<double>(own) - share * events) < 5 * std::sqrt(events * share * (1 - share)));
    }
  }
}

TEST_CASE("An event keeps its part when files are added and changes it with the seed, filters act first [NT F32]") {
  const Dataset data = crowded_events(4'000);
  std::vector<std::int64_t> front(static_cast<std::size_t>(data.rows() / 2));
  for (std::size_t i = 0; i < front.size(); ++i) front[i] = static_cast<std::int64_t>(i);
  SplitOptions options;
  const auto whole = split_rows(data, options), half = split_rows(data.select(front), options);
  for (std::size_t part = 0; part < 3; ++part) {
    std::vector<std::int64_t> expected;
    for (const std::int64_t row : whole[part])
      if (row < static_cast<std::int64_t>(front.size())) expected.push_back(row);
    CHECK(half[part] == expected);
  }
  options.seed = 2;
  CHECK(split_rows(data, options) != whole);
  options.filter = "ConCatFilter([FirstTrackFilter(), ExpertFilter(0)])";
  std::size_t kept = 0;
  for (const auto& part : split_rows(data, options)) kept += part.size();
  CHECK(kept == rows_of(apply_filter(options.filter, data)).size());
  for (const std::vector<double>& bad : {std::vector<double>{1.0}, {0.5, 0.6}, {0.5, 0.5, 0.0}, {1.2, -0.2}}) {
    options.shares = bad;
    CHECK_THROWS_AS(split_rows(data, options), Error);
  }
}

TEST_CASE("The filter of first tracks keeps one row per event, per run on request [NT F32] [NT F12]") {
  const Dataset data = crowded_events(1'000);
  const Mask one = apply_filter("FirstTrackFilter()", data), own = apply_filter("FirstTrackFilter(by_run=true)", data);
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    CHECK((one[static_cast<std::size_t>(row)] != 0) == (row % 5 == 0));
    CHECK((own[static_cast<std::size_t>(row)] != 0) == (row % 5 < 2));  // the runs alternate
  }
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset recorded = read_tracks(folder / "test_data.csv.gz");
  // 1,578 distinct event numbers and 1,582 pairs of run and event: data statistics of section 1.5 and the data's README
  CHECK(rows_of(apply_filter("FirstTrackFilter()", recorded)).size() == 1578);
  CHECK(rows_of(apply_filter("FirstTrackFilter(by_run=true)", recorded)).size() == 1582);
}

TEST_CASE("Split files hold the rows byte by byte, twice the same bytes, with a manifest that counts them [NT F32]") {
  const test::TempFolder folder;
  const Dataset data = crowded_events(3'000);
  std::string content = track_text(data);
  content.replace(content.find("\n\n") + 2, 1, "0" + content.substr(content.find("\n\n") + 2, 1));  // a leading zero
  test::write_text(folder / "a.csv", content);
  test::write_text(folder / "b.csv.gz", io::gzip(track_text(crowded_events(500))));
  const std::string told = run_well({"split", "a.csv", "b.csv.gz", "--to", "one", "--seed", "7"}, folder).out;
  run_well({"split", "a.csv", "b.csv.gz", "--to", "two", "--seed", "7"}, folder);
  run_well({"split", "a.csv", "b.csv.gz", "--to", "other", "--seed", "8"}, folder);
  std::vector<std::string> expected = lines_of(content), more = lines_of(unzipped(folder / "b.csv.gz")), found;
  expected.insert(expected.end(), more.begin(), more.end());
  const nlohmann::json manifest = io::read_json(folder / "one/manifest.json");
  REQUIRE(manifest.at("files").size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string name = "random" + std::to_string(i + 1) + ".csv.gz";
    CHECK(same_bytes(folder.path() / "one" / name, folder.path() / "two" / name));
    CHECK_FALSE(same_bytes(folder.path() / "one" / name, folder.path() / "other" / name));
    const std::string part = unzipped(folder / ("one/" + name));
    CHECK(part.substr(0, part.find("\n\n")) == content.substr(0, content.find("\n\n")));
    const std::vector<std::string> lines = lines_of(part);
    found.insert(found.end(), lines.begin(), lines.end());
    const nlohmann::json& file = manifest.at("files")[i];
    CHECK(file.at("file") == name);
    CHECK(file.at("tracks") == lines.size());
    CHECK(file.at("sha256_text") == io::sha256_hex(part));
    const Dataset read = read_tracks(folder / ("one/" + name));
    CHECK(file.at("tracks_by_expert")[0] == read.rows_of(0).size());
  }
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  CHECK(found == expected);
  CHECK(manifest.at("version") == io::read_json(folder / "two/manifest.json").at("version"));
  CHECK(manifest.at("version") != io::read_json(folder / "other/manifest.json").at("version"));
  CHECK(contains(told, manifest.at("version").get<std::string>()));
  CHECK(manifest.at("sources")[0].at("sha256") == io::sha256_hex(io::read_file(folder / "a.csv")));
}

TEST_CASE("A split that cannot be made leaves nothing behind [NT F32]") {
  const test::TempFolder folder;
  test::write_text(folder / "good.csv", track_text(crowded_events(300)));
  std::string other = track_text(crowded_events(300));
  other.replace(other.find("RawTheta"), 8, "RawTheta\t2DPhi");
  for (std::size_t at = other.find("\n\n") + 2; (at = other.find('\n', at)) != std::string::npos; at += 5)
    other.insert(at, "\t0.5");
  test::write_text(folder / "wider.csv", other);
  const auto refused = [&](Words words, const std::string& reason) {
    words.insert(words.begin(), "split");
    const test::Ended ended = test::run_program(kProgram, words, folder.path());
    CHECK(ended.code == 2);
    CHECK_MESSAGE(contains(ended.err, reason), ended.err);
    CHECK_FALSE(fs::exists(folder.path() / "tracks"));
    CHECK_FALSE(fs::exists(folder.path() / "tracks.part"));
  };
  refused({"none.csv"}, "none.csv");
  refused({"good.csv", "wider.csv"}, "wider.csv");
  refused({"good.csv", "--shares", "0.5,0.6"}, "--shares");
  refused({"good.csv", "--filter", "Nothing()"}, "--filter");
  fs::create_directories(folder.path() / "there");
  const test::Ended ended = test::run_program(kProgram, {"split", "good.csv", "--to", "there"}, folder.path());
  CHECK(ended.code == 2);
  CHECK(contains(ended.err, "--to"));
  CHECK(fs::is_empty(folder.path() / "there"));
}

TEST_SUITE("slow") {
  TEST_CASE("Training takes random1 and random2 together and is judged on random3 [NT F32] [NT F01]") {
    const test::TempFolder folder;
    test::write_text(folder / "all.csv", track_text(crowded_events(5'000)));
    run_well({"split", "all.csv"}, folder);
    run_well({"train", config("demo"), "experts=[0]", "epochs=2", "plots.every=0", "plots.final=false",
              "data.train=[tracks/random1.csv.gz,tracks/random2.csv.gz]", "data.val=tracks/random3.csv.gz"},
             folder);
    const nlohmann::json files = io::read_json(folder / "tracks/manifest.json").at("files");
    const auto of_expert = [&](std::size_t i) { return files[i].at("tracks_by_expert")[0].get<std::int64_t>(); };
    const fs::path own = run_folder(folder) / "expert_0";
    CHECK(io::read_json(own / "train_result.json").at("rows") == of_expert(0) + of_expert(1));
    CHECK(io::read_json(own / "val_result.json").at("rows") == of_expert(2));
  }
}
