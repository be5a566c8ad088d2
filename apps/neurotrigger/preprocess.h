#pragma once
// The fixed-point arithmetic in front of the networks: reference wire and crossing angle of a 2D track, as the trigger
// firmware computes them (12 fraction bits for angles, 8 for wire scale and reference id).

#include "apps/neurotrigger/chamber.h"

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

}  // namespace thimble::neurotrigger
