#pragma once
// Maxima of smooth functions between bounds, and the parameters of a Gaussian process that fit its data best. By L-BFGS
// of NLopt; the same bits in every run.

#include "core/linalg/gp.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace thimble::nn::search {

struct Maximum {
  std::vector<double> at;
  double value = 0;
  std::size_t evaluations = 0;
};

/// Value at a point; writes the derivatives. May be minus infinity or NaN where it does not exist.
using Smooth = std::function<double(std::span<const double> at, std::span<double> gradient)>;

/// Climbs from `start` (moved between the bounds first), at most `evaluations` times asked. Returns the best point
/// seen. What `function` throws comes through.
Maximum climb(const Smooth& function, std::vector<double> start, const std::vector<double>& lower,
              const std::vector<double>& upper, std::size_t evaluations = 200);

struct GpFit {
  linalg::GpParameters parameters;
  double objective = 0;
  std::size_t evaluations = 0;  // of the objective with its gradient, all starts
};

/// Parameters with the greatest objective (linalg::gp_objective) out of `starts` climbs: the first from settings.start,
/// the others from random places around it. Same seed, same bits.
GpFit fit_gp(const linalg::Points& x, std::span<const double> y, const linalg::GpSettings& settings,
             std::size_t starts = 5, std::uint64_t seed = 1);

}  // namespace thimble::nn::search
