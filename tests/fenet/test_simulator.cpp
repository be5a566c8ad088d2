// The simulator against the formulas of its specification.

#include "core/io/json.h"
#include "core/linalg/fft.h"
#include "core/linalg/stats.h"
#include "core/parallel/blocks.h"

#include "apps/fenet/data/labels.h"
#include "apps/fenet/data/movement.h"
#include "apps/fenet/data/neurons.h"
#include "apps/fenet/data/noise.h"
#include "apps/fenet/data/preprocess.h"
#include "apps/fenet/data/recordings.h"
#include "apps/fenet/data/simulator.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>
#include <set>

#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::fenet;

namespace {

SimulateKeys small_recording() {
  SimulateKeys keys;
  keys.channels = 3, keys.sessions = 2, keys.segments = 24;
  return keys;
}

Tensor whole(const SegmentSource& source) {
  Tensor x = Tensor::empty({source.segments(), source.channels(), source.samples()});
  source.read(0, x);
  return x;
}

/// Mean power of the frequencies from `low` to `high` per hertz, of a signal at `rate`.
double density(const std::vector<double>& power, double rate, double low, double high) {
  const double width = rate / static_cast<double>(power.size());
  double sum = 0;
  int count = 0;
  for (std::size_t k = static_cast<std::size_t>(low / width); static_cast<double>(k) * width <= high; ++k, ++count)
    sum += power[k];
  return sum / count;
}

Tensor table_of(const nlohmann::json& rows) {
  std::vector<double> values;
  for (const auto& row : rows)
    for (const auto& value : row) values.push_back(value.get<double>());
  const auto n = static_cast<std::int64_t>(rows.size());
  return Tensor::from(values, {n, static_cast<std::int64_t>(values.size()) / n});
}

}  // namespace

TEST_CASE(
    "A simulated session has the same bits for any number of threads, block size and order of reading [FN N7] [FN "
    "N12]") {
  const int before = threads();
  const SimulateKeys keys = small_recording();
  set_threads(1);
  const Tensor one = whole(*simulate_days(keys, 5)[0].sessions[1].raw);
  set_threads(3);
  const std::vector<Day> days = simulate_days(keys, 5);
  const SegmentSource& source = *days[0].sessions[1].raw;
  for (const std::int64_t first : {20, 0, 7, 8, 19, 1}) {
    Tensor block = Tensor::empty({4, 3, 900});
    source.read(first, block);
    CHECK(block.to_vector() == one.rows(first, 4).to_vector());
  }
  set_threads(before);
}

TEST_CASE("Another seed, session or day of the simulator is another signal [FN N7]") {
  SimulateKeys keys = small_recording();
  keys.days = 2;
  const auto days = simulate_days(keys, 5);
  std::set<std::vector<double>> signals;
  for (const Day& day : days)
    for (const Session& session : day.sessions) signals.insert(whole(*session.raw).rows(0, 1).to_vector());
  signals.insert(whole(*simulate_days(keys, 6)[0].sessions[0].raw).rows(0, 1).to_vector());
  CHECK(signals.size() == 5);
}

TEST_CASE("Simulated labels lie between -1 and 1 over the day and start at rest [FN N7]") {
  SimulateKeys keys = small_recording();
  keys.segments = 400;
  const auto days = simulate_days(keys, 2);
  double low = 9, high = -9;
  for (const Session& session : days[0].sessions) {
    CHECK(session.labels.shape() == Shape{400, 2});
    for (const double v : session.labels.to_vector()) low = std::min(low, v), high = std::max(high, v);
  }
  CHECK(low == -1.0);
  CHECK(high == 1.0);
}

