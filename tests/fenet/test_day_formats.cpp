// Days written and read again, NWB in its variants, features of streams.

#include "core/io/hdf5.h"
#include "core/io/streamed_file.h"
#include "core/random/splitmix.h"

#include "apps/fenet/data/day_writers.h"
#include "apps/fenet/data/preprocess.h"
#include "apps/fenet/data/recorded.h"
#include "apps/fenet/data/simulator.h"
#include "apps/fenet/data/timed_labels.h"
#include "apps/fenet/stream/feature_stream.h"

#include <doctest/doctest.h>

#include "tests/fenet/recordings_on_disk.h"
#include "tests/support/error_of.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;
using test::error_of;
using test::says;
using test::TempFolder;

namespace {

double furthest(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto x = a.to_vector(), y = b.to_vector();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  return worst;
}

Day simulated_day() {
  SimulateKeys keys;
  keys.channels = 3, keys.sessions = 2, keys.segments = 40, keys.samples = 150;
  return simulate_days(keys, 9)[0];
}

io::Hdf5Value numbers(const std::vector<double>& values, std::vector<std::int64_t> dims) {
  io::Hdf5Value value;
  value.numbers = io::Array::from(std::span<const double>(values), std::move(dims));
  return value;
}

/// NWB 1: whole numbers [frames, 2] at 24414.0625 Hz with a time each; positions at 250 Hz from 1 s to 3 s.
struct Nwb1 {
  io::Hdf5Tree tree;
  std::string group = "/acquisition/timeseries/broadband";
  double rate = 24414.0625;
  explicit Nwb1(std::int64_t frames, double start = 0.5) {
    std::vector<std::int16_t> samples;
    std::vector<double> times;
    for (std::int64_t i = 0; i < frames; ++i) {
      samples.push_back(static_cast<std::int16_t>(1000));
      samples.push_back(static_cast<std::int16_t>(i % 2000 - 1000));
      times.push_back(start + static_cast<double>(i) / rate);
    }
    tree.datasets[group + "/data"].numbers = io::Array::from(std::span<const std::int16_t>(samples), {frames, 2});
    tree.attributes[group + "/data"]["conversion"] = numbers({2e-6}, {});
    tree.datasets[group + "/timestamps"] = numbers(times, {frames});
  }
  /// Positions 3 t and t^2, below /processing or as MATLAB holds them.
  void add_positions(bool matlab) {
    std::vector<double> times, x, y, both;
    for (int i = 0; i <= 500; ++i) {
      const double t = 1.0 + i / 250.0;
      times.push_back(t), x.push_back(3 * t), y.push_back(t * t);
      both.push_back(3 * t), both.push_back(t * t);
    }
    if (matlab) {
      x.insert(x.end(), y.begin(), y.end());
      tree.datasets["/finger_pos"] = numbers(x, {2, 501});
      tree.datasets["/t"] = numbers(times, {1, 501});
    } else {
      tree.datasets["/processing/behavior/Position/finger/data"] = numbers(both, {501, 2});
      tree.datasets["/processing/behavior/Position/finger/timestamps"] = numbers(times, {501});
    }
  }
  void save(const std::filesystem::path& path) const { io::atomic_replace(path, io::build_hdf5(tree)); }
};

void check_position_labels(const RecordedDay& day, double first_segment) {
  const Tensor& labels = day.sessions[0].labels;
  for (std::int64_t b = 0; b < labels.size(0); ++b) {
    const double centre = 0.5 + 0.03 * (first_segment + static_cast<double>(b) + 0.5);
    CHECK(static_cast<double>(labels.data<float>()[2 * b]) == doctest::Approx(3.0));
    CHECK(static_cast<double>(labels.data<float>()[2 * b + 1]) == doctest::Approx(2.0 * centre).epsilon(1e-3));
  }
}

}  // namespace

