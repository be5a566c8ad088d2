#pragma once
// Simulated tracks as training data: random tracks, detector effects, expert assignment. Track number i is a pure
// function of (seed, stream, i), so the data do not depend on threads.

#include "apps/neurotrigger/data/dataset.h"
#include "apps/neurotrigger/data/track_model.h"

#include <string>
#include <string_view>
#include <vector>

namespace thimble::neurotrigger {

enum class ZShape {
  uniform,  // flat within +-z_range
  mixture,  // roughly the shape of recorded data: collisions, beam background around +45 cm, flat tail
};

/// Detector effects and track spectrum; the presets are the rows of the expected-resolution table.
struct SimulationOptions {
  std::string preset = "ideal";
  double finder_phi = 5e-3;     // sigma of the 2D azimuth, radians
  double finder_omega = 3e-4;   // sigma of the 2D curvature, 1/cm
  bool quantise_finder = true;  // cells of the 2D finder
  double event_time = 5.0;      // sigma of the event time, bins
  double distance = 0.013;      // sigma of the drift distance, cm
  double unknown_side = 0.25;   // probability
  double wrong_side = 0.02;     // probability
  double efficiency = 0.95;     // per super layer
  double noise = 0.0;           // probability of a late or foreign hit
  ZShape z_shape = ZShape::uniform;
  double z_range = 50.0;                        // cm
  double theta_low = 25.0, theta_high = 140.0;  // degrees, flat
  bool patterns = false;                        // 126 inputs: hit patterns behind the 27
};

/// "clean", "ideal" or "data-like". Throws Error(config) with the nearest name otherwise.
SimulationOptions simulation_preset(std::string_view name);
const std::vector<std::string>& simulation_presets();

/// Track number `index` of the stream and its noise.
Track random_track(const SimulationOptions& options, std::uint64_t seed, std::string_view stream, std::int64_t index);
SimulatedTrack simulate(const SimulationOptions& options, std::uint64_t seed, std::string_view stream,
                        std::int64_t index);

/// Tracks 0 .. count-1 of stream `stream`, in parallel. Tracks without an expert are left out; event = track number.
Dataset simulate_tracks(const SimulationOptions& options, std::uint64_t seed, std::string_view stream,
                        std::int64_t count);

}  // namespace thimble::neurotrigger
