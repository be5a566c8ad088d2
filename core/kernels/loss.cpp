#include "core/kernels/loss.h"

#include "core/base/error.h"
#include "core/kernels/dispatch.h"
#include "core/kernels/index.h"
#include "core/parallel/blocks.h"
#include "core/tensor/scratch.h"

#include <algorithm>
#include <cmath>

namespace thimble::kernels {
namespace {

double value_of(Loss l, double y, double t) {
  const double e = y - t;
  switch (l.kind) {
    case LossKind::mse:
      return e * e;
    case LossKind::mae:
      return std::abs(e);
    case LossKind::huber:
      return std::abs(e) <= l.delta ? e * e / 2 : l.delta * (std::abs(e) - l.delta / 2);
    case LossKind::msle: {
      const double d = std::log1p(y) - std::log1p(t);
      return d * d;
    }
  }
  return 0;
}

double slope_of(Loss l, double y, double t) {
  const double e = y - t;
  const double sign = e > 0 ? 1 : e < 0 ? -1 : e;  // keeps a NaN
  switch (l.kind) {
    case LossKind::mse:
      return 2 * e;
    case LossKind::mae:
      return sign;
    case LossKind::huber:
      return std::abs(e) <= l.delta ? e : l.delta * sign;
    case LossKind::msle:
      return 2 * (std::log1p(y) - std::log1p(t)) / (1 + y);
  }
  return 0;
}

template <class F>
void typed(const Tensor& t, const F& f) {
  if (t.dtype() == DType::f32)
    f(float{});
  else
    f(double{});
}

double scalar(const Tensor& t) {
  return t.dtype() == DType::f32 ? static_cast<double>(*t.data<float>()) : *t.data<double>();
}
void set_scalar(const Tensor& t, double value) {
  if (t.dtype() == DType::f32)
    *t.mut<float>() = static_cast<float>(value);
  else
    *t.mut<double>() = value;
}

/// Sum of block_sum(first row, rows) over blocks of rows, in block order.
template <class F>
double blocked_sum(std::int64_t rows, std::int64_t work_per_row, const F& block_sum) {
  Scratch<double> sums(row_blocks(rows));
  parallel_blocks(
      row_blocks(rows),
      [&](std::int64_t block) {
        const std::int64_t first = block * kBlockRows;
        sums[block] = block_sum(first, std::min(kBlockRows, rows - first));
      },
      rows * work_per_row >= kParallelWork);
  double total = 0;
  for (std::int64_t block = 0; block < row_blocks(rows); ++block) total += sums[block];
  return total;
}

/// Writes or adds f(b, c) into every element.
template <class T, class F>
void fill(Into into, const F& f) {
  const Samples s(*into.tensor);
  T* out = into.tensor->mut<T>();
  if (s.layout == Layout::lanes && !into.add) std::fill_n(out, into.tensor->stored(), T{});  // padding
  for (std::int64_t b = 0; b < s.batch; ++b)
    for (std::int64_t c = 0; c < s.features; ++c) {
      T& target = out[s.at(b, c)];
      const T value = static_cast<T>(f(b, c));
      target = into.add ? target + value : value;
    }
}

bool has_lanes_kernel(const Tensor& y, Loss l) {
  return l.kind == LossKind::mse && y.layout() == Layout::lanes && y.dtype() == DType::f32;
}

}  // namespace

void loss(const Tensor& y, const Tensor& t, const Tensor& weight, Loss l, const Tensor& out) {
  const Samples s(y);
  double total = 0;
  if (has_lanes_kernel(y, l)) {
    const float *yv = y.data<float>(), *tv = t.data<float>(), *wv = weight.data<float>();
    total = blocked_sum(s.batch, s.features, [&](std::int64_t first, std::int64_t rows) {
      return isa().squared_error(yv + first * s.features, tv + first * s.features, wv, rows, s.features);
    });
  } else {
    typed(y, [&](auto zero) {
      using T = decltype(zero);
      const T *yv = y.data<T>(), *tv = t.data<T>(), *wv = weight.data<T>();
      total = blocked_sum(s.batch, 10 * s.features, [&](std::int64_t first, std::int64_t rows) {
        double sum = 0;
        for (std::int64_t b = first; b < first + rows; ++b)
          for (std::int64_t f = 0; f < s.features; ++f)
            sum += static_cast<double>(wv[f]) *
                   value_of(l, static_cast<double>(yv[s.at(b, f)]), static_cast<double>(tv[s.at(b, f)]));
        return sum;
      });
    });
  }
  set_scalar(out, total / static_cast<double>(s.batch * s.features));
}

void loss_backward(const Tensor& d_out, const Tensor& y, const Tensor& t, const Tensor& weight, Loss l, Into dy) {
  const Samples s(y);
  const double factor = scalar(d_out) / static_cast<double>(s.batch * s.features);
  if (has_lanes_kernel(y, l)) {
    const float *yv = y.data<float>(), *tv = t.data<float>(), *wv = weight.data<float>();
    float* out = dy.tensor->mut<float>();
    parallel_blocks(
        row_blocks(s.batch),
        [&](std::int64_t block) {
          const std::int64_t first = block * kBlockRows, at = first * s.features;
          isa().squared_error_gradient(yv + at, tv + at, wv, static_cast<float>(2 * factor), out + at,
                                       std::min(kBlockRows, s.batch - first), s.features, dy.add);
        },
        s.batch * s.features >= kParallelWork);
    return;
  }
  typed(y, [&](auto zero) {
    using T = decltype(zero);
    const T *yv = y.data<T>(), *tv = t.data<T>(), *wv = weight.data<T>();
    fill<T>(dy, [&](std::int64_t b, std::int64_t f) {
      const std::int64_t i = s.at(b, f);
      return factor * static_cast<double>(wv[f]) * slope_of(l, static_cast<double>(yv[i]), static_cast<double>(tv[i]));
    });
  });
}

void sample_losses(const Tensor& y, const Tensor& t, const Tensor& weight, Loss l, const Tensor& out) {
  const Samples s(y);
  typed(y, [&](auto zero) {
    using T = decltype(zero);
    const T *yv = y.data<T>(), *tv = t.data<T>(), *wv = weight.data<T>();
    fill<T>({&out, false}, [&](std::int64_t b, std::int64_t) {
      double sum = 0;
      for (std::int64_t f = 0; f < s.features; ++f)
        sum += static_cast<double>(wv[f]) *
               value_of(l, static_cast<double>(yv[s.at(b, f)]), static_cast<double>(tv[s.at(b, f)]));
      return sum / static_cast<double>(s.features);
    });
  });
}

void sample_losses_backward(const Tensor& d_out, const Tensor& y, const Tensor& t, const Tensor& weight, Loss l,
                            Into dy) {
  const Samples s(y), one(d_out);
  typed(y, [&](auto zero) {
    using T = decltype(zero);
    const T *yv = y.data<T>(), *tv = t.data<T>(), *wv = weight.data<T>(), *d = d_out.data<T>();
    fill<T>(dy, [&](std::int64_t b, std::int64_t f) {
      const std::int64_t i = s.at(b, f);
      return static_cast<double>(d[one.at(b, 0)]) / static_cast<double>(s.features) * static_cast<double>(wv[f]) *
             slope_of(l, static_cast<double>(yv[i]), static_cast<double>(tv[i]));
    });
  });
}

void cross_entropy(const Tensor& y, const Tensor& labels, const Tensor& out) {
  const Samples s(y);
  typed(y, [&](auto zero) {
    using T = decltype(zero);
    const T* yv = y.data<T>();
    const std::int32_t* label = labels.data<std::int32_t>();
    fill<T>({&out, false}, [&](std::int64_t b, std::int64_t) {
      double top = static_cast<double>(yv[s.at(b, 0)]), sum = 0;
      for (std::int64_t c = 1; c < s.features; ++c) top = std::max(static_cast<double>(yv[s.at(b, c)]), top);
      for (std::int64_t c = 0; c < s.features; ++c) sum += std::exp(static_cast<double>(yv[s.at(b, c)]) - top);
      return top + std::log(sum) - static_cast<double>(yv[s.at(b, label[b])]);
    });
  });
}

void cross_entropy_backward(const Tensor& d_out, const Tensor& y, const Tensor& labels, Into dy) {
  const Samples s(y), one(d_out);
  typed(y, [&](auto zero) {
    using T = decltype(zero);
    const T *yv = y.data<T>(), *d = d_out.data<T>();
    const std::int32_t* label = labels.data<std::int32_t>();
    fill<T>(dy, [&](std::int64_t b, std::int64_t f) {
      double top = static_cast<double>(yv[s.at(b, 0)]), sum = 0;
      for (std::int64_t c = 1; c < s.features; ++c) top = std::max(static_cast<double>(yv[s.at(b, c)]), top);
      for (std::int64_t c = 0; c < s.features; ++c) sum += std::exp(static_cast<double>(yv[s.at(b, c)]) - top);
      const double p = std::exp(static_cast<double>(yv[s.at(b, f)]) - top) / sum;
      return static_cast<double>(d[one.at(b, 0)]) * (p - (f == label[b] ? 1 : 0));
    });
  });
}

void weighted_sum(const Tensor& x, const Tensor& weight, double divisor, const Tensor& out) {
  const Samples s(x);
  typed(x, [&](auto zero) {
    using T = decltype(zero);
    const T* xv = x.data<T>();
    const T* wv = weight.defined() ? weight.data<T>() : nullptr;
    set_scalar(out, blocked_sum(s.batch, s.features, [&](std::int64_t first, std::int64_t rows) {
                      double sum = 0;
                      for (std::int64_t b = first; b < first + rows; ++b)
                        for (std::int64_t f = 0; f < s.features; ++f) {
                          const std::int64_t i = s.at(b, f);
                          sum += static_cast<double>(xv[i]) * (wv != nullptr ? static_cast<double>(wv[i]) : 1.0);
                        }
                      return sum;
                    }) / divisor);
  });
}

void weighted_sum_backward(const Tensor& d_out, const Tensor& weight, double divisor, Into dx) {
  const Samples s(*dx.tensor);
  const double factor = scalar(d_out) / divisor;
  typed(d_out, [&](auto zero) {
    using T = decltype(zero);
    const T* wv = weight.defined() ? weight.data<T>() : nullptr;
    fill<T>(dx, [&](std::int64_t b, std::int64_t f) {
      return wv != nullptr ? factor * static_cast<double>(wv[s.at(b, f)]) : factor;
    });
  });
}

}  // namespace thimble::kernels
