#pragma once
// Labels of a day.

#include "core/tensor/tensor.h"

namespace thimble::fenet {

/// Per column of [B, D] f32 or f64, computed in double: the smallest value is taken away; if anything is left, the
/// largest becomes 1 and the smallest -1, else the column is 0. Same type as the input.
Tensor normalise_labels(const Tensor& labels);

}  // namespace thimble::fenet
