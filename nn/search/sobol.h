#pragma once
// Points that fill the unit cube evenly: the sequence of Sobol with the direction numbers of Joe and Kuo (2008).

#include "core/linalg/gp.h"
#include "core/random/philox.h"

#include <cstddef>
#include <optional>

namespace thimble::nn::search {

/// The first `count` points of the sequence, the origin among them. With `shift` every coordinate is shifted digit by
/// digit (exclusive or with random bits of that stream at step `step`), which keeps the evenness and moves the origin
/// away from the corner. Throws Error(value) beyond 3667 dimensions.
linalg::Points sobol_points(std::size_t count, std::size_t dims, const std::optional<Stream>& shift = {},
                            std::uint64_t step = 0);

}  // namespace thimble::nn::search
