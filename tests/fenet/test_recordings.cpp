// Recordings in files: what is read equals what was written, and everything that can be wrong is told.

#include "core/io/hdf5_foreign.h"

#include "apps/fenet/data/electrodes.h"
#include "apps/fenet/data/recorded.h"
#include "apps/fenet/data/recordings.h"

#include <doctest/doctest.h>

#include "tests/fenet/recordings_on_disk.h"
#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;
using test::error_of;
using test::says;
using test::TempFolder;

namespace {

constexpr const char* kDayFile = "data/fenet/FennData_20300102_Reshaped_30ms_cell_new.mat";

void check_close(const Tensor& got, const Tensor& expected, double tolerance) {
  REQUIRE(got.shape() == expected.shape());
  const auto a = got.to_vector(), b = expected.to_vector();
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  CHECK(worst < tolerance);
}

DataKeys without_cache(std::vector<std::string> files) {
  DataKeys keys;
  keys.cache = false;
  keys.train = std::move(files);
  return keys;
}

Recordings load(const DataKeys& keys) {
  return load_recordings(keys, {}, 1);
}

/// A recording of raw samples: NAME.json, NAME.raw, NAME.npy. Returns the path of the JSON.
std::string write_raw(const TempFolder& folder, const std::string& name, const Tensor& x, const Tensor& labels) {
  io::atomic_replace(folder / (name + ".raw"), test::interleaved(x));
  io::write_npy(folder / (name + ".npy"), io::Array(labels));
  RawDescription about;
  about.channels = x.size(1);
  about.samples = x.size(2);
  about.scale.assign(static_cast<std::size_t>(x.size(1)), 0.25);
  about.sessions = {{name + ".raw", name + ".npy"}};
  io::atomic_replace(folder / (name + ".json"), raw_description_text(about));
  return (folder / (name + ".json")).string();
}

/// What loading the file as training day says.
std::string trouble(const std::string& path) {
  const auto error = error_of([&] { load(without_cache({path})); });
  if (!error) return "accepted";
  CHECK(exit_code(error->kind()) == 2);
  return error->what();
}

}  // namespace

TEST_CASE("A MATLAB day file loads as the reference loads it, all channels and the best three [FN F15] [FN F16]") {
  THIMBLE_SHARED(day_file, kDayFile);
  THIMBLE_SHARED(expected_file, "data/fenet/day_file_expected.h5");
  const io::Hdf5Tree expected = io::read_foreign_hdf5(expected_file);
  for (const std::int64_t top : {0, 3}) {
    DataKeys keys = without_cache({day_file.string()});
    keys.channels.top = top;
    const Day day = load(keys).train[0];
    CHECK(day.name == "20300102");
    REQUIRE(day.sessions.size() == 2);
    check_close(day.channel_r2, expected.datasets.at("/CVR2").numbers.tensor(DType::f64), 1e-12);
    for (int s = 0; s < 2; ++s) {
      const std::string group = text::cat(top == 0 ? "/all_channels" : "/top_channels", "/session_", s, "/");
      const Session& session = day.sessions[static_cast<std::size_t>(s)];
      check_close(test::signal_of(*session.segments),
                  expected.datasets.at(group + "broadband").numbers.tensor(DType::f32), 1e-5);
      check_close(session.labels, expected.datasets.at(group + "labels").numbers.tensor(DType::f32), 1e-5);
    }
  }
}

TEST_CASE("Masks override the choice by R2, by name of the day or its number [FN F16]") {
  THIMBLE_SHARED(day_file, kDayFile);
  const TempFolder folder;
  DataKeys keys = without_cache({day_file.string()});
  keys.channels.top = 3;
  keys.channels.mask = (folder / "mask.json").string();
  io::atomic_replace(keys.channels.mask, R"({"20300102": [true, false, false, true, false, true]})");
  CHECK(load(keys).train[0].channels == std::vector<std::int64_t>{0, 3, 5});
  io::atomic_replace(keys.channels.mask, "0: [false, false, true, false, false, false]\n");
  const Recordings one = load(keys);
  CHECK(one.train[0].channels == std::vector<std::int64_t>{2});
  CHECK(one.train[0].sessions[0].segments->channels() == 1);
  CHECK(one.train[0].sessions[0].raw->channels() == 1);
  for (const char* bad : {"{\"20300102\": [true, false]}", "{\"x\": [true]}",
                          "{\"0\": [false,false,false,false,false,false]}", "{\"0\": 7}", "[1"}) {
    io::atomic_replace(keys.channels.mask, bad);
    const auto error = error_of([&] { load(keys); });
    REQUIRE(error.has_value());
    CHECK(exit_code(error->kind()) == 2);
  }
}

