#pragma once
// Numbers as files hold them: any integer or float type, any shape up to rank 8, row-major. Tensors are the types the
// engine computes with; arrays are what is read and written.

#include "core/base/error.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace thimble::io {

enum class Element : std::uint8_t { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

std::size_t size_of(Element element);
std::string_view name_of(Element element);

template <class T>
constexpr Element element_of() {
  if constexpr (std::is_same_v<T, float>)
    return Element::f32;
  else if constexpr (std::is_same_v<T, double>)
    return Element::f64;
  else if constexpr (std::is_signed_v<T>)
    return sizeof(T) == 1 ? Element::i8 : sizeof(T) == 2 ? Element::i16 : sizeof(T) == 4 ? Element::i32 : Element::i64;
  else
    return sizeof(T) == 1 ? Element::u8 : sizeof(T) == 2 ? Element::u16 : sizeof(T) == 4 ? Element::u32 : Element::u64;
}

class Array {
 public:
  Array() = default;
  /// Zeros. Throws Error(shape) for a rank over 8, a negative size or an overflow.
  Array(Element element, std::vector<std::int64_t> dims);
  /// Copies a tensor (any layout).
  explicit Array(const Tensor& tensor);
  template <class T>
  requires std::is_arithmetic_v<T>
  static Array from(std::span<const T> values, std::vector<std::int64_t> dims) {
    Array out(element_of<T>(), std::move(dims));
    THIMBLE_CHECK(out.bytes_.size() == values.size_bytes(), shape, "array ", out.shape_text(), " from ", values.size(),
                  " values");
    if (!values.empty()) std::memcpy(out.bytes_.data(), values.data(), values.size_bytes());
    return out;
  }
  template <class T>
  static Array from(const std::vector<T>& values) {
    return from(std::span<const T>(values), {static_cast<std::int64_t>(values.size())});
  }

  Element element() const { return element_; }
  const std::vector<std::int64_t>& dims() const { return dims_; }
  std::int64_t numel() const { return static_cast<std::int64_t>(bytes_.size() / size_of(element_)); }
  /// "[4, 3]"
  std::string shape_text() const;
  /// The elements as they lie in memory.
  std::string_view bytes() const { return bytes_; }
  char* mut() { return bytes_.data(); }
  bool operator==(const Array& other) const = default;

  /// Tensor of the same type. Throws Error(dtype) for i64 and unsigned types, Error(shape) for a rank over 6.
  Tensor tensor() const;
  /// Converted: to a float type by rounding, to an integer type only if every value is one and fits.
  /// Throws Error(data) naming the first index that does not.
  Tensor tensor(DType dtype) const;
  /// All elements, which must be integers of 64 bits with sign. Throws Error(data).
  std::vector<std::int64_t> integers() const;
  /// All elements as doubles.
  std::vector<double> doubles() const;
  /// Index of the first NaN or infinity, -1 if there is none.
  std::int64_t first_non_finite() const;

 private:
  Element element_ = Element::f32;
  std::vector<std::int64_t> dims_{0};
  std::string bytes_;
};

/// Bytes of an array of this shape; false on a negative size or an overflow of 63 bits.
bool byte_count(Element element, std::span<const std::int64_t> dims, std::uint64_t& bytes);

}  // namespace thimble::io