TEST_CASE("Simulated reaches have unit length, go to all eight targets and come back [FN N7]") {
  const double step = 0.001;
  const Movement movement = simulate_movement(Rng(11).stream("m"), 40000, step);
  std::vector<Vector2> reaches;
  Vector2 sum;
  for (const Vector2 v : movement.centre) {
    sum.x += v.x * step, sum.y += v.y * step;
    if (length(v) == 0.0 && length(sum) > 0.0) reaches.push_back(sum), sum = {};
  }
  REQUIRE(reaches.size() > 33);
  std::set<int> targets;
  for (std::size_t i = 0; i + 1 < reaches.size(); i += 2) {
    CHECK(length(reaches[i]) == doctest::Approx(1.0).epsilon(1e-3));
    CHECK(reaches[i + 1].x == doctest::Approx(-reaches[i].x).epsilon(1e-3));
    const double place = std::atan2(reaches[i].y, reaches[i].x) / (2.0 * std::numbers::pi) * 8.0 - 0.5;
    CHECK(std::abs(place - std::round(place)) < 1e-3);
    if (i < 16) targets.insert((static_cast<int>(std::lround(place)) + 8) % 8);
  }
  CHECK(targets.size() == 8);
}

TEST_CASE("The rate of a simulated neuron follows its formula [FN N7]") {
  Neuron neuron;
  neuron.direction = 0.0, neuron.baseline = 10.0, neuron.depth = 0.5, neuron.speed = 0.2;
  CHECK(neuron.rate({2.0, 0.0}, 2.0, 0.0, 0.175) == doctest::Approx(22.0));
  CHECK(neuron.rate({0.0, 0.0}, 2.0, 0.0, 0.175) == doctest::Approx(10.0));
  CHECK(neuron.rate({0.0, 2.0}, 2.0, 0.5 * std::numbers::pi, 0.175) == doctest::Approx(22.0));
  CHECK(neuron.rate({-2.0, 0.0}, 2.0, 0.0, 1.175) == doctest::Approx(2.0 * std::exp(0.35)));
  neuron.depth = 1.0;
  CHECK(neuron.rate({-2.0, 0.0}, 2.0, 0.0, 0.0) == 0.0);
}

TEST_CASE("Simulated neurons have the numbers, amplitudes and waveforms of the specification [FN N7]") {
  const Stream stream = Rng(4).stream("neurons");
  double middle = 0, far = 0, near = 0;
  for (std::int64_t c = 0; c < 300; ++c)
    for (const Neuron& neuron : make_neurons(stream, c, 2.0, 0.0, 1)) {
      (neuron.amplitude >= 45 ? near : neuron.amplitude >= 14 ? middle : far) += 1.0 / 300.0;
      CHECK(neuron.amplitude < 90);
      CHECK(neuron.baseline >= 3.0);
      CHECK(neuron.baseline <= 20.0);
      CHECK(*std::min_element(neuron.waveform.begin(), neuron.waveform.end()) == doctest::Approx(-1.0));
    }
  CHECK(near == doctest::Approx(0.5).epsilon(0.2));
  CHECK(middle == doctest::Approx(6.0).epsilon(0.1));
  CHECK(far == doctest::Approx(20.0).epsilon(0.05));
}

TEST_CASE("Lost neurons of the simulator stay silent on all later days [FN N7]") {
  const Stream stream = Rng(4).stream("neurons");
  std::vector<int> alive(6, 0);
  for (std::int64_t c = 0; c < 60; ++c)
    for (const Neuron& neuron : make_neurons(stream, c, 1.5, 0.3, 6))
      for (std::int64_t day = 0; day < 6; ++day) alive[static_cast<std::size_t>(day)] += day <= neuron.last_day ? 1 : 0;
  for (std::size_t day = 1; day < 6; ++day)
    CHECK(alive[day] / double(alive[day - 1]) == doctest::Approx(0.7).epsilon(0.1));
}

TEST_CASE("White noise of the simulator is standard normal [FN N7]") {
  std::vector<float> x(200000, 0.0F);
  add_white_noise(Rng(8).stream("w"), 3, 2.0, x);
  CHECK(std::abs(linalg::mean(x)) < 0.02);
  CHECK(linalg::standard_deviation(x, linalg::Divisor::n) == doctest::Approx(2.0).epsilon(0.01));
  CHECK(linalg::quantile(x, 0.975, linalg::QuantileRule::linear) == doctest::Approx(2.0 * 1.96).epsilon(0.02));
}

