#include "core/kernels/quant.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"
#include "core/kernels/elementwise.h"
#include "core/kernels/index.h"
#include "core/kernels/linear.h"
#include "core/parallel/blocks.h"
#include "core/tensor/scratch.h"

#include <algorithm>
#include <cmath>

namespace thimble::kernels {
namespace {

template <class F>
void typed(const Tensor& t, const F& f) {
  if (t.dtype() == DType::f32)
    f(float{});
  else
    f(double{});
}

/// Rounding of core/fixed on floating-point numbers. The part behind the point is exact (it needs no more bits than x),
/// so the decision is.
template <class T>
T rounded(T x, fixed::Round mode) {
  const T inner = std::trunc(x), rest = std::abs(x - inner), half = static_cast<T>(0.5);
  const T outer = x < 0 ? inner - 1 : inner + 1;
  const bool negative = x<0, tie = rest == half, beyond = rest> half;
  switch (mode) {
    case fixed::Round::trn:
      return negative && rest > 0 ? outer : inner;
    case fixed::Round::trn_zero:
      return inner;
    case fixed::Round::rnd:
      return beyond || (tie && !negative) ? outer : inner;
    case fixed::Round::rnd_zero:
      return beyond ? outer : inner;
    case fixed::Round::rnd_inf:
      return beyond || tie ? outer : inner;
    case fixed::Round::rnd_min_inf:
      return beyond || (tie && negative) ? outer : inner;
    case fixed::Round::rnd_conv:
      return std::nearbyint(x);
  }
  return inner;
}

/// True if rounding and clamping in T are exact: saturating modes whose range T holds.
template <class T>
bool clamps_in(const QuantSpec& s) {
  constexpr int kDigits = std::is_same_v<T, float> ? 24 : 53;
  const bool clamps = s.overflow == fixed::Overflow::sat || s.overflow == fixed::Overflow::sat_sym;
  return clamps && s.type.w <= kDigits && std::abs(s.type.f) < 100;
}

/// y = quantised x for `count` elements of one format.
template <class T>
void quantise_run(const T* x, T* y, std::int64_t count, const QuantSpec& s) {
  const double step = s.type.step();
  if (!clamps_in<T>(s)) {
    for (std::int64_t i = 0; i < count; ++i)
      y[i] =
          std::isnan(x[i])
              ? x[i]
              : static_cast<T>(
                    static_cast<double>(fixed::convert(static_cast<double>(x[i]), s.type, s.round, s.overflow)) * step);
    return;
  }
  const T scale = static_cast<T>(1 / step), unit = static_cast<T>(step), hi = static_cast<T>(s.type.hi());
  const T lo = static_cast<T>(s.overflow == fixed::Overflow::sat_sym && s.type.s ? -s.type.hi() : s.type.lo());
  for (std::int64_t i = 0; i < count; ++i) {
    const T q = rounded(x[i] * scale, s.round);
    y[i] = (q < lo ? lo : q > hi ? hi : q) * unit;
  }
}

/// body(first, count, spec) for pieces of one format each.
template <class F>
void formats(const Tensor& x, const Tensor& channel_f, const QuantSpec& spec, const F& body) {
  if (!channel_f.defined()) return body(std::int64_t{0}, x.stored(), spec);
  const std::int64_t channels = x.size(0), per_channel = x.numel() / channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    QuantSpec s = spec;
    s.type.f = channel_f.data<std::int32_t>()[c];
    body(c * per_channel, per_channel, s);
  }
}

constexpr std::int64_t kGrain = 4096;

}  // namespace

void fake_quant(const Tensor& x, const Tensor& channel_f, const QuantSpec& spec, const Tensor& y) {
  typed(x, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x.data<T>();
    T* out = y.mut<T>();
    formats(x, channel_f, spec, [&](std::int64_t first, std::int64_t count, const QuantSpec& s) {
      parallel_blocks((count + kGrain - 1) / kGrain,
                      [&](std::int64_t block) {
                        const std::int64_t at = first + block * kGrain;
                        quantise_run(in + at, out + at, std::min(kGrain, first + count - at), s);
                      },
                      count * 8 >= kParallelWork);
    });
  });
}

