#include "autograd/ops/elementwise.h"

#include "core/base/error.h"
#include "core/kernels/elementwise.h"

namespace thimble {
namespace {

TensorSpec like(const Var& x) {
  return {x.shape(), x.dtype(), x.layout()};
}

void check_same(const char* op, const Var& a, const Var& b) {
  THIMBLE_CHECK(a.shape() == b.shape() && a.dtype() == b.dtype() && a.layout() == b.layout(), shape, op, ": a ",
                a.shape(), " ", name_of(a.dtype()), " and b ", b.shape(), " ", name_of(b.dtype()), " differ");
}

}  // namespace

Var activate(const Var& x, Activation act) {
  return record(
      "activate", {x}, like(x), [act](const Run& r) { kernels::activate(r.in(0), act, r.out()); },
      [act](const Run& r) { kernels::activate_backward(r.d_out(), r.in(0), r.out(), act, r.d_in(0)); });
}

Var add(const Var& a, const Var& b) {
  check_same("add", a, b);
  return record(
      "add", {a, b}, like(a), [](const Run& r) { kernels::add(r.in(0), r.in(1), r.out()); },
      [](const Run& r) {
        if (const auto da = r.d_in(0)) kernels::scale(r.d_out(), 1, da);
        if (const auto db = r.d_in(1)) kernels::scale(r.d_out(), 1, db);
      });
}

Var sub(const Var& a, const Var& b) {
  check_same("sub", a, b);
  return record(
      "sub", {a, b}, like(a), [](const Run& r) { kernels::sub(r.in(0), r.in(1), r.out()); },
      [](const Run& r) {
        if (const auto da = r.d_in(0)) kernels::scale(r.d_out(), 1, da);
        if (const auto db = r.d_in(1)) kernels::scale(r.d_out(), -1, db);
      });
}

Var mul(const Var& a, const Var& b) {
  check_same("mul", a, b);
  return record(
      "mul", {a, b}, like(a), [](const Run& r) { kernels::mul(r.in(0), r.in(1), r.out()); },
      [](const Run& r) {
        if (const auto da = r.d_in(0)) kernels::mul_into(r.d_out(), r.in(1), da);
        if (const auto db = r.d_in(1)) kernels::mul_into(r.d_out(), r.in(0), db);
      });
}

Var scale(const Var& x, double factor) {
  return record(
      "scale", {x}, like(x),
      [factor](const Run& r) {
        kernels::scale(r.in(0), factor, {&r.out(), false});
      },
      [factor](const Run& r) { kernels::scale(r.d_out(), factor, r.d_in(0)); });
}

Var square(const Var& x) {
  return record(
      "square", {x}, like(x), [](const Run& r) { kernels::mul(r.in(0), r.in(0), r.out()); },
      [](const Run& r) { kernels::mul_scaled(r.in(0), r.d_out(), 2, r.d_in(0)); });
}

}  // namespace thimble
