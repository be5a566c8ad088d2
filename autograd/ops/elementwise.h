#pragma once
// Operations element by element; both operands have the same shape, type and layout.

#include "core/kernels/activation.h"

#include "autograd/tape.h"

namespace thimble {

/// y = act(x), dx = dy act'(x). Any shape.
Var activate(const Var& x, Activation act);
/// y = a + b.
Var add(const Var& a, const Var& b);
/// y = a - b.
Var sub(const Var& a, const Var& b);
/// y = a b, da = dy b, db = dy a.
Var mul(const Var& a, const Var& b);
/// y = factor x.
Var scale(const Var& x, double factor);
/// y = x x, dx = 2 x dy.
Var square(const Var& x);

}  // namespace thimble
