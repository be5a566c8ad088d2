#include "core/linalg/tall_data.h"

#include "core/base/error.h"
#include "core/kernels/gemm.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::linalg {
namespace {

constexpr std::int64_t kFewNumbers = 1'000'000;  // widening them takes under a millisecond
constexpr std::int64_t kSampledRows = 32;        // of the provisional mean
constexpr double kFarMean = 4;                   // deviations from zero at which a mean costs digits
constexpr std::int64_t kMapRows = 256;           // widened at a time

using Numbers = std::vector<double>;

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

Tensor checked(const Tensor& x, std::string_view what, std::int64_t rows) {
  THIMBLE_CHECK(x.defined() && x.rank() == 2 && x.layout() == Layout::rows, shape, what,
                ": expected a matrix [rows, columns], got ", x.defined() ? x.shape() : Shape{});
  THIMBLE_CHECK(x.dtype() == DType::f32 || x.dtype() == DType::f64, dtype, what, ": expected f32 or f64, got ",
                name_of(x.dtype()));
  THIMBLE_CHECK(rows >= 0 && rows <= x.size(0), value, what, ": ", rows, " rows wanted of ", x.size(0));
  const Tensor used = rows == 0 || rows == x.size(0) ? x : x.rows(0, rows);
  THIMBLE_CHECK(used.size(0) >= 2, value, what, ": needs at least two rows, got ", used.size(0));
  THIMBLE_CHECK(used.size(1) >= 1, shape, what, ": has no columns");
  return used;
}

struct Sample {
  Numbers mean, square;
};

template <class T>
Sample sample_of(const Tensor& x) {
  const std::int64_t n = x.size(0), p = x.size(1), used = std::min(n, kSampledRows);
  Sample sample{Numbers(at(p)), Numbers(at(p))};
  for (std::int64_t k = 0; k < used; ++k) {
    const T* row = x.data<T>() + (k * n / used) * p;
    for (std::int64_t j = 0; j < p; ++j) {
      const double share = static_cast<double>(row[j]) / static_cast<double>(used);
      sample.mean[at(j)] += share;
      sample.square[at(j)] += share * static_cast<double>(row[j]);
    }
  }
  return sample;
}

bool far_from_zero(const Sample& sample) {
  for (std::size_t j = 0; j < sample.mean.size(); ++j) {
    const double mean2 = sample.mean[j] * sample.mean[j];
    if (mean2 > kFarMean * kFarMean * std::max(sample.square[j] - mean2, 0.0)) return true;
  }
  return false;
}

/// Sums about the provisional mean, of which TallMoments are made.
struct RawSums {
  Numbers sums, gram, with_y, y_sums;
};

template <class T>
RawSums raw_sums(const kernels::TallMatrix<T>& x, const Tensor& y, std::int64_t near) {
  const std::int64_t p = x.columns, q = y.defined() ? y.size(1) : 0;
  RawSums raw{Numbers(at(p)), Numbers(at(near * p)), Numbers(at(q * p)), Numbers(at(q))};
  const Tensor responses = q == 0 ? y : y.to(dtype_of<T>());
  kernels::ColumnProducts<T> out;
  out.y = q == 0 ? nullptr : responses.data<T>();
  out.responses = q;
  out.near = near;
  out.sums = raw.sums.data();
  out.gram = raw.gram.data();
  out.with_y = raw.with_y.data();
  kernels::column_products(x, out);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    for (std::int64_t k = 0; k < q; ++k) raw.y_sums[at(k)] += static_cast<double>(out.y[i * q + k]);
  }
  return raw;
}

/// A deviation that is rounding of a mean far from zero belongs to a constant column.
double deviation_of(double squares, double mean, double n) {
  const double deviation = std::sqrt(std::max(squares, 0.0) / (n - 1));
  return deviation <= 8 * std::numeric_limits<double>::epsilon() * std::abs(mean) ? 0.0 : deviation;
}

TallMoments centred(RawSums raw, const Numbers& shift, std::int64_t near, double n) {
  const auto p = static_cast<std::int64_t>(shift.size());
  TallMoments m{Numbers(at(p)), Numbers(at(p)), std::move(raw.gram), std::move(raw.with_y)};
  Numbers rest(at(p));  // true mean less the provisional one
  for (std::int64_t j = 0; j < p; ++j) {
    rest[at(j)] = raw.sums[at(j)] / n;
    m.mean[at(j)] = shift[at(j)] + rest[at(j)];
  }
  for (std::int64_t d = 0; d < near; ++d) {
    for (std::int64_t j = 0; j + d < p; ++j) m.gram[at(d * p + j)] -= n * rest[at(j)] * rest[at(j + d)];
  }
  for (std::size_t k = 0; k < raw.y_sums.size(); ++k) {
    for (std::int64_t j = 0; j < p; ++j) m.with_y[k * at(p) + at(j)] -= rest[at(j)] * raw.y_sums[k];
  }
  for (std::int64_t j = 0; j < p; ++j) m.deviation[at(j)] = deviation_of(m.gram[at(j)], m.mean[at(j)], n);
  return m;
}

