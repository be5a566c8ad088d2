#include "core/io/gzip.h"
#include "core/io/json.h"
#include "core/io/png.h"
#include "core/io/tfevents.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::error_of;
using test::says;
using test::TempFolder;

namespace {

/// Pixels of a PNG that our writer or the sample made: one IDAT chunk, filter 0 in every row.
std::vector<std::uint8_t> pixels_of(const std::string& file) {
  const PngSize size = png_size(file);
  const std::size_t at = file.find("IDAT") + 4;
  const auto row = static_cast<std::size_t>(size.width * size.channels);
  std::vector<std::uint8_t> raw((row + 1) * static_cast<std::size_t>(size.height));
  uLongf length = raw.size();
  REQUIRE(::uncompress(raw.data(), &length, reinterpret_cast<const Bytef*>(file.data()) + at, file.size() - at) ==
          Z_OK);
  REQUIRE(length == raw.size());
  std::vector<std::uint8_t> out;
  for (std::size_t line = 0; line < raw.size(); line += row + 1) {
    REQUIRE(raw[line] == 0);
    out.insert(out.end(), raw.begin() + static_cast<long>(line) + 1, raw.begin() + static_cast<long>(line + row) + 1);
  }
  return out;
}

const std::vector<std::uint8_t> kPixels{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};

}  // namespace

TEST_CASE("the sample event file decodes to its description, checksums included [NT F25]") {
  THIMBLE_SHARED(sample, "data/neurotrigger/events.sample");
  THIMBLE_SHARED(description, "data/neurotrigger/events.sample.json");
  const nlohmann::json expected = read_json(description).at("records");
  const std::vector<Event> events = read_events(sample);
  REQUIRE(events.size() == expected.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const nlohmann::json& record = expected[i];
    CHECK(events[i].step == record.at("step").get<std::int64_t>());
    CHECK(events[i].wall_time == record.at("wall_time").get<double>());
    if (record.contains("file_version")) CHECK(events[i].file_version == record.at("file_version").get<std::string>());
    if (!record.contains("tag")) continue;
    REQUIRE(events[i].values.size() == 1);
    const EventValue& value = events[i].values[0];
    CHECK(value.tag == record.at("tag").get<std::string>());
    if (record.contains("simple_value")) CHECK(value.scalar == record.at("simple_value").get<float>());
    if (record.contains("image"))
      CHECK(pixels_of(value.png) == record.at("image").at("rgb_row_major").get<std::vector<std::uint8_t>>());
  }
}

TEST_CASE("the writer gives the sample's bytes for the sample's scalars [NT F25]") {
  THIMBLE_SHARED(sample, "data/neurotrigger/events.sample");
  const TempFolder folder;
  EventWriter out(folder.path());
  const std::uint64_t start = out.length();
  out.scalar("loss", 29, 0.0525f, 1700000001.0);
  out.scalar("val_loss", 41, 0.0625f, 1700000002.0);
  out.scalar("val_z_diff_std", 41, 0.25f, 1700000003.0);
  out.flush();
  const std::string written = read_file(out.path()).substr(start);
  const std::string reference = read_file(sample).substr(start);
  CHECK(written == reference.substr(0, written.size()));
  CHECK(out.path().filename().string().rfind("events.out.tfevents.", 0) == 0);
}

TEST_CASE("scalars, images, histograms and texts come back from an event file") {
  const TempFolder folder;
  EventWriter out(folder.path() / "tb" / "version_0");
  const std::string image = png(kPixels, 2, 2);
  out.scalar("hp_metric", 0, -1.0f);
  out.image("z-hist", 10, image);
  out.histogram("weights", 11, histogram_of(Tensor::from(std::vector<float>{0, 1, 1, 2, 3, std::nanf("")}), 3));
  out.text("config", -1, "**bold** \xC3\xA4");
  out.flush();
  const auto events = read_events(out.path());
  REQUIRE(events.size() == 5);
  CHECK(events[0].file_version == "brain.Event:2");
  CHECK(events[1].values.at(0).scalar == -1.0f);
  CHECK(events[1].step == 0);
  CHECK(events[1].wall_time > 1.7e9);
  CHECK(events[2].values.at(0).png == image);
  CHECK(events[3].values.at(0).histogram->counts == std::vector<double>{1, 2, 2});
  CHECK(events[3].values.at(0).histogram->upper == std::vector<double>{1, 2, 3});
  CHECK(events[3].values.at(0).histogram->sum_of_squares == 15);
  CHECK(events[4].values.at(0).text == "**bold** \xC3\xA4");
  CHECK(events[4].step == -1);
}

TEST_CASE("an event file goes on where a checkpoint left it [R09]") {
  const TempFolder folder;
  EventWriter first(folder.path());
  first.scalar("loss", 1, 1);
  first.flush();
  const std::uint64_t length = first.length();
  first.scalar("loss", 2, 2);
  first.flush();
  EventWriter resumed(first.path(), length);
  resumed.scalar("loss", 2, 3);
  resumed.flush();
  const auto events = read_events(first.path());
  REQUIRE(events.size() == 3);
  CHECK(events[2].values.at(0).scalar == 3.0f);
}

TEST_CASE("damaged event files are refused, a record still being written is left out when asked") {
  const TempFolder folder;
  EventWriter out(folder.path());
  out.scalar("loss", 3, 0.5f);
  out.flush();
  const std::string good = read_file(out.path());
  const std::uint64_t seed = 20263;
  MESSAGE("seed ", seed);
  SplitMix64 random(seed);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    CHECK(error_of([&] { parse_events(bad, "events"); }));
  }
  CHECK(says(error_of([&] { parse_events(good.substr(0, good.size() - 1), "events"); }), "cut off"));
  CHECK(parse_events(good.substr(0, good.size() - 1), "events", true).size() == 1);
}

TEST_CASE("histograms of constant and of empty tensors are valid") {
  const EventHistogram constant = histogram_of(Tensor::full({7}, 2.0));
  CHECK(constant.counts == std::vector<double>{7});
  CHECK(constant.upper.size() == 1);
  CHECK(histogram_of(Tensor::zeros({0})).count == 0);
}

TEST_CASE("PNG images keep their pixels") {
  for (const int channels : {1, 3, 4}) {
    const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(5 * 3 * channels), 77);
    const std::string file = png(pixels, 5, 3, channels);
    CHECK(png_size(file).width == 5);
    CHECK(png_size(file).height == 3);
    CHECK(png_size(file).channels == channels);
    CHECK(pixels_of(file) == pixels);
  }
  CHECK(pixels_of(png(kPixels, 2, 2)) == kPixels);
  CHECK(error_of([] { png(kPixels, 2, 3); }));
  CHECK(error_of([] { png(kPixels, 0, 0); }));
  CHECK(error_of([] { png_size("no image"); }));
}
