#pragma once

#include "autograd/tape.h"

namespace thimble {

/// A small linear map of the features of every channel: y[b, c, a] = sum_n x[b, c, n] w[n, a], or w[c, n, a].
/// x [B, C * N], w [N, A] shared by all channels or [C, N, A] -> y [B, C * A]. With a shared w, N divides the columns.
/// Throws Error(shape), Error(dtype).
Var channel_map(const Var& x, const Var& w);

}  // namespace thimble
