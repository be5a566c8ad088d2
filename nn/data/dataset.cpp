#include "nn/data/dataset.h"

#include "core/base/error.h"
#include "core/kernels/gather.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace thimble::nn {
namespace {

template <class T>
void gather_into_lanes(const T* source, std::int64_t width, std::span<const std::int64_t> rows, T* target) {
  const auto count = static_cast<std::int64_t>(rows.size());
  for (std::int64_t first = 0; first < count; first += kLanes, target += width * kLanes) {
    const std::int64_t live = std::min(kLanes, count - first);
    if (live < kLanes) std::fill(target, target + width * kLanes, T{0});
    for (std::int64_t lane = 0; lane < live; ++lane) {
      const T* row = source + rows[static_cast<std::size_t>(first + lane)] * width;
      for (std::int64_t feature = 0; feature < width; ++feature) target[feature * kLanes + lane] = row[feature];
    }
  }
}

template <class T>
void gather_typed(const Tensor& source, std::span<const std::int64_t> rows, const Tensor& target) {
  const std::int64_t width = source.shape().numel_from(1);
  const T* from = source.data<T>();
  T* to = target.mut<T>();
  if (target.layout() == Layout::lanes) {
    if constexpr (std::is_same_v<T, float>) return kernels::gather_lanes(from, width, rows, to);
    return gather_into_lanes(from, width, rows, to);
  }
  for (const std::int64_t row : rows) {
    std::copy_n(from + row * width, width, to);
    to += width;
  }
}

template <class T>
void check_finite_typed(const Tensor& table, const char* what) {
  const T* values = table.data<T>();
  const std::int64_t width = std::max<std::int64_t>(1, table.shape().numel_from(1));
  for (std::int64_t i = 0; i < table.numel(); ++i)
    THIMBLE_CHECK(std::isfinite(values[i]), data, what, ": row ", i / width, ", column ", i % width, " is ", values[i],
                  "; all numbers must be finite");
}

}  // namespace

void gather_rows(const Tensor& source, std::span<const std::int64_t> rows, const Tensor& target) {
  THIMBLE_CHECK(target.size(0) == static_cast<std::int64_t>(rows.size()) &&
                    target.shape().numel_from(1) == source.shape().numel_from(1),
                shape, "gather: ", rows.size(), " rows of ", source.shape(), " do not fit into ", target.shape());
  for (const std::int64_t row : rows)
    THIMBLE_CHECK(row >= 0 && row < source.size(0), value, "gather: row ", row, " of ", source.shape());
  switch (source.dtype()) {
    case DType::f32:
      return gather_typed<float>(source, rows, target);
    case DType::f64:
      return gather_typed<double>(source, rows, target);
    case DType::i32:
      return gather_typed<std::int32_t>(source, rows, target);
    case DType::i16:
      return gather_typed<std::int16_t>(source, rows, target);
    case DType::i8:
      return gather_typed<std::int8_t>(source, rows, target);
  }
}

void check_finite(const Tensor& table, const char* what) {
  if (table.dtype() == DType::f32) check_finite_typed<float>(table, what);
  if (table.dtype() == DType::f64) check_finite_typed<double>(table, what);
}

}  // namespace thimble::nn