TEST_CASE("A simulated day written as raw samples, NumPy, NWB or MATLAB is read again [FN N6] [FN F15] [FN N7]") {
  const Day day = simulated_day();
  DataKeys keys;
  keys.segment_ms = 5;
  for (const char* name : {"raw", "npy", "nwb", "matlab"}) {
    CAPTURE(name);
    const TempFolder folder;
    const std::vector<std::filesystem::path> files = write_day(day, parse_day_format(name), folder.path());
    const bool one_file = std::string_view(name) == "raw" || std::string_view(name) == "matlab";
    std::vector<RecordedSession> sessions;
    for (std::size_t i = 0; i < (one_file ? 1u : 2u); ++i)
      for (RecordedSession& session : read_day(files[i], keys).sessions) sessions.push_back(std::move(session));
    REQUIRE(sessions.size() == 2);
    const bool floats = std::string_view(name) == "npy" || std::string_view(name) == "matlab";
    for (std::size_t s = 0; s < 2; ++s) {
      CHECK(furthest(test::signal_of(*sessions[s].segments), test::signal_of(*day.sessions[s].raw)) <=
            (floats ? 0.0 : 0.1251));
      CHECK(furthest(sessions[s].labels, day.sessions[s].labels) < 1e-6);
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      CHECK(entry.path().extension() != ".part");
  }
}

TEST_CASE("A streamed file that is not finished leaves nothing and keeps the old one") {
  const TempFolder folder;
  io::atomic_replace(folder / "f", "old");
  {
    io::StreamedFile out(folder / "f");
    out.append("new");
  }
  CHECK(io::read_file(folder / "f") == "old");
  CHECK_FALSE(std::filesystem::exists(folder / "f.part"));
  io::StreamedFile out(folder / "f");
  out.append("new");
  out.finish();
  CHECK(io::read_file(folder / "f") == "new");
}

TEST_CASE("Behaviour is brought to segments by time, with the segments outside left out [FN N6]") {
  TimedSeries series;
  series.times = {0.0, 1.0, 3.0};
  series.values = Tensor::from(std::vector<double>{0, 10, 30}, {3, 1});
  const TimedLabels velocity = labels_at(series, false, -0.5, 1.0, 6);
  CHECK(velocity.first == 1);
  CHECK(velocity.labels.to_vector() == std::vector<double>{10, 20});
  const TimedLabels position = labels_at(series, true, 0.0, 1.5, 2);
  CHECK(position.labels.to_vector() == std::vector<double>{10, 10});
  CHECK_FALSE(labels_at(series, false, 5.0, 1.0, 3).labels.defined());
}

TEST_CASE("NWB 1 at 24414 hertz is resampled and its positions become velocities by time [FN N6]") {
  const TempFolder folder;
  Nwb1 inside(36621);  // one and a half seconds from 0.5 s on
  inside.add_positions(false);
  inside.save(folder / "a.nwb");
  DataKeys keys;
  keys.label_kind = "position";
  const RecordedDay day = read_day(folder / "a.nwb", keys);
  REQUIRE(day.sessions.size() == 1);
  // segments begin at 0.5 s + 30 ms each: the first one wholly after 1 s is number 17
  CHECK(day.sessions[0].segments->segments() == 49 - 17);
  CHECK(day.sessions[0].segments->samples() == 900);
  check_position_labels(day, 17);
  const Tensor x = test::signal_of(*day.sessions[0].segments);
  for (std::int64_t t = 0; t < 900; t += 100) CHECK(x.data<float>()[t] == doctest::Approx(2000.0));
  CHECK(day.notes.size() == 1);
  Nwb1 beside(1);
  beside.add_positions(true);
  beside.save(folder / "kinematics.mat");
  inside.tree.datasets.erase("/processing/behavior/Position/finger/data");
  inside.save(folder / "b.nwb");
  keys.labels = (folder / "kinematics.mat").string() + ":finger_pos";
  const RecordedDay other = read_day(folder / "b.nwb", keys);
  check_position_labels(other, 17);
  CHECK(other.files.size() == 2);
}

TEST_CASE("A gap in the times of an NWB recording makes two sessions [FN N6]") {
  const TempFolder folder;
  Nwb1 file(36621, 1.0);
  file.add_positions(false);
  std::vector<double> times = file.tree.datasets[file.group + "/timestamps"].numbers.doubles();
  for (std::size_t i = 20000; i < times.size(); ++i) times[i] += 0.25;
  file.tree.datasets[file.group + "/timestamps"] = numbers(times, {36621});
  file.save(folder / "gap.nwb");
  const RecordedDay day = read_day(folder / "gap.nwb", {});
  REQUIRE(day.sessions.size() == 2);
  CHECK(day.sessions[0].segments->segments() == 27);  // 0.8192 s
  CHECK(day.sessions[1].segments->segments() == 22);
}

TEST_CASE("Conversion, offset and channel conversion of NWB 2 give microvolts [FN N6]") {
  const TempFolder folder;
  Nwb1 file(36621, 1.0);
  file.add_positions(false);
  file.tree.attributes[file.group + "/data"]["offset"] = numbers({5e-6}, {});
  file.tree.datasets[file.group + "/channel_conversion"] = numbers({0.5, 2.0}, {2});
  file.save(folder / "a.nwb");
  DataKeys keys;
  keys.rate_hz = 0;
  const RecordedDay day = read_day(folder / "a.nwb", keys);
  CHECK(day.rate_hz == doctest::Approx(24414.0625));
  const Tensor x = test::signal_of(*day.sessions[0].segments);
  CHECK(x.size(2) == 732);
  CHECK(x.data<float>()[0] == doctest::Approx(1000 * 2 * 0.5 + 5));
  CHECK(x.data<float>()[732] == doctest::Approx(-1000 * 2 * 2.0 + 5));
}

TEST_CASE("NWB files that cannot be understood are refused naming file and data set [FN N6]") {
  const TempFolder folder;
  const auto said = [&](const char* what, const std::function<void(Nwb1&)>& change, DataKeys keys = {}) {
    Nwb1 file(3000, 1.0);
    file.add_positions(false);
    change(file);
    file.save(folder / "bad.nwb");
    const auto error = error_of([&] { read_day(folder / "bad.nwb", keys); });
    REQUIRE_MESSAGE(error.has_value(), what);
    CHECK_MESSAGE(says(error, what), error->what());
    CHECK(says(error, "bad.nwb"));
    CHECK(exit_code(error->kind()) == 2);
  };
  said("neither timestamps", [](Nwb1& f) { f.tree.datasets.erase(f.group + "/timestamps"); });
  said("one time for each of 3000", [](Nwb1& f) { f.tree.datasets[f.group + "/timestamps"] = numbers({1, 2}, {2}); });
  said("no such time series", [](Nwb1& f) { f.tree.datasets.erase(f.group + "/data"), f.tree.attributes.clear(); });
  said("2 time series", [](Nwb1& f) { f.tree.datasets["/acquisition/second/data"] = numbers({1, 2}, {2}); });
  said("row number", [](Nwb1& f) { f.tree.datasets[f.group + "/electrodes"] = numbers({1, 2, 3}, {3}); });
  said("factors for 2", [](Nwb1& f) { f.tree.datasets[f.group + "/channel_conversion"] = numbers({1}, {1}); });
  said("both clocks", [](Nwb1& f) {
    std::vector<double> times;
    for (int i = 0; i <= 500; ++i) times.push_back(900.0 + i);
    f.tree.datasets["/processing/behavior/Position/finger/timestamps"] = numbers(times, {501});
  });
  said("not after the one before", [](Nwb1& f) {
    std::vector<double> times(501, 1.0);
    f.tree.datasets["/processing/behavior/Position/finger/timestamps"] = numbers(times, {501});
  });
  DataKeys other;
  other.series = "spikes";
  said(
      "no such time series", [](Nwb1&) {}, other);
}

TEST_CASE("Features of a stream have the bits of the whole recording, however the bytes arrive [FN N5]") {
  const Day day = simulated_day();
  PreprocessKeys keys;
  keys.highpass_hz = 300, keys.car = true, keys.standardize = false;
  const Tensor steps = [&] {
    Tensor x = test::signal_of(*day.sessions[0].raw).clone();
    for (std::int64_t i = 0; i < x.numel(); ++i) x.mut<float>()[i] = std::round(x.data<float>()[i] * 4.0F);
    return x;
  }();
  Tensor volts = steps.clone();
  for (std::int64_t i = 0; i < volts.numel(); ++i) volts.mut<float>()[i] *= 0.25F;
  Architecture architecture = preset("efficient");
  Network network(architecture, 150);
  initialise(network.graph, architecture);
  const Tensor whole = extract_features(network, *preprocessed(without_common(in_memory(volts)), keys, 30000));
  StreamForm form;
  form.channels = 3, form.samples = 150, form.scale = {0.25, 0.25, 0.25}, form.car = true;
  form.filter = filters_of(keys, 30000);
  const std::string bytes = test::interleaved(steps) + "odd";
  SplitMix64 random(31);
  MESSAGE("seed 31");
  for (const std::size_t most : {std::size_t{1}, std::size_t{700}, std::size_t{5000}, bytes.size()}) {
    FeatureStream stream(network, form);
    std::vector<float> rows;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t count = std::min<std::size_t>(bytes.size() - at, 1 + random() % most);
      stream.push(std::string_view(bytes).substr(at, count), [&](std::int64_t segment, std::span<const float> row) {
        CHECK(segment == static_cast<std::int64_t>(rows.size()) / 12);
        rows.insert(rows.end(), row.begin(), row.end());
      });
      at += count;
    }
    CHECK(stream.segments() == 40);
    CHECK(std::equal(rows.begin(), rows.end(), whole.data<float>(), whole.data<float>() + whole.numel()));
  }
}

