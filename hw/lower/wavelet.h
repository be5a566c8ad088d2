#pragma once
// The wavelet chain of FENet as the integer graph: correlations, reflection at zero, exact sums, one rounding each.

#include "core/kernels/integer_wavelet.h"

#include "hw/ir/graph.h"

#include <string>

namespace thimble::hw {

/// Graph of one window [samples, 1] -> features. Level k has the tensors feat<k> and pass<k> (sums of products), act<k>
/// (reflected), mean<k> (their sum over the positions), feature<k>, and out<k> (rounded, the next level's input); the
/// final feature takes act_final, mean_final, feature_final from the last level's pass sums. The schedule is `stream`.
/// Throws Error(value) for a chain with means instead of shifts or with several features per level: the chip has
/// neither.
Graph lower_wavelet(const kernels::QuantisedChain& chain, std::int64_t samples, const std::string& name);

}  // namespace thimble::hw