TEST_CASE("Raw samples and NumPy files give back what was written [FN N6]") {
  const TempFolder folder;
  const Tensor x = test::whole_numbers(20, 3, 90), labels = test::some_labels(20);
  const std::string raw = write_raw(folder, "day", x, labels);
  io::write_npy(folder / "other_broadband.npy", io::Array(x));
  io::write_npy(folder / "other_labels.npy", io::Array(labels));
  const RecordedDay from_raw = read_day(raw, {}), from_npy = read_day(folder / "other_broadband.npy", {});
  CHECK(from_raw.name == "day");
  CHECK(from_npy.name == "other");
  const auto numbers = test::signal_of(*from_npy.sessions[0].segments).to_vector();
  CHECK(numbers == x.to_vector());
  const auto scaled = test::signal_of(*from_raw.sessions[0].segments).to_vector();
  for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(scaled[i] == 0.25 * numbers[i]);
  CHECK(from_raw.sessions[0].labels.to_vector() == labels.to_vector());
  Tensor part = Tensor::empty({3, 3, 90});
  from_raw.sessions[0].segments->read(11, part);
  CHECK(std::equal(scaled.begin() + 11 * 270, scaled.begin() + 14 * 270, part.to_vector().begin()));
}

TEST_CASE("A recording read in pieces equals the one in memory, filtered and standardised [FN F15]") {
  const TempFolder folder;
  const Tensor x = test::whole_numbers(150, 2, 60);
  DataKeys keys = without_cache({write_raw(folder, "day", x, test::some_labels(150))});
  keys.segment_ms = 2;
  keys.preprocess.highpass_hz = 200;
  keys.preprocess.car = true;
  const Tensor resident = test::signal_of(*load(keys).train[0].sessions[0].segments);
  keys.resident_mb = 0;
  const Recordings streamed = load(keys);
  const SegmentSource& source = *streamed.train[0].sessions[0].segments;
  CHECK(test::signal_of(source).to_vector() == resident.to_vector());
  Tensor part = Tensor::empty({5, 2, 60});
  source.read(70, part);
  CHECK(part.to_vector() == resident.rows(70, 5).to_vector());
}

