#include "apps/neurotrigger/data/simulator.h"

#include "core/base/error.h"
#include "core/parallel/blocks.h"
#include "core/random/philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thimble::neurotrigger {
namespace {

constexpr std::int64_t kTracksPerBlock = 4096;
constexpr double kMeanHalfRadius = 36.5;  // cm, couples curvature and azimuth errors of the 2D finder

/// The draws of one track, one after another.
class Draws {
 public:
  Draws(const Stream& stream, std::int64_t track) : stream_(stream), track_(static_cast<std::uint64_t>(track)) {}
  double uniform() { return stream_.uniform64(track_, next_++); }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  double normal(double sigma) { return sigma * stream_.normal(track_, next_++); }
  bool chance(double probability) { return uniform() < probability; }

 private:
  const Stream& stream_;
  std::uint64_t track_;
  std::uint64_t next_ = 0;
};

Stream stream_of(std::uint64_t seed, std::string_view name, std::string_view part) {
  return Rng(seed).stream("simulator").stream(name).stream(part);
}

double draw_z(const SimulationOptions& options, Draws& draws) {
  if (options.z_shape == ZShape::uniform) return draws.uniform(-options.z_range, options.z_range);
  for (;;) {  // rough shares of recorded data; targets beyond the scaled range are not written by the experiment
    const double kind = draws.uniform();
    const double z = kind < 0.45   ? draws.normal(0.3)
                     : kind < 0.60 ? draws.uniform(-15.0, 15.0)
                     : kind < 0.95 ? 45.0 + draws.normal(20.0)
                                   : draws.uniform(-100.0, 100.0);
    if (std::abs(z) <= 100.0) return z;
  }
}

Track draw_track(const SimulationOptions& options, Draws draws) {
  Track track;
  const double inverse_pt = draws.uniform(-1.0, 1.0) / kLowestPt;
  track.charge = inverse_pt < 0.0 ? -1.0 : 1.0;
  track.pt = 1.0 / std::max(std::abs(inverse_pt), 1e-9);
  track.phi0 = draws.uniform(0.0, 2.0 * std::numbers::pi);
  track.theta = draws.uniform(options.theta_low, options.theta_high) * std::numbers::pi / 180.0;
  track.z0 = draw_z(options, draws);
  return track;
}

TrackNoise draw_noise(const SimulationOptions& options, Draws draws) {
  TrackNoise noise;
  noise.quantise_finder = options.quantise_finder;
  noise.finder_omega = draws.normal(options.finder_omega);
  noise.finder_phi = draws.normal(options.finder_phi) + kMeanHalfRadius * noise.finder_omega;
  noise.event_time = draws.normal(options.event_time);
  for (auto& layer : noise.layers) {
    layer.distance = draws.normal(options.distance);
    layer.lost = !draws.chance(options.efficiency);
    layer.unknown_side = draws.chance(options.unknown_side);
    layer.wrong_side = draws.chance(options.wrong_side);
    layer.noise = draws.chance(options.noise);
    layer.noise_time = static_cast<int>(draws.uniform(0.0, kLastTimeBin + 1.0));
    layer.noise_side = draws.chance(0.5) ? 1 : -1;
  }
  return noise;
}

/// Every wire of a pattern is lost as often as a hit; draws of their own, so that the other inputs stay what they are.
void draw_lost_wires(const SimulationOptions& options, Draws draws, TrackNoise& noise) {
  for (auto& layer : noise.layers)
    for (std::size_t wire = 0; wire < kPatternWires; ++wire)
      if (!draws.chance(options.efficiency)) layer.lost_wires |= 1u << wire;
}

/// The streams of a set of tracks.
struct Streams {
  Stream tracks, noise, wires;
  Streams(std::uint64_t seed, std::string_view name)
      : tracks(stream_of(seed, name, "tracks")),
        noise(stream_of(seed, name, "noise")),
        wires(stream_of(seed, name, "wires")) {}
};

SimulatedTrack simulate_one(const SimulationOptions& options, const Streams& streams, std::int64_t index) {
  TrackNoise noise = draw_noise(options, Draws(streams.noise, index));
  if (options.patterns) draw_lost_wires(options, Draws(streams.wires, index), noise);
  return simulate_track(draw_track(options, Draws(streams.tracks, index)), noise, options.patterns);
}

void store(const SimulatedTrack& track, std::int64_t event, std::int64_t row, Dataset& data) {
  const auto at = static_cast<std::size_t>(row);
  const std::int64_t width = data.inputs.size(1);
  float* inputs = data.inputs.mut<float>() + row * width;
  for (std::size_t i = 0; i < kInputs; ++i) *inputs++ = static_cast<float>(track.inputs[i]);
  if (width == static_cast<std::int64_t>(kPatternInputs))
    for (const unsigned pattern : track.patterns)
      for (std::size_t bit = 0; bit < kPatternWires; ++bit) *inputs++ = (pattern >> bit & 1u) != 0 ? 1.0F : 0.0F;
  float* targets = data.targets.mut<float>() + 2 * row;
  targets[0] = static_cast<float>(track.y_z);
  targets[1] = static_cast<float>(track.y_theta);
  data.origins[at].event = event;
  data.experts[at] = static_cast<std::int8_t>(track.expert);
}

/// Tracks first .. last-1 that have an expert.
Dataset simulate_block(const SimulationOptions& options, const Streams& streams, std::int64_t first,
                       std::int64_t last) {
  Dataset data = empty_dataset(last - first, options.patterns ? kPatternInputs : kInputs);
  std::int64_t rows = 0;
  for (std::int64_t index = first; index < last; ++index) {
    const SimulatedTrack track = simulate_one(options, streams, index);
    if (track.expert >= 0) store(track, index, rows++, data);
  }
  for (Tensor Dataset::*member : {&Dataset::inputs, &Dataset::targets, &Dataset::old, &Dataset::words})
    data.*member = (data.*member).rows(0, rows);
  data.origins.resize(static_cast<std::size_t>(rows));
  data.experts.resize(static_cast<std::size_t>(rows));
  return data;
}

}  // namespace

