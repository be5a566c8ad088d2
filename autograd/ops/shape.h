#pragma once
// Operations that move data without computing.

#include "autograd/tape.h"

#include <span>

namespace thimble {

/// The same elements under another shape; a view. In the lanes layout dimension 0 stays.
Var reshape(const Var& x, Shape shape);
/// [B, ...] -> [B, F].
Var flatten(const Var& x);

/// Vectors behind one another.   parts [n_i] -> [sum n_i], at least one part.   Throws Error(shape).
Var concat(std::span<const Var> parts);

}  // namespace thimble
