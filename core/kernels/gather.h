#pragma once

#include "core/tensor/tensor.h"

#include <cstdint>
#include <span>

namespace thimble::kernels {

/// Rows `rows` of source [N][width] into the lanes layout: target [ceil(n / 16)][width][16]; padding lanes become zero.
void gather_lanes(const float* source, std::int64_t width, std::span<const std::int64_t> rows, float* target);

/// A lanes tensor [B, ...] into a rows tensor of the same shape and type.
void scatter_rows(const Tensor& lanes, const Tensor& rows);

}  // namespace thimble::kernels