TEST_CASE("A sample of a stream that is not finite is refused with its place [FN N5]") {
  Architecture architecture = preset("efficient");
  const Network network(architecture, 20);
  StreamForm form;
  form.channels = 2, form.samples = 20, form.scale = {1, 1}, form.element = io::Element::f32;
  std::vector<float> x(80, 0.5F);
  x[40 + 2 * 7 + 1] = INFINITY;
  FeatureStream stream(network, form);
  const auto error = error_of([&] {
    stream.push({reinterpret_cast<const char*>(x.data()), x.size() * 4}, [](std::int64_t, std::span<const float>) {});
  });
  CHECK(says(error, "segment 1 of the stream, channel 1"));
}

TEST_CASE("Percentiles of latency are times that occurred [FN N5]") {
  std::vector<double> times;
  for (int i = 1; i <= 1000; ++i) times.push_back(i);
  CHECK(percentile(times, 0.5) == 500);
  CHECK(percentile(times, 0.99) == 990);
  CHECK(percentile(times, 0.999) == 999);
  CHECK(percentile(times, 1.0) == 1000);
  CHECK(percentile({}, 0.5) == 0);
}

TEST_CASE("simulate and stream work from the command line and give the features of predict [FN N5] [FN N7]") {
  const TempFolder folder;
  const std::string program = (std::filesystem::path(THIMBLE_BINARY_DIR) / "bin/thimble-fenet").string();
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), program);
    return test::run_program(std::move(words), folder.path());
  };
  CHECK(run({"simulate", "synth.segments=30", "synth.sessions=1", "synth.channels=2", "--to", "rec"}).exit_code == 0);
  const auto streamed =
      run({"stream", "--weights", "efficient", "data.preprocess.highpass_hz=80", "--about", "rec/simulated-0.json",
           "--input", "rec/simulated-0_0.raw", "--to", "s.f32", "--format", "f32"});
  CHECK(streamed.exit_code == 0);
  for (const char* word : {"30 segments", "p50", "p90", "p99", "p99.9", "max"})
    CHECK(streamed.output.find(word) != std::string::npos);
  CHECK(run({"predict", "--weights", "efficient", "data.preprocess.highpass_hz=80", "data.preprocess.standardize=false",
             "data.train=[rec/simulated-0.json]", "data.cache=false", "--to", "p.npy"})
            .exit_code == 0);
  const io::Array predicted = io::read_npy(folder / "p.npy");
  CHECK(predicted.dims() == std::vector<std::int64_t>{30, 8});
  CHECK(io::read_file(folder / "s.f32") == predicted.bytes());
  CHECK(run({"stream", "--weights", "efficient"}).exit_code == 2);
  CHECK(run({"stream", "--weights", "none.h5", "--channels", "2"}).exit_code == 2);
  CHECK(run({"stream", "--weights", "efficient", "--channels", "2", "--input", "none"}).exit_code != 0);
}