const std::vector<std::string>& simulation_presets() {
  static const std::vector<std::string> names{"clean", "ideal", "data-like"};
  return names;
}

SimulationOptions simulation_preset(std::string_view name) {
  SimulationOptions o;  // "ideal"
  o.preset = std::string(name);
  if (name == "ideal") return o;
  if (name == "clean") {
    o.finder_phi = 1e-3, o.finder_omega = 5e-5, o.quantise_finder = false;
    o.event_time = 0.0, o.unknown_side = 0.0, o.wrong_side = 0.0, o.efficiency = 1.0;
    return o;
  }
  if (name == "data-like") {
    o.finder_phi = 10e-3, o.finder_omega = 5e-4, o.event_time = 10.0;
    o.unknown_side = 0.35, o.wrong_side = 0.10, o.efficiency = 0.90, o.noise = 0.15, o.z_range = 100.0;
    return o;
  }
  const std::string near = text::nearest(name, simulation_presets());
  throw Error(ErrorKind::config, text::cat("unknown simulator preset '", text::printable(name), "'"),
              {"", 0, 0, "data.simulate.preset"},
              near.empty() ? "known presets: clean, ideal, data-like" : text::cat("did you mean '", near, "'?"));
}

Track random_track(const SimulationOptions& options, std::uint64_t seed, std::string_view stream, std::int64_t index) {
  const Stream tracks = stream_of(seed, stream, "tracks");
  return draw_track(options, Draws(tracks, index));
}

SimulatedTrack simulate(const SimulationOptions& options, std::uint64_t seed, std::string_view stream,
                        std::int64_t index) {
  return simulate_one(options, Streams(seed, stream), index);
}

Dataset simulate_tracks(const SimulationOptions& options, std::uint64_t seed, std::string_view stream,
                        std::int64_t count) {
  THIMBLE_CHECK(count >= 0, value, "simulate_tracks: ", count, " tracks");
  const Streams streams(seed, stream);
  const std::int64_t blocks = (count + kTracksPerBlock - 1) / kTracksPerBlock;
  std::vector<Dataset> parts(static_cast<std::size_t>(blocks));
  parallel_blocks(blocks, [&](std::int64_t b) {
    const std::int64_t first = b * kTracksPerBlock, last = std::min(count, first + kTracksPerBlock);
    parts[static_cast<std::size_t>(b)] = simulate_block(options, streams, first, last);
  });
  return concatenate(std::move(parts));
}

}  // namespace thimble::neurotrigger
