// The wavelet chain with sixteen windows in the lanes. Compiled once per instruction set (core/CMakeLists.txt).
//
// Both filters of a level share every load of the input. Blocks of outputs (forward, input gradient) or of taps (filter
// gradient) keep their sums in registers: 16 to 24 of 32 with AVX-512. The order in which one number is summed does not
// depend on the size of blocks, so both instruction sets give the same bits; products with padding zeros are left out,
// which changes no sum.

#include "core/kernels/isa/wavelet.h"

#include "core/kernels/isa/bits16.h"

namespace thimble::kernels::THIMBLE_ISA {
namespace {

constexpr i64 kV = 16;
#ifdef __AVX512F__
constexpr int kOutputs = 8, kTaps = 10, kPairs = 6;
#else
constexpr int kOutputs = 2, kTaps = 2, kPairs = 2;
#endif
static_assert(kPairs <= kWaveletMargin);

inline i64 larger(i64 a, i64 b) {
  return a > b ? a : b;
}
inline i64 smaller(i64 a, i64 b) {
  return a < b ? a : b;
}
inline i64 divided_up(i64 a, i64 b) {  // b > 0
  return a > 0 ? (a + b - 1) / b : -(-a / b);
}

/// y >= 0 ? y : slope * y, slope in [-1, 0).
inline Vec fold(Vec y, Vec slope) {
  return max(y * slope, y);
}

/// The sum of folded values: four running sums, or on a grid their high and low parts, each exact in float.
struct Pool {
  Vec part[4];
};

inline void add_to(Pool& pool, i64 position, Vec v, bool grid, Vec split) {
  if (grid) {
    const Vec high = (v + split) - split;
    pool.part[0] = pool.part[0] + high;
    pool.part[1] = pool.part[1] + (v - high);
  } else {
    Vec& part = pool.part[position & 3];
    part = part + v;
  }
}

inline double nearest_even(double v) {  // |v| < 2^51
  constexpr double kMagic = 6755399441055744.0;
  return (v + kMagic) - kMagic;
}

inline Vec to_grid(Vec v, Vec inverse_step, Vec step, Vec limit) {
  return min(limit, max(zero() - limit, round_even(v * inverse_step) * step));
}

/// Length of a bin, or the power of two next to it in the logarithm.
inline float divisor_of(i64 length, bool bitshift) {
  if (!bitshift) return static_cast<float>(length);
  i64 power = 1;
  while (power * 2 <= length) power *= 2;
  return static_cast<float>(length * length > 2 * power * power ? 2 * power : power);
}

/// The feature of a pool into its column; on a grid also which lanes did not saturate.
void put_feature(const WaveletGroup& g, i64 column, const Pool& pool, float divisor) {
  float* out = g.features + column * kV;
  if (!g.grid) {
    store(out, ((pool.part[0] + pool.part[1]) + (pool.part[2] + pool.part[3])) / set1(divisor));
    return;
  }
  alignas(64) float high[kV], low[kV];
  store(high, pool.part[0]);
  store(low, pool.part[1]);
  const auto limit = static_cast<double>(g.grid_limit), step = static_cast<double>(g.grid_step);
  Flags open = 0;
  for (i64 k = 0; k < kV; ++k) {
    const double mean = (static_cast<double>(high[k]) + static_cast<double>(low[k])) / static_cast<double>(divisor);
    const double q = nearest_even((mean < limit ? mean : limit) / step) * step;
    out[k] = static_cast<float>(q);
    open = static_cast<Flags>(open | (mean <= limit ? 1u << k : 0u));
  }
  g.open[column] = open;
}

/// Bins of folded values that lie in memory.
void pool_bins(const WaveletGroup& g, const WaveletLevelLanes& level, const float* values, i64 bins, i64 column) {
  const Vec slope = set1(level.slope), split = set1(level.split);
  for (i64 bin = 0; bin < bins; ++bin) {
    const i64 first = bin * level.out / bins, end = ((bin + 1) * level.out + bins - 1) / bins;
    Pool pool{{zero(), zero(), zero(), zero()}};
    for (i64 o = first; o < end; ++o) add_to(pool, o - first, fold(load(values + o * kV), slope), g.grid, split);
    put_feature(g, column + bin, pool, divisor_of(end - first, level.bitshift));
  }
}

/// Outputs o .. o+B-1 of both filters. S: the stride, 0 when it is not known before.
template <int B, int S>
inline void correlate(const WaveletGroup& g, const WaveletLevelLanes& level, float* pass, bool rounds, bool keep, i64 o,
                      Pool& pool) {
  const i64 stride = S > 0 ? S : level.stride;
  const float* x = level.x + o * stride * kV;
  // Taps before the first and behind the last sample only meet zeros.
  const i64 first = larger(0, level.before - (o + B - 1) * stride);
  const i64 end = smaller(level.taps, level.before + level.in - o * stride);
  Vec f[B], p[B];
  for (int b = 0; b < B; ++b) f[b] = p[b] = zero();
  for (i64 k = first; k < end; ++k) {
    const Vec wf = set1(level.filters[2 * k]), wp = set1(level.filters[2 * k + 1]);
    for (int b = 0; b < B; ++b) {
      const Vec v = load(x + (b * stride + k) * kV);
      f[b] = fma(v, wf, f[b]);
      p[b] = fma(v, wp, p[b]);
    }
  }
  if (keep)
    for (int b = 0; b < B; ++b) level.positive[o + b] = positive(f[b]);
  if (level.features == 1) {
    const Vec slope = set1(level.slope), split = set1(level.split);
    for (int b = 0; b < B; ++b) add_to(pool, o + b, fold(f[b], slope), g.grid, split);
  } else {
    for (int b = 0; b < B; ++b) store(level.folded + (o + b) * kV, f[b]);
  }
  if (rounds) {
    const Vec step = set1(g.grid_step), inverse = set1(1.0f / g.grid_step), limit = set1(g.grid_limit);
    for (int b = 0; b < B; ++b) {
      if (keep) level.alive[o + b] = within(p[b], limit);
      p[b] = to_grid(p[b], inverse, step, limit);
    }
  }
  for (int b = 0; b < B; ++b) store(pass + (o + b) * kV, p[b]);
}

template <int S>
void correlate_all(const WaveletGroup& g, const WaveletLevelLanes& level, float* pass, bool rounds, bool keep,
                   Pool& pool) {
  i64 o = 0;
  for (; o + kOutputs <= level.out; o += kOutputs) correlate<kOutputs, S>(g, level, pass, rounds, keep, o, pool);
  if constexpr (kOutputs > 4)
    if (o + 4 <= level.out) correlate<4, S>(g, level, pass, rounds, keep, o, pool), o += 4;
  if constexpr (kOutputs > 2)
    if (o + 2 <= level.out) correlate<2, S>(g, level, pass, rounds, keep, o, pool), o += 2;
  if (o < level.out) correlate<1, S>(g, level, pass, rounds, keep, o, pool);
}

/// Drops pass outputs of level l: eight positions per counter.
void drop(const WaveletGroup& g, const WaveletLevelLanes& level, i64 l, float* pass, bool rounded, bool keep) {
  const LaneDraws draws{g.key, g.step, g.window};
  const Vec scale = set1(g.scale);
  Halves even[4], odd[4];
  for (i64 o = 0; o < level.out; o += 8) {
    draws.words((static_cast<unsigned>(l) << 26) | static_cast<unsigned>(o / 8), even, odd);
    Flags kept[8];
    for (int k = 0; k < 4; ++k) not_below(even[k], odd[k], g.threshold, kept[2 * k], kept[2 * k + 1]);
    const i64 count = smaller(8, level.out - o);
    for (i64 k = 0; k < count; ++k) {
      float* p = pass + (o + k) * kV;
      store(p, select(kept[k], load(p) * scale, zero()));
      if (keep) level.alive[o + k] = static_cast<Flags>(rounded ? level.alive[o + k] & kept[k] : kept[k]);
    }
  }
}

// ---- gradient
// -------------------------------------------------------------------------------------------------------

/// d_out of a feature column over its divisor, zero where the feature saturates.
inline Vec share_of(const WaveletGroup& g, i64 column, float divisor) {
  const Vec d = load(g.d_features + column * kV) / set1(divisor);
  return g.grid ? select(g.open[column], d, zero()) : d;
}

/// Gradient of the feature outputs of a level, with zeros around.
void spread(const WaveletGroup& g, const WaveletLevelLanes& level, i64 column) {
  const Vec slope = set1(level.slope);
  if (level.features == 1) {
    const Vec up = share_of(g, column, divisor_of(level.out, level.bitshift)), down = up * slope;
    for (i64 o = 0; o < level.out; ++o) store(g.df + o * kV, select(level.positive[o], up, down));
    return;
  }
  for (i64 o = 0; o < level.out; ++o) store(g.df + o * kV, zero());
  for (i64 bin = 0; bin < level.features; ++bin) {
    const i64 first = bin * level.out / level.features;
    const i64 end = ((bin + 1) * level.out + level.features - 1) / level.features;
    const Vec each = share_of(g, column + bin, divisor_of(end - first, level.bitshift));
    for (i64 o = first; o < end; ++o) store(g.df + o * kV, load(g.df + o * kV) + each);
  }
  for (i64 o = 0; o < level.out; ++o) {
    const Vec d = load(g.df + o * kV);
    store(g.df + o * kV, select(level.positive[o], d, d * slope));
  }
}

inline void clear_around(float* d, i64 length) {
  for (i64 k = 1; k <= kWaveletMargin; ++k) store(d - k * kV, zero());
  for (i64 k = 0; k < kWaveletMargin; ++k) store(d + (length + k) * kV, zero());
}

/// Adds to the sums of taps t .. t+N-1 of both filters.
template <int N>
inline void filter_block(const WaveletGroup& g, const WaveletLevelLanes& level, i64 t) {
  float* sums = level.sums + 2 * t * kV;
  Vec f[N], p[N];
  for (int n = 0; n < N; ++n) {
    f[n] = load(sums + 2 * n * kV);
    p[n] = load(sums + (2 * n + 1) * kV);
  }
  const i64 stride = level.stride;
  const i64 first = larger(0, divided_up(level.before - (t + N - 1), stride));
  const i64 end = smaller(level.out, divided_up(level.before + level.in - t, stride));
  const float* x = level.x + (first * stride + t) * kV;
  for (i64 o = first; o < end; ++o, x += stride * kV) {
    const Vec df = load(g.df + o * kV), dp = load(g.dp + o * kV);
    for (int n = 0; n < N; ++n) {
      const Vec v = load(x + n * kV);
      f[n] = fma(df, v, f[n]);
      p[n] = fma(dp, v, p[n]);
    }
  }
  for (int n = 0; n < N; ++n) {
    store(sums + 2 * n * kV, f[n]);
    store(sums + (2 * n + 1) * kV, p[n]);
  }
}

void filter_gradient(const WaveletGroup& g, const WaveletLevelLanes& level) {
  i64 t = 0;
  for (; t + kTaps <= level.taps; t += kTaps) filter_block<kTaps>(g, level, t);
  if constexpr (kTaps > 4)
    for (; t + 4 <= level.taps; t += 4) filter_block<4>(g, level, t);
  if constexpr (kTaps > 2)
    for (; t + 2 <= level.taps; t += 2) filter_block<2>(g, level, t);
  for (; t < level.taps; ++t) filter_block<1>(g, level, t);
}

/// Input gradient at padded positions stride * (m + b) + r + (0 .. R-1), b < M.
template <int M, int R>
inline void input_block(const WaveletGroup& g, const WaveletLevelLanes& level, i64 m, i64 r) {
  const i64 stride = level.stride, rounds = (level.taps + stride - 1) / stride;
  const i64 first = larger(0, m - level.out + 1), end = smaller(rounds, m + M);
  const float* w = level.filters + 2 * r;
  Vec d[R][M];
  for (int k = 0; k < R; ++k)
    for (int b = 0; b < M; ++b) d[k][b] = zero();
  for (i64 q = first; q < end; ++q) {
    Vec wf[R], wp[R];
    for (int k = 0; k < R; ++k) {
      wf[k] = set1(w[2 * (q * stride + k)]);
      wp[k] = set1(w[2 * (q * stride + k) + 1]);
    }
    for (int b = 0; b < M; ++b) {
      const Vec df = load(g.df + (m + b - q) * kV);
      for (int k = 0; k < R; ++k) d[k][b] = fma(df, wf[k], d[k][b]);
    }
    for (int b = 0; b < M; ++b) {
      const Vec dp = load(g.dp + (m + b - q) * kV);
      for (int k = 0; k < R; ++k) d[k][b] = fma(dp, wp[k], d[k][b]);
    }
  }
  for (int b = 0; b < M; ++b)
    for (int k = 0; k < R; ++k) {
      const i64 at = (m + b) * stride + r + k - level.before;
      if (at >= 0 && at < level.in) store(g.dn + at * kV, d[k][b]);
    }
}

template <int M>
inline void input_blocks(const WaveletGroup& g, const WaveletLevelLanes& level, i64 m) {
  i64 r = 0;
  for (; r + 2 <= level.stride; r += 2) input_block<M, 2>(g, level, m, r);
  if (r < level.stride) input_block<M, 1>(g, level, m, r);
}

void input_gradient(const WaveletGroup& g, const WaveletLevelLanes& level) {
  i64 m = level.before / level.stride;
  const i64 end = (level.before + level.in - 1) / level.stride + 1;
  for (; m + kPairs <= end; m += kPairs) input_blocks<kPairs>(g, level, m);
  for (; m < end; ++m) input_blocks<1>(g, level, m);
}

}  // namespace

void wavelet_input(const WaveletGroup& g) {
  if (!g.round_input) return;
  const WaveletLevelLanes& level = g.levels[0];
  const Vec step = set1(g.grid_step), inverse = set1(1.0f / g.grid_step), limit = set1(g.grid_limit);
  for (i64 t = level.before; t < level.before + level.in; ++t)
    store(level.x + t * kV, to_grid(load(level.x + t * kV), inverse, step, limit));
}

void wavelet_forward(const WaveletGroup& g, bool keep) {
  i64 column = 0;
  for (i64 l = 0; l < g.count; ++l) {
    const WaveletLevelLanes& level = g.levels[l];
    const bool last = l + 1 == g.count, rounds = g.grid && !last;
    float* pass = last ? g.last : g.levels[l + 1].x + g.levels[l + 1].before * kV;
    Pool pool{{zero(), zero(), zero(), zero()}};
    if (level.stride == 2)
      correlate_all<2>(g, level, pass, rounds, keep, pool);
    else
      correlate_all<0>(g, level, pass, rounds, keep, pool);
    if (level.features == 1)
      put_feature(g, column, pool, divisor_of(level.out, level.bitshift));
    else
      pool_bins(g, level, level.folded, level.features, column);
    column += level.features;
    if (g.dropout) drop(g, level, l, pass, rounds, keep);
  }
  pool_bins(g, g.levels[g.count - 1], g.last, 1, column);
}

void wavelet_backward(const WaveletGroup& group) {
  WaveletGroup g = group;  // dp and dn change places
  const WaveletLevelLanes& final_level = g.levels[g.count - 1];
  i64 column = 0;
  for (i64 l = 0; l < g.count; ++l) column += g.levels[l].features;
  const Vec up = share_of(g, column, divisor_of(final_level.out, final_level.bitshift));
  const Vec down = up * set1(final_level.slope), scale = set1(g.scale);
  for (i64 o = 0; o < final_level.out; ++o) {
    Vec d = select(positive(load(g.last + o * kV)), up, down);
    if (g.dropout) d = select(final_level.alive[o], d * scale, zero());
    store(g.dp + o * kV, d);
  }
  for (i64 l = g.count - 1; l >= 0; --l) {
    const WaveletLevelLanes& level = g.levels[l];
    column -= level.features;
    spread(g, level, column);
    clear_around(g.df, level.out);
    clear_around(g.dp, level.out);
    filter_gradient(g, level);
    if (l == 0) {
      if (g.d_input == nullptr) return;
      g.dn = g.d_input;
    }
    input_gradient(g, level);
    float* d = g.dn;
    g.dn = g.dp;
    g.dp = d;
    if (l > 0 && (g.dropout || g.grid))
      for (i64 o = 0; o < level.in; ++o)
        store(d + o * kV, select(g.levels[l - 1].alive[o], load(d + o * kV) * scale, zero()));
  }
}

void lane_totals(const float* lanes, i64 n, float* sums) {
  for (i64 k = 0; k < n; k += 16) {
    Vec rows[16];
    for (i64 r = 0; r < 16; ++r) rows[r] = load(lanes + (k + r) * kV);
    store(sums + k, lane_sums(rows));
  }
}

}  // namespace thimble::kernels::THIMBLE_ISA
