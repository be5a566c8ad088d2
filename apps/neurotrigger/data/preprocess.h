#pragma once
// The fixed-point arithmetic in front of the networks: reference wire and crossing angle of a 2D track, as the trigger
// firmware computes them (12 fraction bits for angles, 8 for wire scale and reference id).

#include "core/tensor/tensor.h"

#include "apps/neurotrigger/data/chamber.h"

namespace thimble::neurotrigger {

inline constexpr int kAngleBits = 12;     // fraction bits of azimuth and crossing angle
inline constexpr int kWireScaleBits = 8;  // fraction bits of wires per radian
inline constexpr int kReferenceBits = 8;  // fraction bits of the reference id

/// Crossing angle asin(R omega / 2) in units of 2^-12 radians; pi/2 when the track does not reach the radius.
std::int64_t fixed_alpha(double radius, double omega);
/// Wires per radian in units of 2^-8.
std::int64_t fixed_wire_scale(int wires);
/// Wire number (not wrapped) at which a track of azimuth phi0 is expected, in units of 2^-8.
std::int64_t fixed_reference(double radius, int wires, double phi0, double omega);
/// The same in floating point, wrapped to [-wires/2, wires/2].
double reference_id(double radius, int wires, double phi0, double omega);
/// Crossing angle in floating point, radians.
double crossing_angle_of(double radius, double omega);

/// What the trigger knows of the hit of one super layer.
struct HitWords {
  bool found = false;
  std::int64_t wire = 0;  // number of the track segment, 0 .. wires - 1
  int priority = 3;       // 3: first priority wire; 1, 2: second priority, right or left of the first
  int time = 0;           // drift time in bins, not yet relative to the event time
  int side = 0;           // +1 left, -1 right, 0 not known
};

/// A 2D track and its hits.
struct TrackWords {
  double phi0 = 0, omega = 0;  // radians, 1/cm
  int event_time = 0;          // bins
  std::array<HitWords, kSuperLayers> hits{};
};

/// Position of a hit against the reference wire in units of 2^-8 wires, within half a turn.
std::int64_t fixed_relative(std::size_t super_layer, const HitWords& hit, double phi0, double omega);
/// The 27 input integers (12 fraction bits) of the network, with integer arithmetic throughout: relID is a shift
/// because its scale is a power of two, the time is cut to 0 .. 256, alpha is half the crossing angle cut towards zero.
/// Zero for super layers without a hit or with one outside the relevant range.
std::array<std::int64_t, kInputs> fixed_inputs(const TrackWords& track);

/// The preprocessing fault "id_shuffle" of recorded data: relID of super layers 0, 1, 3, 4 and 8 becomes x/4,
/// (x + 0.12)/2, x - 0.12, x/2 and x + 0.12, whether or not there is a hit. `inputs` [N, C], changed in place.
void shuffle_ids(const Tensor& inputs);

}  // namespace thimble::neurotrigger
