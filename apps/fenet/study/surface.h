#pragma once
// Loss around a point in the space of weights.

#include "core/tensor/tensor.h"

#include "apps/fenet/data/session.h"
#include "apps/fenet/model/architecture.h"
#include "apps/fenet/settings.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

/// A random direction: normal numbers, every filter scaled to the norm of the network's filter.
std::vector<Tensor> filter_direction(const std::vector<Tensor>& weights, std::uint64_t seed, const std::string& name);

/// Training loss (no dropout, PLS and decoder fitted at every point) at weights + a u + b v.
struct Surface {
  std::string name;
  double reach = 1;
  std::int64_t grid = 0;       // points per side, odd: the middle one is the network itself
  std::vector<double> losses;  // row by row along v
  double at(std::int64_t u, std::int64_t v) const { return losses[static_cast<std::size_t>(v * grid + u)]; }
  double centre() const { return at(grid / 2, grid / 2); }
  /// Mean over both directions of the second difference of the loss at the centre.
  double curvature() const;
};
Surface loss_surface(const std::string& name, const Settings& settings, const Architecture& architecture,
                     const std::vector<Tensor>& weights, const Session& session, std::int64_t grid, double reach);

}  // namespace thimble::fenet
