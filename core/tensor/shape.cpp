#include "core/tensor/shape.h"

#include "core/base/error.h"

namespace thimble {

Shape::Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const std::int64_t> dims) {
  THIMBLE_CHECK(dims.size() <= kMaxRank, shape, "a tensor has at most ", kMaxRank, " dimensions, got ", dims.size());
  for (const std::int64_t size : dims) {
    THIMBLE_CHECK(size >= 0, shape, "negative size ", size, " in a shape");
    dims_[static_cast<std::size_t>(rank_++)] = size;
  }
}

void Shape::set(int i, std::int64_t size) {
  dims_[static_cast<std::size_t>(i < 0 ? i + rank_ : i)] = size;
}

std::int64_t Shape::numel() const {
  return numel_from(0);
}

std::int64_t Shape::numel_from(int first) const {
  std::int64_t product = 1;
  for (int i = first; i < rank_; ++i)
    THIMBLE_CHECK(!__builtin_mul_overflow(product, (*this)[i], &product), shape, "shape ", *this,
                  " holds more elements than fit 63 bits");
  return product;
}

std::string Shape::str() const {
  std::string out = "[";
  for (int i = 0; i < rank_; ++i) out += (i > 0 ? ", " : "") + std::to_string((*this)[i]);
  return out + "]";
}

}  // namespace thimble
