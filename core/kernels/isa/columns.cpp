#include "core/kernels/isa/columns.h"

namespace thimble::kernels::THIMBLE_ISA {
namespace {

/// The vector of a number type.
template <class T>
struct Lane;
template <>
struct Lane<float> {
  using Type = Vec;
  static constexpr i64 kWidth = 16;
};
template <>
struct Lane<double> {
  using Type = Vec8;
  static constexpr i64 kWidth = 8;
};

inline i64 at_most(i64 a, i64 b) {
  return a < b ? a : b;
}

template <class T>
typename Lane<T>::Type none();
template <>
inline Vec none<float>() {
  return set1(0.0f);
}
template <>
inline Vec8 none<double>() {
  return set1(0.0);
}

/// The `count` first lanes, which may be none or more than there are.
template <class T>
inline typename Lane<T>::Type load_some(const T* p, i64 count) {
  return load_first(p, count < 0 ? 0 : at_most(count, Lane<T>::kWidth));
}

inline void add_to(double* into, Vec8 a, i64 count) {
  if (count >= 8)
    store(into, load(into) + a);
  else if (count > 0)
    store_first(into, load_first(into, count) + a, count);
}
inline void add_to(double* into, Vec a, i64 count) {
  add_to(into, low_half(a), count);
  add_to(into + 8, high_half(a), count - 8);
}

/// S vectors of columns from j on: their sum, D products with the columns at distance first_near and beyond, Q with
/// responses from first_response on.
template <class T, int S, int D, int Q, bool Shift, bool Whole>
void strip(const ProductsBlock<T>& b, i64 j, i64 first_near, i64 first_response, bool sums) {
  using V = typename Lane<T>::Type;
  constexpr i64 width = Lane<T>::kWidth;
  const RowsBlock<T>& m = b.rows;
  const i64 left = m.columns - j, near = first_near;
  V shift[S], far_shift[S][D == 0 ? 1 : D], sum[S], gram[S][D == 0 ? 1 : D], with_y[S][Q == 0 ? 1 : Q];
  const auto get = [left](const T* p, i64 from) {  // columns j + from ..
    return Whole ? load(p + from) : load_some<T>(p + from, left - from);
  };
  for (int s = 0; s < S; ++s) {
    if constexpr (Shift) shift[s] = get(m.shift + j, s * width);
    sum[s] = none<T>();
    for (int d = 0; d < D; ++d) {
      if constexpr (Shift) far_shift[s][d] = get(m.shift + j, s * width + near + d);
      gram[s][d] = none<T>();
    }
    for (int k = 0; k < Q; ++k) with_y[s][k] = none<T>();
  }
  for (i64 i = 0; i < m.rows; ++i) {
    const T* row = m.x + i * m.stride + j;
    V response[Q == 0 ? 1 : Q];
    for (int k = 0; k < Q; ++k) response[k] = set1(b.y[i * b.responses + first_response + k]);
    for (int s = 0; s < S; ++s) {
      V x = get(row, s * width);
      if constexpr (Shift) x = x - shift[s];
      sum[s] = sum[s] + x;
      for (int d = 0; d < D; ++d) {
        V other = d == 0 && near == 0 ? x : get(row, s * width + near + d);
        if constexpr (Shift) {
          if (d > 0 || near > 0) other = other - far_shift[s][d];
        }
        gram[s][d] = fma(x, other, gram[s][d]);
      }
      for (int k = 0; k < Q; ++k) with_y[s][k] = fma(x, response[k], with_y[s][k]);
    }
  }
  for (int s = 0; s < S; ++s) {
    const i64 at = j + s * width, count = left - s * width;
    if (sums) add_to(b.sums + at, sum[s], count);
    for (int d = 0; d < D; ++d) add_to(b.gram + (near + d) * m.columns + at, gram[s][d], count);
    for (int k = 0; k < Q; ++k) add_to(b.with_y + (first_response + k) * m.columns + at, with_y[s][k], count);
  }
}

/// All columns, four vectors at a time where few products would leave the adders waiting.
template <class T, int D, int Q>
void all_strips(const ProductsBlock<T>& b, i64 near, i64 response, bool sums) {
  constexpr i64 width = Lane<T>::kWidth;
  constexpr int many = D + Q <= 3 ? 4 : 1;
  i64 j = 0;
  for (; j + many * width + near + D <= b.rows.columns; j += many * width) {
    if (b.rows.shift != nullptr)
      strip<T, many, D, Q, true, true>(b, j, near, response, sums);
    else
      strip<T, many, D, Q, false, true>(b, j, near, response, sums);
  }
  for (; j < b.rows.columns; j += width) {
    if (b.rows.shift != nullptr)
      strip<T, 1, D, Q, true, false>(b, j, near, response, sums);
    else
      strip<T, 1, D, Q, false, false>(b, j, near, response, sums);
  }
}

template <class T, int Q>
void first_strips(const ProductsBlock<T>& b, i64 near) {
  switch (near) {
    case 1:
      return all_strips<T, 1, Q>(b, 0, 0, true);
    case 2:
      return all_strips<T, 2, Q>(b, 0, 0, true);
    case 3:
      return all_strips<T, 3, Q>(b, 0, 0, true);
    case 4:
      return all_strips<T, 4, Q>(b, 0, 0, true);
    case 5:
      return all_strips<T, 5, Q>(b, 0, 0, true);
    case 6:
      return all_strips<T, 6, Q>(b, 0, 0, true);
    case 7:
      return all_strips<T, 7, Q>(b, 0, 0, true);
    default:
      return all_strips<T, 8, Q>(b, 0, 0, true);
  }
}

template <class T>
void products(const ProductsBlock<T>& b) {
  if (b.responses == 0)
    first_strips<T, 0>(b, b.near);
  else if (b.responses == 1)
    first_strips<T, 1>(b, b.near);
  else
    first_strips<T, 2>(b, b.near);
  for (i64 d = 8; d < b.near; ++d) all_strips<T, 1, 0>(b, d, 0, false);
  for (i64 k = 2; k < b.responses; ++k) all_strips<T, 0, 1>(b, 0, k, false);
}

inline double total(Vec a) {
  return static_cast<double>(lane_sum(a));
}
inline double total(Vec8 a) {
  alignas(64) double v[8];
  store(v, a);
  for (int half = 4; half > 0; half /= 2) {
    for (int k = 0; k < half; ++k) v[k] += v[k + half];
  }
  return v[0];
}

/// Four rows of x (fewer: the last one again, with scores of zero) against the weights, then back.
template <class T, bool Shift>
void project_four(const RowsBlock<T>& b, const T* const* x, i64 rows, const T* weights, T offset, T* t, T* sums) {
  using V = typename Lane<T>::Type;
  constexpr i64 width = Lane<T>::kWidth;
  const i64 whole = b.columns / width * width;
  V dot[4][2];
  for (auto& pair : dot) pair[0] = pair[1] = none<T>();
  i64 j = 0;
  for (; j + 2 * width <= whole; j += 2 * width) {
    for (int u = 0; u < 2; ++u) {
      const V w = load(weights + j + u * width);
      for (int k = 0; k < 4; ++k) {
        V v = load(x[k] + j + u * width);
        if constexpr (Shift) v = v - load(b.shift + j + u * width);
        dot[k][u] = fma(v, w, dot[k][u]);
      }
    }
  }
  for (; j < b.columns; j += width) {
    const V w = load_some<T>(weights + j, b.columns - j);
    for (int k = 0; k < 4; ++k) {
      V v = load_some<T>(x[k] + j, b.columns - j);
      if constexpr (Shift) v = v - load_some<T>(b.shift + j, b.columns - j);
      dot[k][0] = fma(v, w, dot[k][0]);
    }
  }
  V score[4];
  for (int k = 0; k < 4; ++k) {
    const T value = static_cast<T>(total(dot[k][0] + dot[k][1])) - offset;
    score[k] = k < rows ? set1(value) : none<T>();
    if (k < rows) t[k] = value;
  }
  for (j = 0; j < b.columns; j += width) {
    const bool full = j < whole;
    V sum = full ? load(sums + j) : load_some<T>(sums + j, b.columns - j);
    for (int k = 0; k < 4; ++k) {
      V v = full ? load(x[k] + j) : load_some<T>(x[k] + j, b.columns - j);
      if constexpr (Shift) v = v - (full ? load(b.shift + j) : load_some<T>(b.shift + j, b.columns - j));
      sum = fma(v, score[k], sum);
    }
    if (full)
      store(sums + j, sum);
    else
      store_first(sums + j, sum, b.columns - j);
  }
}

template <class T>
void project(const RowsBlock<T>& b, const T* weights, T offset, T* t, T* scratch, double* out) {
  for (i64 j = 0; j < b.columns; ++j) scratch[j] = 0;
  for (i64 i = 0; i < b.rows; i += 4) {
    const i64 rows = at_most(4, b.rows - i);
    const T* x[4];
    for (i64 k = 0; k < 4; ++k) x[k] = b.x + (i + at_most(k, rows - 1)) * b.stride;
    if (b.shift != nullptr)
      project_four<T, true>(b, x, rows, weights, offset, t + i, scratch);
    else
      project_four<T, false>(b, x, rows, weights, offset, t + i, scratch);
  }
  for (i64 j = 0; j < b.columns; ++j) out[j] += static_cast<double>(scratch[j]);
}

template <class T>
void pack(const RowsBlock<T>& b, i64 panel, double* packed) {
  const i64 first = panel * kGramPanel, count = at_most(kGramPanel, b.columns - first);
  for (i64 i = 0; i < b.rows; ++i) {
    const T* row = b.x + i * b.stride + first;
    double* to = packed + i * kGramPanel;
    if (b.shift != nullptr) {
      for (i64 k = 0; k < count; ++k) to[k] = static_cast<double>(row[k] - b.shift[first + k]);
    } else {
      for (i64 k = 0; k < count; ++k) to[k] = static_cast<double>(row[k]);
    }
    for (i64 k = count; k < kGramPanel; ++k) to[k] = 0;
  }
}

/// gram[kGramRows][kGramPanel] += a^T b over the rows; a and b have rows of kGramPanel.
void gram_tile(const double* a, const double* b, i64 rows, double* gram, i64 stride) {
  Vec8 sum[kGramRows][3];
  for (auto& line : sum) line[0] = line[1] = line[2] = set1(0.0);
  for (i64 i = 0; i < rows; ++i, a += kGramPanel, b += kGramPanel) {
    const Vec8 b0 = load(b), b1 = load(b + 8), b2 = load(b + 16);
    for (int k = 0; k < kGramRows; ++k) {
      const Vec8 v = set1(a[k]);
      sum[k][0] = fma(v, b0, sum[k][0]);
      sum[k][1] = fma(v, b1, sum[k][1]);
      sum[k][2] = fma(v, b2, sum[k][2]);
    }
  }
  for (int k = 0; k < kGramRows; ++k) {
    for (int u = 0; u < 3; ++u) store(gram + k * stride + u * 8, load(gram + k * stride + u * 8) + sum[k][u]);
  }
}

}  // namespace

void products_f32(const ProductsBlock<float>& block) {
  products(block);
}
void products_f64(const ProductsBlock<double>& block) {
  products(block);
}
void project_f32(const RowsBlock<float>& block, const float* weights, float offset, float* t, float* scratch,
                 double* out) {
  project(block, weights, offset, t, scratch, out);
}
void project_f64(const RowsBlock<double>& block, const double* weights, double offset, double* t, double* scratch,
                 double* out) {
  project(block, weights, offset, t, scratch, out);
}
void pack_gram_f32(const RowsBlock<float>& block, i64 panel, double* packed) {
  pack(block, panel, packed);
}
void pack_gram_f64(const RowsBlock<double>& block, i64 panel, double* packed) {
  pack(block, panel, packed);
}

void gram_panel(const double* packed, i64 rows, i64 panel, double* gram, i64 stride) {
  const double* b = packed + panel * rows * kGramPanel;
  for (i64 other = 0; other <= panel; ++other) {
    const double* a = packed + other * rows * kGramPanel;
    for (i64 k = 0; k < kGramPanel; k += kGramRows)
      gram_tile(a + k, b, rows, gram + (other * kGramPanel + k) * stride + panel * kGramPanel, stride);
  }
}

void group_map(const GroupMap& m) {
  for (i64 g = 0; g < m.groups; ++g) {
    const float* x = m.x + g * m.inputs * 16;
    const float* w = m.weights + g * m.inputs * m.outputs;
    for (i64 k = 0; k < m.outputs; ++k) {
      Vec sum = zero();
      for (i64 j = 0; j < m.inputs; ++j) {
        Vec v = load(x + j * 16);
        if (m.offset != nullptr) v = v - set1(m.offset[g * m.inputs + j]);
        sum = fma(v, set1(w[j * m.outputs + k]), sum);
      }
      store(m.u + (g * m.outputs + k) * 16, sum);
    }
  }
}

}  // namespace thimble::kernels::THIMBLE_ISA
