#pragma once
// A linear map on fixed-point numbers, as a decoder beside the chip computes it.

#include "core/linalg/least_squares.h"

#include <string>

namespace thimble::fenet {

/// Every number at the nearest value of the format "(wl,fl)", ties to even, ends symmetric. An empty format changes
/// nothing. The result is f64, or x itself.
Tensor quantised(const Tensor& x, const std::string& format);
/// Coefficients and intercept quantised.
linalg::LinearFit quantised(const linalg::LinearFit& fit, const std::string& format);

}  // namespace thimble::fenet
