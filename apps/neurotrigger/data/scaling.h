#pragma once
// Targets and network outputs are scaled to [-1, 1]; these maps give centimetres and degrees back.

#include "core/tensor/tensor.h"

namespace thimble::neurotrigger {

inline constexpr double kZLow = -100.0, kZHigh = 100.0;        // cm
inline constexpr double kThetaLow = 10.0, kThetaHigh = 170.0;  // degrees
inline constexpr double kCmPerUnit = (kZHigh - kZLow) / 2.0;   // a scaled difference of 1 in cm
inline constexpr double kDegPerUnit = (kThetaHigh - kThetaLow) / 2.0;

constexpr double scale_z(double cm) {
  return 2.0 * (cm - kZLow) / (kZHigh - kZLow) - 1.0;
}
constexpr double scale_theta(double degrees) {
  return 2.0 * (degrees - kThetaLow) / (kThetaHigh - kThetaLow) - 1.0;
}
constexpr double z_to_cm(double scaled) {
  return (scaled + 1.0) * (kZHigh - kZLow) / 2.0 + kZLow;
}
constexpr double theta_to_degrees(double scaled) {
  return (scaled + 1.0) * (kThetaHigh - kThetaLow) / 2.0 + kThetaLow;
}
/// 13-bit word of the trigger hardware (-4095 .. 4096) as a scaled value.
constexpr double word_to_scaled(double word) {
  return (2.0 * word - 1.0) / 8191.0;
}

/// [N, 1] (z) or [N, 2] (z, theta), f32, scaled -> cm and degrees. Throws Error(shape) for other widths.
Tensor to_physics(const Tensor& scaled);
/// The inverse of to_physics.
Tensor to_scaled(const Tensor& physics);

}  // namespace thimble::neurotrigger