void fake_quant_backward(const Tensor& dy, const Tensor& x, const Tensor& channel_f, const QuantSpec& spec, Into dx) {
  if (spec.grad == fixed::Grad::pass) return scale(dy, 1, dx);
  THIMBLE_CHECK(spec.grad != fixed::Grad::table, value, "fake_quant: the gradient 'table' belongs to linear_lut");
  typed(x, [&](auto zero) {
    using T = decltype(zero);
    const T *d = dy.data<T>(), *in = x.data<T>();
    T* out = dx.tensor->mut<T>();
    formats(x, channel_f, spec, [&](std::int64_t first, std::int64_t count, const QuantSpec& s) {
      const T hi = static_cast<T>(s.type.value(s.type.hi())), lo = static_cast<T>(s.type.value(s.type.lo()));
      const bool positive = s.grad == fixed::Grad::mask_pos;
      for (std::int64_t i = first; i < first + count; ++i) {
        const bool inside = in[i] <= hi && (positive ? in[i] > 0 : in[i] >= lo);
        const T g = inside ? d[i] : T{0};
        out[i] = dx.add ? out[i] + g : g;
      }
    });
  });
}

namespace {

/// sums[g][o][lane] = b[o] + Σ w x, in double.
template <class T>
void exact_sums(const Tensor& x, const Tensor& w, const Tensor& b, double* sums, std::int64_t first,
                std::int64_t rows) {
  const Samples in(x);
  const std::int64_t outputs = w.size(0), inputs = w.size(1);
  const T *xv = x.data<T>(), *wv = w.data<T>(), *bv = b.defined() ? b.data<T>() : nullptr;
  for (std::int64_t row = 0; row < rows; row += kLanes) {
    const std::int64_t count = std::min(kLanes, rows - row);
    for (std::int64_t o = 0; o < outputs; ++o) {
      double sum[kLanes];
      std::fill_n(sum, kLanes, bv != nullptr ? static_cast<double>(bv[o]) : 0.0);
      for (std::int64_t i = 0; i < inputs; ++i) {
        const double weight = static_cast<double>(wv[o * inputs + i]);
        if (x.layout() == Layout::lanes) {
          const T* lane = xv + in.at(first + row, i);
          for (std::int64_t k = 0; k < kLanes; ++k) sum[k] += weight * static_cast<double>(lane[k]);
        } else {
          for (std::int64_t k = 0; k < count; ++k)
            sum[k] += weight * static_cast<double>(xv[in.at(first + row + k, i)]);
        }
      }
      for (std::int64_t k = 0; k < count; ++k) sums[(row + k) * outputs + o] = sum[k];
    }
  }
}

std::int64_t look_up(double sum, double scale, const std::int32_t* table, std::int64_t last, const LutSpec& s) {
  auto q = static_cast<std::int64_t>(sum * scale);  // exact: sum is a multiple of 1/scale below 2^53
  if (s.has_window) q = fixed::convert(q, s.f_acc, s.window, s.round, s.overflow);
  const std::int64_t index = std::min((q < 0 ? -q : q) >> s.drop, last);
  return q < 0 ? -std::int64_t{table[index]} : std::int64_t{table[index]};
}

}  // namespace

void linear_lut(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& table, const LutSpec& spec,
                const Tensor& y, const Tensor& sums) {
  const Samples out(y);
  const std::int32_t* entries = table.data<std::int32_t>();
  const double scale = std::ldexp(1.0, spec.f_acc), step = std::ldexp(1.0, -spec.f_out);
  typed(x, [&](auto zero) {
    using T = decltype(zero);
    T *yv = y.mut<T>(), *sv = sums.mut<T>();
    if (y.layout() == Layout::lanes) {
      std::fill_n(yv, y.stored(), T{});
      std::fill_n(sv, sums.stored(), T{});
    }
    parallel_blocks(
        row_blocks(out.batch),
        [&](std::int64_t block) {
          const std::int64_t first = block * kBlockRows, rows = std::min(kBlockRows, out.batch - first);
          Scratch<double> exact(rows * out.features);
          exact_sums<T>(x, w, b, exact.data(), first, rows);
          for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t o = 0; o < out.features; ++o) {
              const double s = exact[r * out.features + o];
              const std::int64_t at = out.at(first + r, o);
              sv[at] = static_cast<T>(s);
              const bool number = std::abs(s) * scale < 0x1p62;
              yv[at] =
                  number
                      ? static_cast<T>(static_cast<double>(look_up(s, scale, entries, table.numel() - 1, spec)) * step)
                      : static_cast<T>(s);  // a NaN is not looked up
            }
        },
        out.batch * out.features * w.size(1) >= kParallelWork);
  });
}

void linear_lut_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& sums, const LutSpec& spec,
                         Into dx, Into dw, Into db) {
  const Tensor real = Tensor::empty(sums.shape(), sums.dtype(), sums.layout());
  activate(sums, spec.real, real);
  const Tensor dz = Tensor::empty(sums.shape(), sums.dtype(), sums.layout());
  activate_backward(dy, sums, real, spec.real, {&dz, false});
  linear_backward(dz, x, w, dz, Act::none, dx, dw, db);
}

}  // namespace thimble::kernels
