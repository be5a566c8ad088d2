#include "core/kernels/elementwise.h"

#include "core/base/error.h"
#include "core/kernels/dispatch.h"
#include "core/parallel/blocks.h"

#include <algorithm>

namespace thimble::kernels {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements per block: 64 KiB of floats

/// Calls body(first, count) for pieces of n elements.
template <class F>
void pieces(std::int64_t n, std::int64_t work_per_element, const F& body) {
  parallel_blocks((n + kGrain - 1) / kGrain,
                  [&](std::int64_t block) { body(block * kGrain, std::min(kGrain, n - block * kGrain)); },
                  n * work_per_element >= kParallelWork);
}

/// Calls f(T*) typed by the tensor.
template <class F>
void typed(const Tensor& t, const F& f) {
  if (t.dtype() == DType::f32) return f(float{});
  THIMBLE_CHECK(t.dtype() == DType::f64, dtype, "elementwise: type ", name_of(t.dtype()), ", f32 or f64 is wanted");
  f(double{});
}

template <class F>
void unary(const Tensor& a, Into y, const F& f) {
  typed(a, [&](auto zero) {
    using T = decltype(zero);
    const T* in = a.data<T>();
    T* out = y.tensor->mut<T>();
    pieces(a.stored(), 1, [&](std::int64_t first, std::int64_t count) {
      if (y.add)
        for (std::int64_t i = first; i < first + count; ++i) out[i] += f(in[i]);
      else
        for (std::int64_t i = first; i < first + count; ++i) out[i] = f(in[i]);
    });
  });
}

template <class F>
void binary(const Tensor& a, const Tensor& b, Into y, const F& f) {
  typed(a, [&](auto zero) {
    using T = decltype(zero);
    const T* left = a.data<T>();
    const T* right = b.data<T>();
    T* out = y.tensor->mut<T>();
    pieces(a.stored(), 1, [&](std::int64_t first, std::int64_t count) {
      if (y.add)
        for (std::int64_t i = first; i < first + count; ++i) out[i] += f(left[i], right[i]);
      else
        for (std::int64_t i = first; i < first + count; ++i) out[i] = f(left[i], right[i]);
    });
  });
}

}  // namespace

void activate(const Tensor& x, Activation act, const Tensor& y) {
  if (x.dtype() == DType::f64) {
    return unary(x, {&y, false},
                 [act](auto v) { return static_cast<decltype(v)>(activate(act, static_cast<double>(v))); });
  }
  const float* in = x.data<float>();
  float* out = y.mut<float>();
  pieces(x.stored(), 10, [&](std::int64_t first, std::int64_t count) {
    isa().activate(in + first, out + first, count, act.kind, static_cast<float>(act.slope));
  });
}

void activate_backward(const Tensor& dy, const Tensor& x, const Tensor& y, Activation act, Into dx) {
  if (x.dtype() == DType::f64) {
    const double *d = dy.data<double>(), *in = x.data<double>(), *out = y.data<double>();
    double* result = dx.tensor->mut<double>();
    for (std::int64_t i = 0; i < x.stored(); ++i)
      result[i] = (dx.add ? result[i] : 0.0) + d[i] * activate_gradient(act, in[i], out[i]);
    return;
  }
  const float *d = dy.data<float>(), *in = x.data<float>(), *out = y.data<float>();
  float* result = dx.tensor->mut<float>();
  pieces(x.stored(), 4, [&](std::int64_t first, std::int64_t count) {
    isa().activate_gradient(d + first, in + first, out + first, result + first, count, act.kind,
                            static_cast<float>(act.slope), dx.add);
  });
}

void add(const Tensor& a, const Tensor& b, const Tensor& y) {
  binary(a, b, {&y, false}, [](auto u, auto v) { return u + v; });
}
void sub(const Tensor& a, const Tensor& b, const Tensor& y) {
  binary(a, b, {&y, false}, [](auto u, auto v) { return u - v; });
}
void mul(const Tensor& a, const Tensor& b, const Tensor& y) {
  mul_into(a, b, {&y, false});
}
void scale(const Tensor& x, double factor, Into y) {
  unary(x, y, [factor](auto v) { return static_cast<decltype(v)>(factor) * v; });
}
void mul_into(const Tensor& a, const Tensor& b, Into y) {
  binary(a, b, y, [](auto u, auto v) { return u * v; });
}
void mul_scaled(const Tensor& a, const Tensor& b, double factor, Into y) {
  binary(a, b, y, [factor](auto u, auto v) { return static_cast<decltype(u)>(factor) * u * v; });
}

}  // namespace thimble::kernels
