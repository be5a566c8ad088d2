#include "apps/neurotrigger/data/preprocess.h"

#include <algorithm>
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

std::int64_t fixed_relative(std::size_t super_layer, const HitWords& hit, double phi0, double omega) {
  const SuperLayer& layer = kChamber[super_layer];
  const double radius = hit.priority == 3 ? layer.radius : layer.radius2;
  const std::int64_t turn = std::int64_t{layer.wires} << kReferenceBits;
  const std::int64_t half_wire = std::int64_t{1} << (kReferenceBits - 1);
  const std::int64_t position =
      (hit.wire << kReferenceBits) + half_wire * (((hit.priority >> 1) & 1) - (hit.priority & 1));
  const std::int64_t relative = (position - fixed_reference(radius, layer.wires, phi0, omega)) % turn;
  if (2 * relative > turn) return relative - turn;
  return 2 * relative < -turn ? relative + turn : relative;
}

std::array<std::int64_t, kInputs> fixed_inputs(const TrackWords& track) {
  constexpr int kToInput = kAngleBits - kReferenceBits;  // wires and inputs differ by this many fraction bits
  std::array<std::int64_t, kInputs> inputs{};
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    const HitWords& hit = track.hits[s];
    const SuperLayer& layer = kChamber[s];
    if (!hit.found) continue;
    const std::int64_t relative = fixed_relative(s, hit, track.phi0, track.omega);
    if (relative < to_fixed(layer.low, kReferenceBits) || relative > to_fixed(layer.high, kReferenceBits)) continue;
    // scale * 2^4 is a whole number, so nothing is cut
    const std::int64_t centred = relative - to_fixed(layer.offset, kReferenceBits);
    inputs[3 * s] = centred * to_fixed(layer.scale, kToInput);
    const int time = std::clamp(hit.time - track.event_time, 0, kLastTimeBin);
    inputs[3 * s + 1] = std::int64_t{hit.side * time} * ((std::int64_t{1} << kAngleBits) / kLastTimeBin);
    inputs[3 * s + 2] = fixed_alpha(hit.priority == 3 ? layer.radius : layer.radius2, track.omega) / 2;
  }
  return inputs;
}

void shuffle_ids(const Tensor& inputs) {
  constexpr float kShift = 0.12F;
  const std::int64_t width = inputs.size(1);
  for (std::int64_t row = 0; row < inputs.size(0); ++row) {
    float* x = inputs.mut<float>() + row * width;
    x[0] /= 4;
    x[3] = (x[3] + kShift) / 2;
    x[9] -= kShift;
    x[12] /= 2;
    x[24] += kShift;
  }
}

}  // namespace thimble::neurotrigger
