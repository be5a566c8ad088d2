#pragma once
// Geometry of the Belle II central drift chamber as the trigger sees it: nine super layers, each represented by the
// wires of its priority layer. Numbers: BASF2 CDC geometry, section 7.1 of the application's specification.

#include <array>
#include <cstddef>
#include <cstdint>

namespace thimble::neurotrigger {

inline constexpr std::size_t kSuperLayers = 9;
inline constexpr std::size_t kInputs = 3 * kSuperLayers;  // relID, driftT, alpha of every super layer
inline constexpr std::size_t kExperts = 5;
inline constexpr std::size_t kPatternWires = 11;  // of the hit pattern of a super layer
inline constexpr std::size_t kPatternInputs = kInputs + kSuperLayers * kPatternWires;  // with hit patterns

inline constexpr double kFieldConstant = 0.299792458e-2 * 1.5;  // GeV/cm for 1.5 T: curvature = q * this / pT
inline constexpr double kLowestPt = 0.3;                        // GeV, where the 2D finder ends
inline constexpr int kCurvatureCells = 34;                      // of the 2D finder, per charge
inline constexpr int kAzimuthCells = 320;                       // of the 2D finder, full circle
inline constexpr double kDriftVelocity = 4.0e-3;                // cm/ns
inline constexpr double kTimeBin = 2.0 / 1.017774;              // ns
inline constexpr int kLastTimeBin = 256;

struct SuperLayer {
  double radius;      // of the first priority layer at the end plates, cm
  double radius2;     // of the second priority layer, cm
  int wires;          // per layer
  int twist;          // half cells between backward and forward end; 0 = axial
  double z_backward;  // cm
  double z_forward;   // cm
  double low, high;   // relevant range of the reference id, wires
  double scale;       // power of two, so that hardware only shifts
  double offset;      // middle of the range
  constexpr bool stereo() const { return twist != 0; }
};

inline constexpr std::array<SuperLayer, kSuperLayers> kChamber{{
    {19.80, 20.80, 160, 0, -35.540, 67.023, -1.5, 1.5, 0.5, 0.0},
    {29.34, 31.16, 160, 18, -52.719, 98.016, -7.5, -0.5, 0.25, -4.0},
    {40.16, 41.98, 192, 0, -58.602, 133.407, -1.5, 1.5, 0.5, 0.0},
    {51.28, 53.10, 224, -18, -60.7644, 146.264, 0.5, 7.5, 0.25, 4.0},
    {62.00, 63.82, 256, 0, -62.8482, 148.348, -1.5, 1.5, 0.5, 0.0},
    {73.12, 74.94, 288, 19, -65.0097, 150.510, -8.5, 0.5, 0.125, -4.0},
    {83.84, 85.66, 320, 0, -67.0934, 152.593, -2.5, 1.5, 0.5, -0.5},
    {94.96, 96.78, 352, -20, -69.2549, 154.755, -0.5, 10.5, 0.125, 5.0},
    {105.68, 107.50, 384, 0, -71.3387, 156.839, -3.5, 2.5, 0.25, -0.5},
}};

/// Stereo super layer that expert 1, 2, 3, 4 does without; expert 0 has all four.
inline constexpr std::array<int, kExperts> kMissingStereo{-1, 7, 5, 3, 1};

}  // namespace thimble::neurotrigger
