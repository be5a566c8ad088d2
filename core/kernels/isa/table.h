#pragma once
// What the kernels compiled per instruction set offer: plain functions on float buffers, 16 samples per vector.
// "Lanes" buffers are [group][feature][16] (core/tensor/dtype.h). No allocation, no threads in here.

#include "core/kernels/isa/act_code.h"

#include <cstdint>

namespace thimble::kernels {

using i64 = std::int64_t;

/// y[g][o] = act(bias[o] + sum_i w[o * stride_out + i * stride_in] * x[g][i]), sums in the order of i.
struct LanesProduct {
  const float* x;
  const float* w;
  const float* bias;  // may be null
  float* y;
  i64 groups, outputs, inputs;
  i64 stride_out, stride_in;
  ActCode act;
  float slope;
  bool add;  // y += product instead of y = product (no bias, no activation then)
};

/// dw[o * inputs + i] (=, +=) sum over groups and lanes of dz[g][o] * x[g][i].
struct LanesOuter {
  const float* dz;
  const float* x;
  float* dw;
  i64 groups, outputs, inputs;
  bool add;
};

struct AdamArgs {
  float beta1, beta2, eps, lr, l2, decoupled;  // decoupled: lr * decay, multiplies the value first
  float correction1, correction2;  // 1/(1-beta1^t), 1/sqrt(1-beta2^t) (torch); Keras form folds both into lr
};

/// One level of the wavelet chain for a group of 16 windows. Buffers of numbers are [position][16].
struct WaveletLevelLanes {
  i64 taps, stride, before, in, out, features;
  float slope;           // of the negative side, -2^-relu_power
  bool bitshift;         // divide by powers of two
  float split;           // grid: what added and taken off again leaves multiples of 2^12 steps of a folded sum
  const float* filters;  // [taps, rounded up to whole strides][2]: feature and pass tap beside each other, then zeros
  float* x;              // input with its zeros, [before + in + taps - 1]
  float* folded;         // feature outputs before the fold [out]; used when features > 1
  unsigned short* positive;  // [out] bit per lane: feature output above zero
  unsigned short* alive;     // [out] bit per lane: pass output neither dropped nor saturated
  float* sums;               // gradient of the filters, [2 * taps][16] lane-wise sums, added to
};

inline constexpr i64 kWaveletMargin = 8;  // zeros on both sides of df, dp and dn, in positions

/// A chain for a group of 16 windows.
struct WaveletGroup {
  const WaveletLevelLanes* levels;
  i64 count;
  float* last;      // pass outputs of the last level
  float* features;  // [column]
  // dropout of pass outputs
  bool dropout;
  unsigned threshold;  // draws below it are dropped, of 2^16
  float scale;         // of survivors
  std::uint64_t key, step;
  std::uint32_t window;  // number of the first window
  // rounding to a grid
  bool grid, round_input;
  float grid_step, grid_limit;  // of pass outputs and features
  // gradient
  const float* d_features;  // [column]
  unsigned short* open;     // [column] bit per lane: feature not saturated
  float *df, *dp, *dn;      // [zeros][positions][zeros], kWaveletMargin zeros on both sides, room for the longest input
  float* d_input;           // [samples], gradient of the input; null when nobody wants it
};

/// Rows of a tall matrix [rows, columns], less `shift` [columns] unless that is null (core/kernels/columns.h).
template <class T>
struct RowsBlock {
  const T* x;
  const T* shift;
  i64 rows, columns, stride;
};

/// Adds to sums, gram and with_y the products of a few rows, summed in T.
template <class T>
struct ProductsBlock {
  RowsBlock<T> rows;
  const T* y;  // [rows, responses]
  i64 responses, near;
  double *sums, *gram, *with_y;
};

inline constexpr i64 kGramPanel = 24;  // columns that lie side by side in a packed matrix

/// Sixteen samples in the lanes: u[g][k] = sum_j (x[g][j] - offset[g][j]) weights[g][j][k].
struct GroupMap {
  const float* x;
  const float* weights;
  const float* offset;  // may be null
  float* u;
  i64 groups, inputs, outputs;
};

struct IsaTable {
  const char* name;
  void (*product)(const LanesProduct&);
  void (*outer)(const LanesOuter&);
  /// y[k] = act(x[k]), any n (a tail is handled).
  void (*activate)(const float* x, float* y, i64 n, ActCode act, float slope);
  /// dx (=, +=) dy * act'(x, y).
  void (*activate_gradient)(const float* dy, const float* x, const float* y, float* dx, i64 n, ActCode act, float slope,
                            bool add);
  /// sums[f] (=, +=) sum over groups and lanes of x[g][f].
  void (*feature_sums)(const float* x, float* sums, i64 groups, i64 features, bool add);
  /// out[g][f][lane] = row(lane)[f] of the group; rows[k] for k >= count give zeros. rows has 16 pointers per group.
  void (*transpose_in)(const float* const* rows, i64 count, i64 features, float* out);
  /// Reverse of transpose_in for one group.
  void (*transpose_out)(const float* in, i64 count, i64 features, float* rows, i64 row_stride);
  /// Sum over `samples` samples and all features of weight[f] * (y - t)^2; lanes beyond `samples` do not count.
  double (*squared_error)(const float* y, const float* t, const float* weight, i64 samples, i64 features);
  /// dy (=, +=) factor * weight[f] * (y - t); zero in lanes beyond `samples`.
  void (*squared_error_gradient)(const float* y, const float* t, const float* weight, float factor, float* dy,
                                 i64 samples, i64 features, bool add);
  /// Rounds the input of the group to its grid, where that is wanted.
  void (*wavelet_input)(const WaveletGroup&);
  /// Features of the group; with `keep` also what the gradient needs (positive, alive, open).
  void (*wavelet_forward)(const WaveletGroup&, bool keep);
  /// Behind wavelet_forward with `keep` of the same group, whose inputs of levels, `last` and flags it reads.
  void (*wavelet_backward)(const WaveletGroup&);
  /// sums[k] = sum of the 16 lanes of lanes[k]; n is a multiple of 16.
  void (*lane_totals)(const float* lanes, i64 n, float* sums);
  void (*products_f32)(const ProductsBlock<float>&);
  void (*products_f64)(const ProductsBlock<double>&);
  /// t = x weights - offset, out += x^T t; scratch [columns].
  void (*project_f32)(const RowsBlock<float>&, const float* weights, float offset, float* t, float* scratch,
                      double* out);
  void (*project_f64)(const RowsBlock<double>&, const double* weights, double offset, double* t, double* scratch,
                      double* out);
  /// Columns of one panel as [rows][kGramPanel], beyond the last column zeros.
  void (*pack_gram_f32)(const RowsBlock<float>&, i64 panel, double* packed);
  void (*pack_gram_f64)(const RowsBlock<double>&, i64 panel, double* packed);
  /// Adds x^T x of packed rows [panels][rows][kGramPanel] to the columns of one panel of gram, down to the diagonal.
  void (*gram_panel)(const double* packed, i64 rows, i64 panel, double* gram, i64 stride);
  void (*group_map)(const GroupMap&);
  /// One fused step on flat buffers; n is a multiple of 16.
  void (*adam)(float* value, const float* grad, float* m, float* v, i64 n, const AdamArgs&);
};

namespace avx2 {
const IsaTable& table();
}
namespace avx512 {
const IsaTable& table();
}

}  // namespace thimble::kernels
