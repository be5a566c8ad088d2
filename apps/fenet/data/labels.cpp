#include "apps/fenet/data/labels.h"

#include "core/base/error.h"

#include <algorithm>
#include <limits>

namespace thimble::fenet {
namespace {

template <class T>
void normalise_column(T* column, std::int64_t rows, std::int64_t stride) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::int64_t i = 0; i < rows; ++i) {
    low = std::min(low, static_cast<double>(column[i * stride]));
    high = std::max(high, static_cast<double>(column[i * stride]));
  }
  const double range = high - low;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double above = static_cast<double>(column[i * stride]) - low;
    column[i * stride] = static_cast<T>(range > 0.0 ? 2.0 * (above / range - 0.5) : 0.0);
  }
}

}  // namespace

Tensor normalise_labels(const Tensor& labels) {
  THIMBLE_CHECK(labels.rank() == 2, shape, "labels ", labels.shape(), ": [segments, axes] is needed");
  Tensor out = labels.clone();
  for (std::int64_t axis = 0; axis < out.size(1); ++axis) {
    if (out.dtype() == DType::f64)
      normalise_column(out.mut<double>() + axis, out.size(0), out.size(1));
    else
      normalise_column(out.mut<float>() + axis, out.size(0), out.size(1));
  }
  return out;
}

}  // namespace thimble::fenet
