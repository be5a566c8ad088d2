#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/gzip.h"

#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/data/track_text.h"
#include "apps/neurotrigger/train/weights_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

std::filesystem::path put(const test::TempFolder& folder, const std::string& name, const std::string& content) {
  const std::filesystem::path path = folder.path() / name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

bool same(const Dataset& a, const Dataset& b) {
  return a.rows() == b.rows() && a.experts == b.experts && a.inputs.to_vector() == b.inputs.to_vector() &&
         a.targets.to_vector() == b.targets.to_vector() && a.old.to_vector() == b.old.to_vector() &&
         a.words.to_vector() == b.words.to_vector();
}

/// Lines with one more column behind each.
std::string with_extra_columns(const std::string& text) {
  std::string out;
  int line = 0;
  for (const std::string& row : text::split(text, '\n')) {
    ++line;
    if (!row.empty()) out += row + (line == 1 ? "\t2DPhi\t3DTheta" : "\t0.5\t1.5");
    out += '\n';
  }
  out.pop_back();
  return out;
}

std::string spaced_header(std::string text) {
  const std::size_t end = text.find('\n');
  std::string header = text.substr(0, end);
  std::string spaced;
  for (const char c : header) spaced += c == '\t' ? std::string("    ") : std::string(1, c);
  return spaced + text.substr(end);
}

}  // namespace

TEST_CASE("Tracks written as text are read back, plain and gzip, several files one after another [NT F01]") {
  const test::TempFolder folder;
  const Dataset tracks = simulate_tracks(simulation_preset("ideal"), 1, "test", 300);
  const std::string text = track_text(tracks);
  const auto plain = put(folder, "a.csv", text), zipped = put(folder, "a.csv.gz", io::gzip(text));
  const Dataset one = read_tracks(plain);
  CHECK(one.rows() == tracks.rows());
  CHECK_FALSE(one.has_old);
  CHECK(same(one, read_tracks(zipped)));
  CHECK(track_text(one) == text);
  const Dataset two = read_tracks(std::vector<std::string>{plain.string(), zipped.string()});
  CHECK(two.rows() == 2 * one.rows());
  CHECK(two.origins.back().event == one.origins.back().event);
  CHECK(two.rows_of(0).size() == 2 * one.rows_of(0).size());
}

TEST_CASE("Columns are found by name: extra columns, a header with spaces, our own 44 columns [NT F02]") {
  const test::TempFolder folder;
  const Dataset tracks = simulate_tracks(simulation_preset("ideal"), 2, "test", 50);
  const std::string text = track_text(tracks);
  const Dataset plain = read_tracks(put(folder, "plain.csv", text));
  CHECK(same(plain, read_tracks(put(folder, "extra.csv", with_extra_columns(text)))));
  CHECK(same(plain, read_tracks(put(folder, "spaced.csv", spaced_header(text)))));
  // a prediction file has 6 decimals instead of 6 significant digits
  const Tensor none = Tensor::zeros({plain.rows(), 2});
  for (const HeaderStyle style : {HeaderStyle::tabs, HeaderStyle::spaces}) {
    const Dataset back = read_tracks(put(folder, "predicted.csv", prediction_text(plain, none, style)));
    CHECK(back.experts == plain.experts);
    const std::vector<double> a = back.inputs.to_vector(), b = plain.inputs.to_vector();
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-6);
  }
}

TEST_CASE("Parsed files come back from the cache until their content changes or the entry breaks [NT F04]") {
  const test::TempFolder folder;
  const std::filesystem::path cache = folder.path() / "cache";
  const std::string first = track_text(simulate_tracks(simulation_preset("ideal"), 4, "test", 200)),
                    second = track_text(simulate_tracks(simulation_preset("ideal"), 5, "test", 200));
  const std::string path = put(folder, "tracks.csv", first).string();
  const Dataset parsed = read_tracks(std::filesystem::path(path));
  CHECK(same(parsed, read_tracks({path}, cache)));
  CHECK(same(parsed, read_tracks({path}, cache)));
  CHECK(read_tracks({path}, cache).origins.back().event == parsed.origins.back().event);
  put(folder, "tracks.csv", second);
  CHECK(same(read_tracks(std::filesystem::path(path)), read_tracks({path}, cache)));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cache))
    if (entry.is_regular_file()) std::ofstream(entry.path(), std::ios::binary) << "damaged";
  CHECK(same(read_tracks(std::filesystem::path(path)), read_tracks({path}, cache)));
}

