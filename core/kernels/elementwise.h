#pragma once
// Loops over all stored elements, the same for both layouts (padding lanes take part and are never read).

#include "core/kernels/activation.h"
#include "core/kernels/into.h"

namespace thimble::kernels {

void activate(const Tensor& x, Activation act, const Tensor& y);
/// dx = dy * act'(x, y).
void activate_backward(const Tensor& dy, const Tensor& x, const Tensor& y, Activation act, Into dx);

void add(const Tensor& a, const Tensor& b, const Tensor& y);
void sub(const Tensor& a, const Tensor& b, const Tensor& y);
void mul(const Tensor& a, const Tensor& b, const Tensor& y);
/// y (=, +=) factor * x.
void scale(const Tensor& x, double factor, Into y);
/// y (=, +=) a * b.
void mul_into(const Tensor& a, const Tensor& b, Into y);
/// y (=, +=) factor * a * b.
void mul_scaled(const Tensor& a, const Tensor& b, double factor, Into y);

}  // namespace thimble::kernels
