#pragma once
// One track through the chamber: helix, nearest wires, drift times, the 27 inputs and the expert. The noise-free
// model is exact (reference vectors); smearing, inefficiency and noise are laid on top of it.

#include "apps/neurotrigger/data/chamber.h"

namespace thimble::neurotrigger {

/// A charged particle from the beam line.
struct Track {
  double charge = 1.0;                                               // +1 or -1
  double pt = 1.0;                                                   // transverse momentum, GeV
  double phi0 = 0.0;                                                 // azimuth at the origin, radians
  double theta = 0.0;                                                // polar angle, radians
  double z0 = 0.0;                                                   // cm
  double curvature() const { return charge * kFieldConstant / pt; }  // signed, 1/cm
};

/// Curvature (1/cm) and azimuth (radians) as the 2D track finder reports them.
struct Finder2D {
  double omega = 0.0;
  double phi = 0.0;
};

/// Nearest first-priority wire of one super layer.
struct Hit {
  bool exists = false;     // the track crosses the super layer between its end plates
  bool used = false;       // inside the relevant range and not lost
  double r = 0.0;          // radius of the wire surface at the crossing, cm
  double z = 0.0;          // cm
  std::int64_t wire = -1;  // 0 .. wires - 1
  double distance = 0.0;   // closest approach to the wire, cm
  int side = 0;            // +1 the track passes on the larger-phi side of the wire, -1 on the other, 0 not known
  int time = 0;            // drift time in bins, 0 .. 256
  double relative = 0.0;   // wire position against the 2D track, wires
};

struct SimulatedTrack {
  Finder2D finder;
  std::array<Hit, kSuperLayers> hits;
  std::array<double, kInputs> inputs{};
  std::array<unsigned, kSuperLayers> patterns{};  // wires hit around the priority wire, see hit_pattern
  int expert = -1;                                // -1: no network is responsible
  double y_z = 0.0;                               // targets, scaled
  double y_theta = 0.0;
};

/// What the detector adds to the noise-free model. All zero = noise-free.
struct TrackNoise {
  double finder_omega = 0.0;    // added to the curvature before the 2D finder, 1/cm
  double finder_phi = 0.0;      // added to the azimuth before the 2D finder, radians
  bool quantise_finder = true;  // cells of the 2D finder on
  double event_time = 0.0;      // error of the event time, bins
  struct Layer {
    double distance = 0.0;  // added to the drift distance, cm
    bool lost = false;      // hit not found
    bool unknown_side = false;
    bool wrong_side = false;
    bool noise = false;  // late or foreign hit: time and side below replace the right ones
    int noise_time = 0;
    int noise_side = 1;
    unsigned lost_wires = 0;  // wires of the hit pattern that did not answer
  };
  std::array<Layer, kSuperLayers> layers{};
};

/// Cells of the 2D finder: 34 curvatures per charge down to 0.3 GeV, 320 azimuths.
Finder2D quantise_finder(double omega, double phi);

/// Wires of a track segment that the track passes nearest to, one bit each. The segment is an hourglass of eleven wires
/// in five layers around the priority wire: 3, 2, 1, 2, 3 from the inside out; bits 0-2, 3-4, 5, 6-7, 8-10, each layer
/// by growing azimuth. Neighbouring layers are as far apart as the two priority layers, and shifted by half a cell.
/// `wire`: the priority wire, 0 .. wires - 1.
unsigned hit_pattern(std::size_t super_layer, const Track& track, std::int64_t wire);

/// The whole chain for one track. Deterministic; double precision throughout. Patterns are left at 0 unless
/// asked for.
SimulatedTrack simulate_track(const Track& track, const TrackNoise& noise = {}, bool patterns = false);

/// Expert of a pattern of used super layers (bit s = super layer s), -1 for none: at least four axial hits, and at
/// most one stereo super layer missing.
int expert_of_pattern(unsigned used);

}  // namespace thimble::neurotrigger
