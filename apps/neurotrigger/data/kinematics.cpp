#include "apps/neurotrigger/data/kinematics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::neurotrigger {
namespace {

/// Curvatures that one hit allows: of the first and of the second priority layer.
using Allowed = std::array<double, 2>;

double disagreement(const std::vector<Allowed>& hits, double curvature) {
  double sum = 0;
  for (const Allowed& hit : hits) sum += std::min(std::abs(hit[0] - curvature), std::abs(hit[1] - curvature));
  return sum;
}

}  // namespace

bool has_hit(const float* inputs, std::size_t s) {
  const float* hit = inputs + 3 * s;
  return hit[0] != 0.0f || hit[1] != 0.0f || hit[2] != 0.0f;
}

unsigned layers_hit(const float* inputs) {
  unsigned pattern = 0;
  for (std::size_t s = 0; s < kSuperLayers; ++s)
    if (has_hit(inputs, s)) pattern |= 1u << s;
  return pattern;
}

double curvature_of(const float* inputs) {
  std::vector<Allowed> hits;
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    if (!has_hit(inputs, s)) continue;
    const double bend = 2.0 * std::sin(2.0 * static_cast<double>(inputs[3 * s + 2]));
    hits.push_back({bend / kChamber[s].radius, bend / kChamber[s].radius2});
  }
  double best = 0, least = std::numeric_limits<double>::infinity();
  for (const Allowed& hit : hits)
    for (const double candidate : hit) {
      const double sum = disagreement(hits, candidate);
      if (sum < least) least = sum, best = candidate;
    }
  return best;
}

double transverse_momentum(double curvature) {
  return curvature == 0.0 ? std::numeric_limits<double>::infinity() : kFieldConstant / std::abs(curvature);
}

int expert_of_stereo(unsigned pattern) {
  int expert = 0, missing = 0;
  for (std::size_t e = 1; e < kExperts; ++e)
    if ((pattern >> static_cast<unsigned>(kMissingStereo[e]) & 1u) == 0) expert = static_cast<int>(e), ++missing;
  return missing > 1 ? -1 : expert;
}

unsigned stereo_of_expert(int expert) {
  unsigned pattern = 0;
  for (std::size_t s = 0; s < kSuperLayers; ++s)
    if (kChamber[s].stereo()) pattern |= 1u << s;
  const int missing = expert < 0 ? -1 : kMissingStereo.at(static_cast<std::size_t>(expert));
  return missing < 0 ? pattern : pattern & ~(1u << static_cast<unsigned>(missing));
}

std::vector<double> transverse_momenta(const Dataset& data) {
  std::vector<double> out;
  for (std::int64_t row = 0; row < data.rows(); ++row)
    out.push_back(transverse_momentum(curvature_of(data.inputs.data<float>() + row * data.inputs.size(1))));
  return out;
}

}  // namespace thimble::neurotrigger