TEST_CASE("The simulated field potential has unit variance and falls as the frequency to the power of -1.5 [FN N7]") {
  constexpr std::size_t n = 1 << 20;
  std::vector<float> x(n, 0.0F);
  FieldPotential(Rng(9).stream("f")).add(0, 1.0, x);
  std::vector<double> re(x.begin(), x.end()), im(n, 0.0), power(n);
  linalg::Fft(n).forward(re, im);
  for (std::size_t k = 0; k < n; ++k) power[k] = re[k] * re[k] + im[k] * im[k];
  const double at_10 = density(power, 30000, 9, 11), at_90 = density(power, 30000, 81, 99);
  CHECK(at_10 / at_90 == doctest::Approx(27.0).epsilon(0.25));
  const double at_600 = density(power, 30000, 550, 650);
  CHECK(at_90 / at_600 == doctest::Approx(std::pow(600.0 / 90.0, 1.5) * (1.0 + 256.0)).epsilon(0.35));
  double variance = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    std::vector<float> piece(1 << 18, 0.0F);
    FieldPotential(Rng(seed).stream("f")).add(30000, 1.0, piece);
    for (const float v : piece) variance += static_cast<double>(v) * static_cast<double>(v) / (12.0 * (1 << 18));
  }
  CHECK(variance == doctest::Approx(1.0).epsilon(0.25));
}

TEST_CASE("Labels are scaled as the reference scales them, constant axes become zero [FN F15]") {
  THIMBLE_SHARED(path, "data/fenet/metrics_and_utils.json");
  const nlohmann::json all = io::read_json(path);
  for (const char* name : {"target_normalization", "target_normalization_constant_axis"}) {
    CAPTURE(name);
    const std::vector<double> out = normalise_labels(table_of(all[name]["targets"])).to_vector();
    const std::vector<double> expected = table_of(all[name]["out"]).to_vector();
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::abs(out[i] - expected[i]) < 1e-6);
  }
}

TEST_CASE("A standard scaler and the choice of channels equal those of the reference [FN F15] [FN F16]") {
  THIMBLE_SHARED(path, "data/fenet/metrics_and_utils.json");
  const nlohmann::json all = io::read_json(path);
  const Tensor rows = table_of(all["standard_scaler"]["x"]).to(DType::f32);
  const auto columns = in_memory(rows.reshape({rows.size(0), rows.size(1), 1}));
  const std::vector<double> out = whole(*standardised(columns)).to_vector();
  const std::vector<double> expected = table_of(all["standard_scaler"]["out"]).to_vector();
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::abs(out[i] - expected[i]) < 1e-5);
  const auto& filter = all["channel_filter"];
  for (const auto& one : filter["cases"]) {
    const std::int64_t top = one["n_top"].is_null() ? 0 : one["n_top"].get<std::int64_t>();
    CHECK(best_channels(table_of(filter["R2"]), one["min_R2"].get<double>(), top) ==
          one["kept"].get<std::vector<std::int64_t>>());
  }
}

TEST_CASE("Channels of equal R2 are all kept and the order of the file stays [FN F16]") {
  const Tensor r2 = Tensor::from(std::vector<double>{0.1, 0.3, 0.5, 0.2, 0.3, 0.0, 0.6, 0.1}, {4, 2});
  CHECK(best_channels(r2, 0, 3) == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(best_channels(r2, 0, 2) == std::vector<std::int64_t>{1, 3});
  CHECK(best_channels(r2, 0.9, 2).empty());
}

TEST_CASE("Recordings are simulated, filtered and standardised when no files are named [FN N7]") {
  SimulateKeys simulate = small_recording();
  DataKeys data;
  data.preprocess.highpass_hz = 80;
  const Recordings in_memory_ones = load_recordings(data, simulate, 5);
  CHECK(in_memory_ones.simulated);
  REQUIRE(in_memory_ones.train.size() == 1);
  const Session& session = in_memory_ones.train[0].sessions[1];
  const Tensor x = whole(*session.segments);
  const std::vector<double> values = x.to_vector();
  CHECK(std::abs(linalg::mean(values)) < 1e-4);
  CHECK(linalg::standard_deviation(values, linalg::Divisor::n) == doctest::Approx(1.0).epsilon(1e-4));
  data.resident_mb = 0;
  const Recordings streamed = load_recordings(data, simulate, 5);
  CHECK(whole(*streamed.train[0].sessions[1].segments).to_vector() == values);
  CHECK(whole(*session.raw).to_vector() != values);
}
