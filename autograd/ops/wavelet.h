#pragma once

#include "core/kernels/wavelet_conv.h"

#include "autograd/tape.h"

namespace thimble {

/// What the operation refers to while it is recorded or replayed: must outlive tape and program.
struct WaveletSettings {
  kernels::WaveletChain chain;
  double dropout = 0;
  kernels::WaveletGrid grid = {};
};

/// Features of all windows by one kernel over all levels; the gradient recomputes the forward pass (a save would be
/// made in inference too).
/// x [..., T] -> [windows, features] with windows = numel / T; `filters` [weights()]: feature taps, then pass taps of
/// every level. `step` addresses the dropout masks; null: nothing is dropped. With a grid, x and filters must lie on
/// theirs.   Throws Error(shape), Error(value).
Var wavelet_features(const Var& x, const Var& filters, const WaveletSettings& settings,
                     const Stream& random = Stream(0), const std::uint64_t* step = nullptr);

}  // namespace thimble