void check_finite(const Numbers& values, std::string_view what) {
  for (const double v : values)
    THIMBLE_CHECK(std::isfinite(v), value, what, ": holds numbers that are not finite, or too large to be squared");
}

}  // namespace

TallData::TallData(const Tensor& x, std::string_view what, std::int64_t rows) : x_(checked(x, what, rows)) {
  if (x_.numel() <= kFewNumbers) x_ = x_.to(DType::f64);
  const Sample sample = x_.dtype() == DType::f32 ? sample_of<float>(x_) : sample_of<double>(x_);
  shifted_ = far_from_zero(sample);
  shift_.assign(at(columns()), 0.0);
  if (!shifted_) return;
  shift_ = sample.mean;
  if (x_.dtype() == DType::f64) return;
  for (double& s : shift_) {
    shift_f32_.push_back(static_cast<float>(s));
    s = static_cast<double>(shift_f32_.back());
  }
}

TallMoments moments_of(const TallData& x, const Tensor& y, std::int64_t near, std::string_view what) {
  RawSums raw;
  x.with([&](const auto& matrix) { raw = raw_sums(matrix, y, near); });
  check_finite(raw.gram, what);
  return centred(std::move(raw), x.shift(), near, static_cast<double>(x.rows()));
}

Responses center_responses(const Tensor& y, bool scale, std::string_view what, std::int64_t rows) {
  const Tensor used = checked(y, what, rows);
  const std::int64_t n = used.size(0), q = used.size(1);
  Responses out{used.to(DType::f64), {}, {}};
  if (out.values.storage() == used.storage()) out.values = used.clone();
  auto* v = out.values.mut<double>();
  for (std::int64_t k = 0; k < q; ++k) {
    double sum = 0, squares = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += v[i * q + k];
    const double mean = sum / static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) squares += (v[i * q + k] - mean) * (v[i * q + k] - mean);
    THIMBLE_CHECK(std::isfinite(squares), value, what, ": column ", k + 1, " holds numbers that are not finite");
    const double found = scale ? deviation_of(squares, mean, static_cast<double>(n)) : 1.0;
    const double divisor = found == 0 ? 1.0 : found;
    for (std::int64_t i = 0; i < n; ++i) v[i * q + k] = (v[i * q + k] - mean) / divisor;
    out.mean.push_back(mean);
    out.deviation.push_back(divisor);
  }
  return out;
}

Tensor map_rows(const Tensor& x, std::span<const double> center, const Tensor& weights,
                std::span<const double> offset) {
  const std::int64_t n = x.size(0), p = x.size(1), outputs = weights.size(1), blocks = (n + kMapRows - 1) / kMapRows;
  Tensor out = Tensor::empty({n, outputs}, DType::f64);
  parallel_blocks(blocks, [&](std::int64_t b) {
    const std::int64_t first = b * kMapRows, count = std::min(kMapRows, n - first);
    const Tensor part = x.rows(first, count).to(DType::f64);
    const Tensor rows = part.storage() == x.storage() ? part.clone() : part;
    auto* v = rows.mut<double>();
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t j = 0; j < p; ++j) v[i * p + j] -= center[at(j)];
    }
    double* into = out.mut<double>() + first * outputs;
    for (std::int64_t i = 0; i < count; ++i) std::copy(offset.begin(), offset.end(), into + i * outputs);
    kernels::gemm({count, outputs, p, p, outputs, outputs, false, false, true}, v, weights.data<double>(), into);
  });
  return out;
}

void check_columns(const Tensor& x, std::int64_t columns, std::string_view what) {
  THIMBLE_CHECK(x.defined() && x.rank() == 2 && x.size(1) == columns && x.layout() == Layout::rows, shape, what,
                ": expected a matrix with ", columns, " columns, got ", x.defined() ? x.shape() : Shape{});
  THIMBLE_CHECK(x.dtype() == DType::f32 || x.dtype() == DType::f64, dtype, what, ": expected f32 or f64, got ",
                name_of(x.dtype()));
}

}  // namespace thimble::linalg
