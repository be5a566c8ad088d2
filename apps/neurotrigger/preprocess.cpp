#include "apps/neurotrigger/preprocess.h"

#include <cmath>
#include <numbers>

namespace thimble::neurotrigger {
namespace {

std::int64_t to_fixed(double value, int bits) {
  return std::llround(std::ldexp(value, bits));
}

}  // namespace

double crossing_angle_of(double radius, double omega) {
  const double sine = radius * omega / 2.0;
  return std::abs(sine) >= 1.0 ? std::copysign(std::numbers::pi / 2.0, sine) : std::asin(sine);
}

std::int64_t fixed_alpha(double radius, double omega) {
  return to_fixed(crossing_angle_of(radius, omega), kAngleBits);
}

std::int64_t fixed_wire_scale(int wires) {
  return to_fixed(wires / (2.0 * std::numbers::pi), kWireScaleBits);
}

std::int64_t fixed_reference(double radius, int wires, double phi0, double omega) {
  const std::int64_t angle = to_fixed(phi0, kAngleBits) - fixed_alpha(radius, omega);
  constexpr int kShift = kAngleBits + kWireScaleBits - kReferenceBits;
  return angle * fixed_wire_scale(wires) / (std::int64_t{1} << kShift);  // integer division cuts towards zero
}

double reference_id(double radius, int wires, double phi0, double omega) {
  return std::remainder((phi0 - crossing_angle_of(radius, omega)) * wires / (2.0 * std::numbers::pi), wires);
}

}  // namespace thimble::neurotrigger
