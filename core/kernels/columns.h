#pragma once
// Sums over the rows of a tall matrix, as partial least squares and linear regression need them. Rows are cut into
// blocks of fixed size whose sums are added in order in double: the same bits for any number of threads. Within a
// block, float data are summed in float.

#include <cstdint>

namespace thimble::kernels {

/// A matrix [rows, columns] of float or double, rows `stride` elements apart, and what is subtracted from each column
/// before anything else: a provisional mean, so that means far from zero cost no digits.
template <class T>
struct TallMatrix {
  const T* data;
  std::int64_t rows, columns, stride;
  const T* shift = nullptr;  // [columns]; null: nothing
};

/// What column_products writes; `near` tells distances between columns.
template <class T>
struct ColumnProducts {
  const T* y = nullptr;        // [rows, responses]
  std::int64_t responses = 0;  // q
  std::int64_t near = 1;       // D >= 1
  double* sums = nullptr;      // [columns]: sum_i x_ij
  double* gram = nullptr;      // [D, columns]: [d][j] = sum_i x_ij x_i,j+d, zero where j + d is beyond the last column
  double* with_y = nullptr;    // [q, columns]: sum_i y_ik x_ij
};
void column_products(const TallMatrix<float>& x, const ColumnProducts<float>& out);
void column_products(const TallMatrix<double>& x, const ColumnProducts<double>& out);

/// t = x weights - offset [rows] and out[j] = sum_i x_ij t_i [columns], in one pass over x.
void project_back(const TallMatrix<float>& x, const float* weights, double offset, float* t, double* out);
void project_back(const TallMatrix<double>& x, const double* weights, double offset, double* t, double* out);

/// gram [columns, columns], both triangles, = x^T x; products and sums in double for either type.
void full_gram(const TallMatrix<float>& x, double* gram);
void full_gram(const TallMatrix<double>& x, double* gram);

/// Small maps of neighbouring columns: u[i][g][k] = sum_j (x[i][g][j] - offset[g][j]) weights[g][j][k].
template <class T>
struct GroupWeights {
  const T* weights;  // [groups, inputs, outputs]
  const T* offset;   // [groups, inputs]; may be null
  std::int64_t groups, inputs, outputs;
};
/// x [rows, groups * inputs] -> u [rows, groups * outputs].
void map_groups(const GroupWeights<float>& map, const float* x, std::int64_t rows, float* u);
void map_groups(const GroupWeights<double>& map, const double* x, std::int64_t rows, double* u);

}  // namespace thimble::kernels