TEST_CASE("A file of many tracks is read and kept in blocks, the tracks are the same [NT F01] [NT F04]") {
  const test::TempFolder folder;
  Dataset many = simulate_tracks(simulation_preset("ideal"), 6, "test", 500);
  std::vector<Dataset> copies(100, many);
  many = concatenate(std::move(copies));
  REQUIRE(many.rows() > 32768);
  const std::string path = put(folder, "many.csv.gz", io::gzip(track_text(many))).string();
  const Dataset parsed = read_tracks(std::filesystem::path(path));
  CHECK(parsed.rows() == many.rows());
  for (int time = 0; time < 2; ++time) CHECK(same(parsed, read_tracks({path}, folder.path() / "cache")));
  CHECK(parsed.experts == many.experts);
}

TEST_CASE("The recorded tracks are read with the counts of their experts [NT F01]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset all = read_tracks(folder / "test_data.csv.gz"), few = read_tracks(folder / "test_data_filter.csv");
  CHECK(all.rows() == 4998);
  CHECK(few.rows() == 51);
  CHECK(all.has_old);
  const std::array<std::size_t, 5> counts{3362, 481, 193, 638, 324}, few_counts{38, 1, 2, 6, 4};
  for (int e = 0; e < 5; ++e) {
    CHECK(all.rows_of(e).size() == counts[static_cast<std::size_t>(e)]);
    CHECK(few.rows_of(e).size() == few_counts[static_cast<std::size_t>(e)]);
  }
  CHECK(all.rows_of(-1).size() == 4998);
  std::vector<std::int64_t> first(51);
  for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::int64_t>(i);
  CHECK(same(all.select(first), few));
  CHECK(few.origins[0].event == 13824);
  CHECK(few.origins[0].run == 738);
}

TEST_CASE("A prediction file has the bytes of the original trainer [NT F19]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data_filter.csv");
  const std::string expected = io::read_file(folder / "expected_pred_data_random1.csv");
  // the last two columns are outputs of networks; here the expected ones are put in
  Tensor predictions = Tensor::zeros({data.rows(), 2});
  std::int64_t row = 0;
  int line = 0;
  for (const std::string& text : text::split(expected, '\n')) {
    if (++line <= 2 || text.empty()) continue;
    const std::vector<std::string> fields = text::split(text, '\t');
    REQUIRE(fields.size() == 44);
    for (std::size_t c = 0; c < 2; ++c)
      REQUIRE(text::parse(fields[42 + c], predictions.mut<float>()[2 * row + static_cast<std::int64_t>(c)]));
    ++row;
  }
  CHECK(prediction_text(data, predictions, HeaderStyle::spaces) == expected);
  CHECK_THROWS_AS(prediction_text(data, Tensor::zeros({3, 2})), Error);
}

TEST_CASE("Every hostile track file is refused with its place, every good one read [NT F03] [R13]") {
  THIMBLE_SHARED(folder, "data/hostile/csv");
  const char* const good[] = {"ok.csv",
                              "ok.csv.gz",
                              "two_members.csv.gz",
                              "crlf.csv",
                              "bom.csv",
                              "no_final_newline.csv",
                              "one_expert_only.csv"};
  const Dataset baseline = read_tracks(folder / "ok.csv");
  CHECK(baseline.rows() == 12);
  for (const char* name : good) {
    CAPTURE(name);
    Dataset data;
    CHECK_NOTHROW(data = read_tracks(folder / name));
    if (std::string(name) != "one_expert_only.csv") CHECK(same(data, baseline));
  }
  const char* const in_line_4[] = {"nan",         "inf",       "hex",           "overflow", "comma",
                                   "text",        "expert7",   "expert_frac",   "inodes",   "huge_event",
                                   "missing_col", "extra_col", "minus_unicode", "float_max"};
  for (const char* name : in_line_4) {
    CAPTURE(name);
    const auto error = test::error_of([&] { read_tracks(folder / (std::string(name) + ".csv")); });
    REQUIRE(error);
    CHECK(exit_code(error->kind()) == 2);
    CHECK(error->place().line == 4);
    CHECK(error->place().file.find(name) != std::string::npos);
  }
  const char* const bad[] = {
      "truncated.csv.gz",      "bad_crc.csv.gz",    "bad_length.csv.gz", "trailing_garbage.csv.gz",
      "plain_named.gz.csv.gz", "zeros_bomb.csv.gz", "row_bomb.csv.gz",   "nul.csv",
      "header_only.csv",       "empty.csv",         "no_header.csv",     "dup_header.csv",
      "cut_in_number.csv",     "not_there.csv"};
  for (const char* name : bad) {
    CAPTURE(name);
    const auto error = test::error_of([&] { read_tracks(folder / name); });
    REQUIRE(error);
    CHECK(exit_code(error->kind()) == 2);
    CHECK(test::says(error, name));
  }
}
