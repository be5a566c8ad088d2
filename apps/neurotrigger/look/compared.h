#pragma once
// Outputs of a network beside the truth, row by row.

#include "core/tensor/tensor.h"

#include <cstdint>
#include <optional>

namespace thimble::neurotrigger {

/// A number that may not exist (no rows, one row, no old network): null in JSON, "-" in tables.
using Maybe = std::optional<double>;

/// Targets, network outputs and old network outputs of the same rows. `y`, `y_old` have 2 columns, `y_hat` 1 or 2;
/// only the columns of y_hat are compared.
struct Compared {
  Tensor y, y_hat, y_old;
  bool has_old = false;
  std::int64_t rows() const { return y.defined() ? y.size(0) : 0; }
};

}  // namespace thimble::neurotrigger
