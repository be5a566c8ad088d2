#pragma once

#include "core/tensor/tensor.h"

namespace thimble::kernels {

/// Where a result goes and whether it is written or added (as the beta of a BLAS call). Null: nobody wants it.
struct Into {
  const Tensor* tensor = nullptr;
  bool add = false;
  explicit operator bool() const { return tensor != nullptr; }
};

/// Samples per block of work. Sums over the batch are formed per block and added in block order, for any thread count.
inline constexpr std::int64_t kBlockRows = 512;
constexpr std::int64_t row_blocks(std::int64_t rows) {
  return (rows + kBlockRows - 1) / kBlockRows;
}
/// Multiply-adds below which waking other threads costs more than it gains.
inline constexpr std::int64_t kParallelWork = 1'000'000;

}  // namespace thimble::kernels