TEST_CASE("Another sampling rate is resampled: a sine stays that sine [FN N6]") {
  const TempFolder folder;
  const double rate = 24414.0625;
  RawDescription about;
  about.channels = 1, about.rate_hz = rate, about.element = io::Element::f32, about.scale = {1.0};
  about.sessions = {{"sine.raw", "sine.npy"}};
  std::string samples;
  for (int i = 0; i < 24415; ++i) {
    const auto value = static_cast<float>(std::sin(2.0 * 3.141592653589793 * 440.0 * i / rate));
    samples.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  io::atomic_replace(folder / "sine.raw", samples);
  io::atomic_replace(folder / "sine.json", raw_description_text(about));
  io::write_npy(folder / "sine.npy", io::Array(test::some_labels(33)));
  const RecordedDay day = read_day(folder / "sine.json", {});
  const Tensor x = test::signal_of(*day.sessions[0].segments);
  CHECK(x.shape() == Shape{33, 1, 900});
  double worst = 0;
  for (std::int64_t i = 100; i < 33 * 900 - 100; ++i)
    worst = std::max(worst, std::abs(static_cast<double>(x.data<float>()[i]) -
                                     std::sin(2.0 * 3.141592653589793 * 440.0 * static_cast<double>(i) / 30000.0)));
  CHECK(worst < 1e-3);
  DataKeys keys;
  keys.rate_hz = 0;
  CHECK(test::signal_of(*read_day(folder / "sine.json", keys).sessions[0].segments).shape() == Shape{33, 1, 732});
}

TEST_CASE("Cut, short, unnamed and not finite recordings are refused before any work, with file and remedy [FN F15]") {
  const TempFolder folder;
  const Tensor x = test::whole_numbers(6, 2, 90), labels = test::some_labels(6);
  const std::string good = write_raw(folder, "day", x, labels);
  CHECK(trouble(good) == "accepted");
  io::atomic_replace(folder / "day.raw", test::interleaved(x).substr(0, 1001));
  CHECK(trouble(good).find("cut off") != std::string::npos);
  io::atomic_replace(folder / "day.raw", test::interleaved(x).substr(0, 5 * 90 * 4));
  CHECK(trouble(good).find("[5, axes]") != std::string::npos);
  io::atomic_replace(folder / "day.raw", "");
  CHECK(trouble(good) != "accepted");
  std::filesystem::remove(folder / "day.raw");
  CHECK(trouble(good).find("day.raw") != std::string::npos);
  CHECK(trouble((folder / "none.mat").string()).find("no such recording") != std::string::npos);
  io::atomic_replace(folder / "text.mat", "MATLAB 5.0 MAT-file, Platform: GLNXA64");
  CHECK(trouble((folder / "text.mat").string()).find("-v7.3") != std::string::npos);
  for (const char* bad :
       {"{}", "{\"rate_hz\": 0, \"channels\": 2, \"sessions\": []}", "{\"rate_hz\": 1e4, \"channel\": 2}",
        "{\"rate_hz\": 30000, \"channels\": 2, \"type\": \"int12\", \"sessions\": [{\"data\": \"day.raw\"}]}",
        "{\"rate_hz\": 30000, \"channels\": 2, \"scale\": [1], \"sessions\": [{\"data\": \"day.raw\"}]}",
        "{\"rate_hz\": 30000, \"channels\": 2, \"sessions\": [{\"labels\": \"day.npy\"}]}", "{\"rate_hz\": "}) {
    io::atomic_replace(folder / "bad.json", bad);
    CHECK(trouble((folder / "bad.json").string()).find("bad.json") != std::string::npos);
  }
}

TEST_CASE("NaN samples and constant labels of a NumPy recording are refused naming the file [FN F15]") {
  const TempFolder folder;
  Tensor x = test::whole_numbers(6, 2, 90);
  const std::string path = (folder / "d_broadband.npy").string();
  io::write_npy(folder / "d_labels.npy", io::Array(test::some_labels(6)));
  x.mut<float>()[777] = std::nanf("");
  io::write_npy(path, io::Array(x));
  CHECK(trouble(path).find("number 777 is not finite") != std::string::npos);
  DataKeys keys = without_cache({path});
  keys.resident_mb = 0;
  CHECK(says(error_of([&] { load(keys); }), "not finite"));
  x.mut<float>()[777] = 1;
  io::write_npy(path, io::Array(x));
  CHECK(trouble(path) == "accepted");
  io::write_npy(folder / "d_labels.npy", io::Array(Tensor::full({6, 2}, 3)));
  CHECK(trouble(path).find("nothing to decode") != std::string::npos);
  io::write_npy(folder / "d_labels.npy", io::Array(test::some_labels(5)));
  CHECK(trouble(path).find("[6, axes]") != std::string::npos);
  io::write_npy(path, io::Array(x.reshape({12, 90})));
  CHECK(trouble(path).find("rank 2") != std::string::npos);
  DataKeys top = without_cache({path});
  top.channels.top = 1;
  io::write_npy(path, io::Array(x));
  io::write_npy(folder / "d_labels.npy", io::Array(test::some_labels(6)));
  CHECK(says(error_of([&] { load(top); }), "no R2"));
}

TEST_CASE("A constant channel becomes zero [FN F15]") {
  const TempFolder folder;
  Tensor x = test::whole_numbers(6, 2, 90);
  for (std::int64_t b = 0; b < 6; ++b)
    for (std::int64_t t = 0; t < 90; ++t) x.mut<float>()[(b * 2 + 1) * 90 + t] = -4.0F;
  const Recordings out = load(without_cache({write_raw(folder, "day", x, test::some_labels(6))}));
  const Tensor signal = test::signal_of(*out.train[0].sessions[0].segments);
  for (std::int64_t b = 0; b < 6; ++b) CHECK(signal.data<float>()[(b * 2 + 1) * 90 + 5] == 0.0F);
}

TEST_CASE("Days are found by part of their name and by pattern, missing ones are all told [FN F15]") {
  const TempFolder folder;
  for (const char* name : {"day_20300101", "day_20300102"})
    write_raw(folder, name, test::whole_numbers(6, 2, 90), test::some_labels(6));
  DataKeys keys = without_cache({"20300102", "day_20300101"});
  keys.dir = folder.path().string();
  const Recordings two = load(keys);
  REQUIRE(two.train.size() == 2);
  CHECK(two.train[0].name == "day_20300102");
  CHECK(two.train[1].sessions[0].name == "day_20300101/0");
  keys.train = {"day*.json"};
  CHECK(load(keys).train.size() == 2);
  keys.train = {"20300101"};
  keys.test = {"20300102"};
  CHECK(load(keys).test.size() == 1);
  keys.test = {"20300101"};
  CHECK(says(error_of([&] { load(keys); }), "data.train too"));
  keys.train = {"2031", "day_2030"};
  const auto error = error_of([&] { load(keys); });
  CHECK(says(error, "2031"));
  CHECK(says(error, "2 recordings"));
}

TEST_CASE(
    "The cache is used again for the same options and content, never for others, and broken pieces are remade [FN "
    "F17]") {
  const TempFolder folder;
  const Tensor x = test::whole_numbers(20, 2, 90);
  DataKeys keys = without_cache({write_raw(folder, "day", x, test::some_labels(20))});
  const auto signals = [&] { return test::signal_of(*load(keys).train[0].sessions[0].segments).to_vector(); };
  const auto pieces = [&] {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "cache"))
      if (entry.path().extension() == ".h5") out.push_back(entry.path());
    return out;
  };
  const auto plain = signals();
  keys.cache = true;
  keys.cache_dir = (folder / "cache").string();
  CHECK(signals() == plain);
  REQUIRE(pieces().size() == 1);
  const auto first = pieces()[0];
  const auto written = std::filesystem::last_write_time(first);
  CHECK(signals() == plain);
  CHECK(std::filesystem::last_write_time(first) == written);
  std::filesystem::resize_file(first, 700);  // cut
  CHECK(signals() == plain);
  CHECK(std::filesystem::file_size(first) > 700);
  keys.preprocess.highpass_hz = 500;
  CHECK(signals() != plain);
  CHECK(pieces().size() == 2);
  keys.preprocess.highpass_hz = 0;
  Tensor y = x.clone();
  y.mut<float>()[5] = 900;
  write_raw(folder, "day", y, test::some_labels(20));
  CHECK(signals() != plain);
  CHECK(pieces().size() == 3);
}

