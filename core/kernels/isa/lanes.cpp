// Kernels of the lanes layout. Compiled once per instruction set (core/CMakeLists.txt).
//
// Register blocking: an accumulator per (output, group) or (output, input) pair, loads and broadcasts shared between
// them, so that the multiply-adds and not the loads set the speed (two loads per cycle, see bench/README.md).

#include "core/kernels/isa/columns.h"
#include "core/kernels/isa/table.h"
#include "core/kernels/isa/vec16.h"
#include "core/kernels/isa/wavelet.h"

namespace thimble::kernels::THIMBLE_ISA {
namespace {

constexpr i64 kVec = 16;

template <Act act>
inline Vec apply(Vec x, Vec slope) {
  if constexpr (act == Act::tanh) return tanh(x);
  if constexpr (act == Act::tanh_half) return tanh(x * set1(0.5f));
  if constexpr (act == Act::softsign) return x / (set1(1.0f) + abs(x));
  if constexpr (act == Act::relu) return max(zero(), x);
  if constexpr (act == Act::sigmoid) return fma(tanh(x * set1(0.5f)), set1(0.5f), set1(0.5f));
  if constexpr (act == Act::leaky_relu) return where_positive(x, x, x * slope);
  if constexpr (act == Act::selu) {
    const Vec negative = set1(1.7580993408473766f) * (exp(min(zero(), x)) - set1(1.0f));
    return where_positive(x, x * set1(1.0507009873554805f), negative);
  }
  if constexpr (act == Act::hard_sigmoid) return min(set1(1.0f), max(zero(), fma(x, set1(0.5f), set1(0.5f))));
  return x;
}

template <Act act>
inline Vec slope_at(Vec x, Vec y, Vec slope) {
  const Vec one = set1(1.0f);
  if constexpr (act == Act::tanh) return fnma(y, y, one);
  if constexpr (act == Act::tanh_half) return set1(0.5f) * fnma(y, y, one);
  if constexpr (act == Act::softsign) {
    const Vec d = one - abs(y);
    return d * d;
  }
  if constexpr (act == Act::relu) return where_positive(y, one, zero());
  if constexpr (act == Act::sigmoid) return y * (one - y);
  if constexpr (act == Act::leaky_relu) return where_positive(x, one, slope);
  if constexpr (act == Act::selu) return where_positive(y, set1(1.0507009873554805f), y + set1(1.7580993408473766f));
  if constexpr (act == Act::hard_sigmoid) return where_positive(y, where_less(y, one, set1(0.5f), zero()), zero());
  return one;
}

/// Calls body with the activation as a compile-time constant.
template <class Body>
inline void with_act(Act act, Body&& body) {
  switch (act) {
    case Act::none:
      return body.template operator()<Act::none>();
    case Act::tanh:
      return body.template operator()<Act::tanh>();
    case Act::tanh_half:
      return body.template operator()<Act::tanh_half>();
    case Act::softsign:
      return body.template operator()<Act::softsign>();
    case Act::relu:
      return body.template operator()<Act::relu>();
    case Act::sigmoid:
      return body.template operator()<Act::sigmoid>();
    case Act::leaky_relu:
      return body.template operator()<Act::leaky_relu>();
    case Act::selu:
      return body.template operator()<Act::selu>();
    case Act::hard_sigmoid:
      return body.template operator()<Act::hard_sigmoid>();
  }
}

void activate(const float* x, float* y, i64 n, Act act, float slope) {
  const Vec s = set1(slope);
  with_act(act, [&]<Act kind>() {
    i64 k = 0;
    for (; k + kVec <= n; k += kVec) store(y + k, apply<kind>(load(x + k), s));
    if (k < n) store_first(y + k, apply<kind>(load_first(x + k, n - k), s), n - k);
  });
}

void activate_gradient(const float* dy, const float* x, const float* y, float* dx, i64 n, Act act, float slope,
                       bool add) {
  const Vec s = set1(slope);
  with_act(act, [&]<Act kind>() {
    i64 k = 0;
    for (; k + kVec <= n; k += kVec) {
      const Vec d = load(dy + k) * slope_at<kind>(load(x + k), load(y + k), s);
      store(dx + k, add ? load(dx + k) + d : d);
    }
    if (k < n) {
      const i64 c = n - k;
      const Vec d = load_first(dy + k, c) * slope_at<kind>(load_first(x + k, c), load_first(y + k, c), s);
      store_first(dx + k, add ? load_first(dx + k, c) + d : d, c);
    }
  });
}

// ---- product
// ---------------------------------------------------------------------------------------------------------

/// Outputs o .. o+N-1 of groups g .. g+G-1.
template <int N, int G>
inline void product_block(const LanesProduct& a, i64 o, i64 g) {
  Vec sum[G][N];
  for (int n = 0; n < N; ++n) {
    const Vec start = a.bias != nullptr ? set1(a.bias[o + n]) : zero();
    for (int k = 0; k < G; ++k) sum[k][n] = start;
  }
  const float* x = a.x + g * a.inputs * kVec;
  const float* w = a.w + o * a.stride_out;
  for (i64 i = 0; i < a.inputs; ++i) {
    Vec in[G];
    for (int k = 0; k < G; ++k) in[k] = load(x + (k * a.inputs + i) * kVec);
    for (int n = 0; n < N; ++n) {
      const Vec weight = set1(w[n * a.stride_out + i * a.stride_in]);
      for (int k = 0; k < G; ++k) sum[k][n] = fma(weight, in[k], sum[k][n]);
    }
  }
  for (int k = 0; k < G; ++k)
    for (int n = 0; n < N; ++n) {
      float* out = a.y + ((g + k) * a.outputs + o + n) * kVec;
      store(out, a.add ? load(out) + sum[k][n] : sum[k][n]);
    }
}

template <int G>
inline void product_groups(const LanesProduct& a, i64 g) {
  i64 o = 0;
  for (; o + kOutBlock <= a.outputs; o += kOutBlock) product_block<kOutBlock, G>(a, o, g);
  switch (a.outputs - o) {
    case 1:
      product_block<1, G>(a, o, g);
      break;
    case 2:
      product_block<2, G>(a, o, g);
      break;
    case 3:
      product_block<3, G>(a, o, g);
      break;
    case 4:
      product_block<4, G>(a, o, g);
      break;
    case 5:
      product_block<5, G>(a, o, g);
      break;
    default:
      break;
  }
  // The outputs of these groups lie together and are still in the first-level cache.
  float* y = a.y + g * a.outputs * kVec;
  if (a.act != Act::none) activate(y, y, G * a.outputs * kVec, a.act, a.slope);
}

void product(const LanesProduct& a) {
  i64 g = 0;
  for (; g + kGroupBlock <= a.groups; g += kGroupBlock) product_groups<kGroupBlock>(a, g);
  for (; g < a.groups; ++g) product_groups<1>(a, g);
}

// ---- weight gradient
// -------------------------------------------------------------------------------------------------

/// A 4 x 4 block of weights: lane-wise sums over all groups, then one tree over the lanes of all sixteen.
template <int O, int I>
inline void outer_block(const LanesOuter& a, i64 o, i64 i) {
  Vec sum[16];
  for (Vec& s : sum) s = zero();
  for (i64 g = 0; g < a.groups; ++g) {
    const float* dz = a.dz + (g * a.outputs + o) * kVec;
    const float* x = a.x + (g * a.inputs + i) * kVec;
    Vec in[I];
    for (int k = 0; k < I; ++k) in[k] = load(x + k * kVec);
    for (int n = 0; n < O; ++n) {
      const Vec d = load(dz + n * kVec);
      for (int k = 0; k < I; ++k) sum[n * 4 + k] = fma(d, in[k], sum[n * 4 + k]);
    }
  }
  alignas(64) float total[16];
  store(total, lane_sums(sum));
  for (int n = 0; n < O; ++n)
    for (int k = 0; k < I; ++k) {
      float& dw = a.dw[(o + n) * a.inputs + i + k];
      dw = a.add ? dw + total[n * 4 + k] : total[n * 4 + k];
    }
}

template <int O>
inline void outer_rows(const LanesOuter& a, i64 o) {
  i64 i = 0;
  for (; i + 4 <= a.inputs; i += 4) outer_block<O, 4>(a, o, i);
  switch (a.inputs - i) {
    case 1:
      outer_block<O, 1>(a, o, i);
      break;
    case 2:
      outer_block<O, 2>(a, o, i);
      break;
    case 3:
      outer_block<O, 3>(a, o, i);
      break;
    default:
      break;
  }
}

// A single group has no sums over groups to pay for the tree over lanes. Then the lanes run over the inputs instead: x
// is transposed once and each sample adds dz * x to a row of weights.
constexpr i64 kFewGroups = 2, kFewInputs = 256;

void transpose_block(const float* in, float* out, i64 out_stride, i64 rows);

/// Rows o .. o+O-1 of dw, columns i .. i+16 V-1.
template <int O, int V>
inline void outer_few_block(const LanesOuter& a, const float* samples, i64 padded, i64 o, i64 i) {
  Vec sum[O][V];
  for (int n = 0; n < O; ++n)
    for (int v = 0; v < V; ++v) sum[n][v] = zero();
  for (i64 g = 0; g < a.groups; ++g)
    for (i64 s = 0; s < kVec; ++s) {
      const float* x = samples + (g * kVec + s) * padded + i;
      Vec in[V];
      for (int v = 0; v < V; ++v) in[v] = load(x + v * kVec);
      const float* dz = a.dz + (g * a.outputs + o) * kVec + s;
      for (int n = 0; n < O; ++n) {
        const Vec d = set1(dz[n * kVec]);
        for (int v = 0; v < V; ++v) sum[n][v] = fma(d, in[v], sum[n][v]);
      }
    }
  for (int n = 0; n < O; ++n)
    for (int v = 0; v < V; ++v) {
      const i64 at = i + v * kVec, count = a.inputs - at < kVec ? a.inputs - at : kVec;
      float* dw = a.dw + (o + n) * a.inputs + at;
      store_first(dw, a.add ? load_first(dw, count) + sum[n][v] : sum[n][v], count);
    }
}

template <int O>
inline void outer_few_rows(const LanesOuter& a, const float* samples, i64 padded, i64 o) {
  i64 i = 0;
  for (; i + kVec < a.inputs; i += 2 * kVec) outer_few_block<O, 2>(a, samples, padded, o, i);
  if (i < a.inputs) outer_few_block<O, 1>(a, samples, padded, o, i);
}

void outer_few(const LanesOuter& a) {
  alignas(64) float samples[kFewGroups * kVec * kFewInputs];
  const i64 padded = (a.inputs + kVec - 1) / kVec * kVec;
  for (i64 g = 0; g < a.groups; ++g)
    for (i64 i = 0; i < padded; i += kVec) {
      const i64 rows = a.inputs - i < kVec ? a.inputs - i : kVec;
      transpose_block(a.x + (g * a.inputs + i) * kVec, samples + g * kVec * padded + i, padded, rows);
    }
  constexpr int kRows = kGroupBlock > 1 ? 10 : 5;  // accumulators: 20 of 32 registers, or 10 pairs
  i64 o = 0;
  for (; o + kRows <= a.outputs; o += kRows) outer_few_rows<kRows>(a, samples, padded, o);
  for (; o + 2 <= a.outputs; o += 2) outer_few_rows<2>(a, samples, padded, o);
  if (o < a.outputs) outer_few_rows<1>(a, samples, padded, o);
}

void outer(const LanesOuter& a) {
  if (a.groups <= kFewGroups && a.inputs <= kFewInputs && a.outputs > 1) return outer_few(a);
  i64 o = 0;
  for (; o + 4 <= a.outputs; o += 4) outer_rows<4>(a, o);
  switch (a.outputs - o) {
    case 1:
      outer_rows<1>(a, o);
      break;
    case 2:
      outer_rows<2>(a, o);
      break;
    case 3:
      outer_rows<3>(a, o);
      break;
    default:
      break;
  }
}

void feature_sums(const float* x, float* sums, i64 groups, i64 features, bool add) {
  for (i64 f = 0; f < features; f += 16) {
    const i64 count = features - f < 16 ? features - f : 16;
    Vec sum[16];
    for (Vec& s : sum) s = zero();
    for (i64 g = 0; g < groups; ++g)
      for (i64 k = 0; k < count; ++k) sum[k] = sum[k] + load(x + (g * features + f + k) * kVec);
    const Vec total = lane_sums(sum);
    if (count == kVec)
      store(sums + f, add ? load(sums + f) + total : total);
    else
      store_first(sums + f, add ? load_first(sums + f, count) + total : total, count);
  }
}

// ---- transposition
// ---------------------------------------------------------------------------------------------------

/// out[column] holds that column of the 16 rows.
#ifdef __AVX512F__
inline void transpose16(const Vec* rows, Vec* out) {
  __m512 a[16], b[16];
  for (int k = 0; k < 16; k += 2) {
    b[k] = _mm512_unpacklo_ps(rows[k].v, rows[k + 1].v);
    b[k + 1] = _mm512_unpackhi_ps(rows[k].v, rows[k + 1].v);
  }
  for (int k = 0; k < 16; k += 4)
    for (int h = 0; h < 2; ++h) {
      a[k + 2 * h] = _mm512_shuffle_ps(b[k + h], b[k + 2 + h], 0x44);
      a[k + 2 * h + 1] = _mm512_shuffle_ps(b[k + h], b[k + 2 + h], 0xEE);
    }
  // a[4q + c]: in each 128-bit part p, column 4p + c of rows 4q .. 4q+3
  for (int c = 0; c < 4; ++c) {
    b[c] = _mm512_shuffle_f32x4(a[c], a[4 + c], 0x88);
    b[4 + c] = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0x88);
    b[8 + c] = _mm512_shuffle_f32x4(a[c], a[4 + c], 0xDD);
    b[12 + c] = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0xDD);
  }
  for (int c = 0; c < 4; ++c) {
    out[c].v = _mm512_shuffle_f32x4(b[c], b[4 + c], 0x88);
    out[4 + c].v = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0x88);
    out[8 + c].v = _mm512_shuffle_f32x4(b[c], b[4 + c], 0xDD);
    out[12 + c].v = _mm512_shuffle_f32x4(b[8 + c], b[12 + c], 0xDD);
  }
}
#else
inline void transpose8(const __m256* rows, __m256* out) {
  __m256 a[8], b[8];
  for (int k = 0; k < 8; k += 2) {
    b[k] = _mm256_unpacklo_ps(rows[k], rows[k + 1]);
    b[k + 1] = _mm256_unpackhi_ps(rows[k], rows[k + 1]);
  }
  for (int k = 0; k < 8; k += 4)
    for (int h = 0; h < 2; ++h) {
      a[k + 2 * h] = _mm256_shuffle_ps(b[k + h], b[k + 2 + h], 0x44);
      a[k + 2 * h + 1] = _mm256_shuffle_ps(b[k + h], b[k + 2 + h], 0xEE);
    }
  for (int c = 0; c < 4; ++c) {
    out[c] = _mm256_permute2f128_ps(a[c], a[4 + c], 0x20);
    out[4 + c] = _mm256_permute2f128_ps(a[c], a[4 + c], 0x31);
  }
}
inline void transpose16(const Vec* rows, Vec* out) {
  __m256 quarter[8], turned[8];
  for (int half = 0; half < 2; ++half)      // columns 0..7, 8..15
    for (int part = 0; part < 2; ++part) {  // rows 0..7, 8..15
      for (int k = 0; k < 8; ++k) quarter[k] = half == 0 ? rows[8 * part + k].lo : rows[8 * part + k].hi;
      transpose8(quarter, turned);
      for (int k = 0; k < 8; ++k) (part == 0 ? out[8 * half + k].lo : out[8 * half + k].hi) = turned[k];
    }
}
#endif

