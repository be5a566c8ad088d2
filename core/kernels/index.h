#pragma once
// Address of a logical element in either layout, for loops that are not worth a kernel of their own.

#include "core/tensor/tensor.h"

namespace thimble::kernels {

/// Samples and features of a tensor, and where element (b, f) lies.
struct Samples {
  std::int64_t batch, features;
  Layout layout;
  explicit Samples(const Tensor& t)
      : batch(t.rank() == 0 ? 1 : t.size(0)),
        features(t.rank() == 0 ? 1 : t.shape().numel_from(1)),
        layout(t.layout()) {}
  std::int64_t at(std::int64_t b, std::int64_t f) const {
    if (layout == Layout::rows) return b * features + f;
    return (b / kLanes * features + f) * kLanes + b % kLanes;
  }
};

}  // namespace thimble::kernels