namespace {

/// A MATLAB day of two sessions [2, 30, 10] and [2, 30, 6] as a tree to be changed.
struct MatlabDay {
  io::Hdf5Tree tree;
  MatlabDay() {
    tree.datasets["/#refs#/a"] = numbers(std::vector<double>(600, 1.0), {2, 30, 10});
    tree.datasets["/#refs#/b"] = numbers(std::vector<double>(360, 2.0), {2, 30, 6});
    tree.references["/neural_cell"] = {"/#refs#/a", "/#refs#/b"};
    std::vector<double> labels;
    for (int i = 0; i < 32; ++i) labels.push_back(i);
    tree.datasets["/targets"] = numbers(labels, {2, 16});
    tree.datasets["/CVR2"] = numbers({0.1, 0.2, 0.3, 0.4}, {2, 2});
  }
  std::string save(const std::filesystem::path& path) const {
    io::atomic_replace(path, io::build_hdf5(tree));
    return path.string();
  }
};

}  // namespace

TEST_CASE("MATLAB days that do not fit together are refused naming file and data set [FN F15]") {
  const TempFolder folder;
  CHECK(read_matlab_day(MatlabDay().save(folder / "good.mat")).sessions.size() == 2);
  const auto said = [&](const char* what, const std::function<void(io::Hdf5Tree&)>& change) {
    MatlabDay day;
    change(day.tree);
    const std::string path = day.save(folder / "bad.mat");
    const auto error = error_of([&] { read_matlab_day(path); });
    REQUIRE_MESSAGE(error.has_value(), what);
    CHECK_MESSAGE(says(error, what), error->what());
    CHECK(says(error, "bad.mat"));
    CHECK(exit_code(error->kind()) == 2);
  };
  said("neural_cell", [](io::Hdf5Tree& t) { t.references.clear(); });
  said("is no cell array", [](io::Hdf5Tree& t) {
    t.references.clear();
    t.datasets["/neural_cell"] = numbers({1, 2}, {1, 2});
  });
  said("targets", [](io::Hdf5Tree& t) { t.datasets.erase("/targets"); });
  said("16 are needed", [](io::Hdf5Tree& t) { t.datasets["/targets"] = numbers(std::vector<double>(30, 1), {2, 15}); });
  said("[32] where numbers",
       [](io::Hdf5Tree& t) { t.datasets["/targets"] = numbers(std::vector<double>(32, 1), {32}); });
  said("[channels, samples, segments]", [](io::Hdf5Tree& t) {
    t.datasets["/#refs#/b"] = numbers(std::vector<double>(360, 2), {1, 2, 30, 6});
  });
  said("where the first session has", [](io::Hdf5Tree& t) {
    t.datasets["/#refs#/b"] = numbers(std::vector<double>(360, 2), {3, 20, 6});
  });
  said("CVR2", [](io::Hdf5Tree& t) { t.datasets["/CVR2"] = numbers({1, 2, 3}, {1, 3}); });
}