/// Part of a lanes group, [count][16], to samples: out[s * stride + k] for k < 16; features beyond `count` become zero.
void transpose_block(const float* in, float* out, i64 stride, i64 count) {
  Vec rows[kVec], columns[kVec];
  for (i64 k = 0; k < kVec; ++k) rows[k] = k < count ? load(in + k * kVec) : zero();
  transpose16(rows, columns);
  for (i64 k = 0; k < kVec; ++k) store(out + k * stride, columns[k]);
}

void transpose_in(const float* const* rows, i64 count, i64 features, float* out) {
  for (i64 f = 0; f < features; f += kVec) {
    const i64 width = features - f < kVec ? features - f : kVec;
    Vec in[kVec], columns[kVec];
    if (width == kVec)
      for (i64 k = 0; k < kVec; ++k) in[k] = k < count ? load(rows[k] + f) : zero();
    else
      for (i64 k = 0; k < kVec; ++k) in[k] = k < count ? load_first(rows[k] + f, width) : zero();
    transpose16(in, columns);
    for (i64 k = 0; k < width; ++k) store(out + (f + k) * kVec, columns[k]);
  }
}

void transpose_out(const float* in, i64 count, i64 features, float* rows, i64 row_stride) {
  for (i64 f = 0; f < features; f += kVec) {
    const i64 width = features - f < kVec ? features - f : kVec;
    alignas(64) float block[kVec * kVec];
    transpose_block(in + f * kVec, block, kVec, width);
    for (i64 k = 0; k < count; ++k) store_first(rows + k * row_stride + f, load(block + k * kVec), width);
  }
}

