#pragma once
// Charts of the labels.

#include "apps/fenet/data/session.h"
#include "apps/fenet/look/look.h"

namespace thimble::fenet {

inline constexpr int kMostDecimals = 19;

/// How many different values there are among the labels of an axis when rounded to 0, 1, ..., 19 decimals.
std::vector<std::int64_t> distinct_values(const Tensor& labels, std::int64_t axis);

/// Distinct values per number of decimals, and the labels in 30 x 30 bins, of all days together.
Look data_look(const std::vector<Day>& days);

}  // namespace thimble::fenet