TEST_SUITE("slow") {
  TEST_CASE("Mutated day files and NWB files end in a recording or an error, in time [R14] [FN F15] [FN N6]") {
    const std::uint64_t seed = 20270;
    MESSAGE("seed ", seed);
    SplitMix64 random(seed);
    const TempFolder folder;
    Nwb1 nwb(1500, 1.0);
    nwb.add_positions(false);
    nwb.save(folder / "good.nwb");
    const std::string day = io::read_file(MatlabDay().save(folder / "good.mat"));
    const std::string good[] = {day, io::read_file(folder / "good.nwb")};
    int refused = 0;
    for (int trial = 0; trial < 60; ++trial) {
      std::string bytes = good[trial % 2];
      for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits)
        bytes[random() % std::min<std::size_t>(bytes.size(), 6000)] = static_cast<char>(random());
      if (trial % 5 == 0) bytes.resize(random() % bytes.size());
      const auto path = folder / (trial % 2 == 0 ? "f.mat" : "f.nwb");
      io::atomic_replace(path, bytes);
      const auto error = error_of([&] {
        for (const RecordedSession& session : read_day(path, {}).sessions) test::signal_of(*session.segments);
      });
      if (error) CHECK(exit_code(error->kind()) == 2);
      refused += error ? 1 : 0;
    }
    CHECK(refused > 10);
  }
}