// ---- loss and optimiser
// ----------------------------------------------------------------------------------------------

/// 1 in the lanes that hold samples, 0 in padding.
inline Vec lane_mask(i64 left) {
  alignas(64) float m[kVec];
  for (i64 k = 0; k < kVec; ++k) m[k] = k < left ? 1.0f : 0.0f;
  return load(m);
}

double squared_error(const float* y, const float* t, const float* weight, i64 samples, i64 features) {
  Vec sum = zero();
  for (i64 g = 0; g * kVec < samples; ++g) {
    const Vec mask = lane_mask(samples - g * kVec);
    for (i64 f = 0; f < features; ++f) {
      const i64 at = (g * features + f) * kVec;
      const Vec e = (load(y + at) - load(t + at)) * mask;
      sum = fma(e * set1(weight[f]), e, sum);
    }
  }
  return static_cast<double>(lane_sum(sum));
}

void squared_error_gradient(const float* y, const float* t, const float* weight, float factor, float* dy, i64 samples,
                            i64 features, bool add) {
  for (i64 g = 0; g * kVec < samples; ++g) {
    const Vec mask = lane_mask(samples - g * kVec) * set1(factor);
    for (i64 f = 0; f < features; ++f) {
      const i64 at = (g * features + f) * kVec;
      const Vec d = (load(y + at) - load(t + at)) * (mask * set1(weight[f]));
      store(dy + at, add ? load(dy + at) + d : d);
    }
  }
}

