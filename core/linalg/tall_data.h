#pragma once
// A tall matrix prepared for kernels that read it once: its type, a provisional mean, its moments. Inside the room
// only.

#include "core/kernels/columns.h"
#include "core/tensor/tensor.h"

#include <span>
#include <string_view>
#include <vector>

namespace thimble::linalg {

/// x [n, p] as the kernels read it. Few numbers are widened to f64 (that costs nothing then), many stay as they are.
class TallData {
 public:
  /// The first `rows` rows of x (0: all). Throws Error(shape), Error(dtype) or Error(value) naming `what` unless x is a
  /// matrix of f32 or f64 with at least two rows and one column.
  TallData(const Tensor& x, std::string_view what, std::int64_t rows = 0);

  std::int64_t rows() const { return x_.size(0); }
  std::int64_t columns() const { return x_.size(1); }
  /// What is subtracted from every column before anything else, [p].
  const std::vector<double>& shift() const { return shift_; }

  /// Calls f with a kernels::TallMatrix of the right type.
  template <class F>
  void with(const F& f) const {
    if (x_.dtype() == DType::f32)
      f(matrix<float>(shift_f32_));
    else
      f(matrix<double>(shift_));
  }

 private:
  template <class T>
  kernels::TallMatrix<T> matrix(const std::vector<T>& shift) const {
    return {x_.data<T>(), rows(), columns(), columns(), shifted_ ? shift.data() : nullptr};
  }

  Tensor x_;
  bool shifted_ = false;
  std::vector<double> shift_;
  std::vector<float> shift_f32_;
};

/// Means [p], deviations [p] (divisor n-1, exactly 0 for a constant column) and centred products of the columns of x.
struct TallMoments {
  std::vector<double> mean, deviation;
  std::vector<double> gram;    // [near, p]: [d][j] = sum (x_j - mean_j) (x_j+d - mean_j+d)
  std::vector<double> with_y;  // [q, p]: sum y_k (x_j - mean_j)
};
/// One pass over x; y [n, q] f64. Throws Error(value) naming `what` for numbers that are not finite.
TallMoments moments_of(const TallData& x, const Tensor& y, std::int64_t near, std::string_view what);

/// Responses centred and, if wanted, divided by their deviation (n-1; 1 when constant).
struct Responses {
  Tensor values;                        // [n, q], f64
  std::vector<double> mean, deviation;  // [q]
};
/// The first `rows` rows of y. Throws as TallData and for numbers that are not finite.
Responses center_responses(const Tensor& y, bool scale, std::string_view what, std::int64_t rows = 0);

/// (x - center) weights + offset: x [n, p] f32 or f64, weights [p, m] f64 -> [n, m] f64.
Tensor map_rows(const Tensor& x, std::span<const double> center, const Tensor& weights, std::span<const double> offset);
/// Throws Error(shape) or Error(dtype) naming `what` unless x is a matrix of f32 or f64 with so many columns.
void check_columns(const Tensor& x, std::int64_t columns, std::string_view what);

}  // namespace thimble::linalg