TEST_CASE("Electrode maps are read, and arrays of 96 have a standard one [FN F25]") {
  const TempFolder folder;
  io::atomic_replace(folder / "map.csv", "channel,row,column\n1,0,3\n2,5,5\n");
  CHECK(read_electrode_map(folder / "map.csv") == std::vector<ElectrodePlace>{{0, 0, 3}, {1, 5, 5}});
  for (const char* bad : {"channel,row,column\n1,0,3\n1,5,5\n", "channel,row,column\n1,0,3\n2,0,3\n",
                          "channel,row,column\n0,0,3\n", "channel,row\n1,0\n", "channel,row,column\n1,0.5,3\n"}) {
    io::atomic_replace(folder / "map.csv", bad);
    CHECK(says(error_of([&] { read_electrode_map(folder / "map.csv"); }), "map.csv"));
  }
  const auto map = standard_electrode_map(192);
  CHECK(map[0] == ElectrodePlace{0, 0, 1});
  CHECK(map[7] == ElectrodePlace{7, 0, 8});
  CHECK(map[8] == ElectrodePlace{8, 1, 0});
  CHECK(map[87] == ElectrodePlace{87, 8, 9});
  CHECK(map[88] == ElectrodePlace{88, 9, 1});
  CHECK(map[95] == ElectrodePlace{95, 9, 8});
  CHECK(map[96] == ElectrodePlace{96, 0, 11});
}

TEST_CASE("A NaN sample and a cut MATLAB day file are refused before any work, with file and data set [FN F15]") {
  THIMBLE_SHARED(day_file, kDayFile);
  const TempFolder folder;
  std::string bytes = io::read_file(day_file);
  const float first =
      io::read_foreign_slab(day_file, {"/#refs#/b", {3, 20, 4}, {1, 1, 1}}).tensor(DType::f32).data<float>()[0];
  const std::size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&first), sizeof first));
  REQUIRE(at != std::string::npos);
  const float nan = std::nanf("");
  std::string damaged = bytes;
  damaged.replace(at, sizeof nan, reinterpret_cast<const char*>(&nan), sizeof nan);
  io::atomic_replace(folder / "nan.mat", damaged);
  const std::string said = trouble((folder / "nan.mat").string());
  CHECK(said.find("not finite") != std::string::npos);
  CHECK(said.find("#refs#/b") != std::string::npos);
  io::atomic_replace(folder / "cut.mat", bytes.substr(0, bytes.size() / 2));
  CHECK(trouble((folder / "cut.mat").string()).find("cut.mat") != std::string::npos);
}