void adam(float* value, const float* grad, float* m, float* v, i64 n, const AdamArgs& a) {
  const Vec b1 = set1(a.beta1), c1 = set1(1 - a.beta1), b2 = set1(a.beta2), c2 = set1(1 - a.beta2);
  const Vec rate = set1(a.lr * a.correction1), root = set1(a.correction2), eps = set1(a.eps), l2 = set1(a.l2);
  const Vec keep = set1(1.0f - a.decoupled);
  for (i64 k = 0; k < n; k += kVec) {
    const Vec p = load(value + k) * keep;
    const Vec g = fma(l2, p, load(grad + k));
    const Vec mk = fma(c1, g, b1 * load(m + k));
    const Vec vk = fma(c2, g * g, b2 * load(v + k));
    store(m + k, mk);
    store(v + k, vk);
    store(value + k, fnma(rate, mk / fma(sqrt(vk), root, eps), p));
  }
}

}  // namespace

const IsaTable& table() {
  static constexpr IsaTable kTable{
#ifdef __AVX512F__
      "avx512",
#else
      "avx2",
#endif
      product,
      outer,
      activate,
      activate_gradient,
      feature_sums,
      transpose_in,
      transpose_out,
      squared_error,
      squared_error_gradient,
      wavelet_input,
      wavelet_forward,
      wavelet_backward,
      lane_totals,
      products_f32,
      products_f64,
      project_f32,
      project_f64,
      pack_gram_f32,
      pack_gram_f64,
      gram_panel,
      group_map,
      adam};
  return kTable;
}

}  // namespace thimble::kernels::THIMBLE_ISA
