#include "nn/search/sobol.h"

#include "core/base/error.h"

#include <boost/random/sobol.hpp>

#include <vector>

namespace thimble::nn::search {

linalg::Points sobol_points(std::size_t count, std::size_t dims, const std::optional<Stream>& shift,
                            std::uint64_t step) {
  THIMBLE_CHECK(dims > 0 && dims <= boost::random::default_sobol_table::max_dimension, value,
                "Sobol points have 1 to 3667 coordinates, not ", dims);
  std::vector<std::uint64_t> masks(dims, 0);
  for (std::size_t k = 0; k < dims && shift; ++k) masks[k] = shift->bits64(step, k);
  boost::random::sobol sequence(dims);  // begins behind the origin
  linalg::Points points;
  points.dims = dims;
  points.values.reserve(count * dims);
  for (std::size_t i = 0; i < count * dims; ++i) {
    const std::uint64_t bits = (i < dims ? 0 : sequence()) ^ masks[i % dims];
    points.values.push_back(static_cast<double>(bits >> 11) * 0x1p-53);
  }
  return points;
}

}  // namespace thimble::nn::search
