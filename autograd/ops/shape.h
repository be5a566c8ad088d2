#pragma once
// Operations that move data without computing.

#include "autograd/tape.h"

namespace thimble {

/// The same elements under another shape; a view. In the lanes layout dimension 0 stays.
Var reshape(const Var& x, Shape shape);
/// [B, ...] -> [B, F].
Var flatten(const Var& x);

}  // namespace thimble
