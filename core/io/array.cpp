#include "core/io/array.h"

#include "core/io/bytes.h"
#include "core/io/limits.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace thimble::io {
namespace {

struct ElementInfo {
  std::size_t size;
  std::string_view name;
};

constexpr std::array<ElementInfo, 10> kElements{{{4, "f32"},
                                                 {8, "f64"},
                                                 {1, "i8"},
                                                 {2, "i16"},
                                                 {4, "i32"},
                                                 {8, "i64"},
                                                 {1, "u8"},
                                                 {2, "u16"},
                                                 {4, "u32"},
                                                 {8, "u64"}}};

/// Calls visit(T{}) with the C++ type of the element.
template <class Visitor>
auto with_type(Element element, const Visitor& visit) {
  switch (element) {
    case Element::f64:
      return visit(double{});
    case Element::i8:
      return visit(std::int8_t{});
    case Element::i16:
      return visit(std::int16_t{});
    case Element::i32:
      return visit(std::int32_t{});
    case Element::i64:
      return visit(std::int64_t{});
    case Element::u8:
      return visit(std::uint8_t{});
    case Element::u16:
      return visit(std::uint16_t{});
    case Element::u32:
      return visit(std::uint32_t{});
    case Element::u64:
      return visit(std::uint64_t{});
    case Element::f32:
      break;
  }
  return visit(float{});
}

Element element_of_tensor(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return Element::f64;
    case DType::i8:
      return Element::i8;
    case DType::i16:
      return Element::i16;
    case DType::i32:
      return Element::i32;
    case DType::f32:
      break;
  }
  return Element::f32;
}

/// value as To, if that keeps it (rounding to a float type is fine); false otherwise.
template <class To, class From>
bool converted(From value, To& to) {
  if constexpr (std::is_floating_point_v<To>) {
    to = static_cast<To>(value);
    return std::isfinite(to) || !std::isfinite(static_cast<double>(value));
  } else if constexpr (std::is_floating_point_v<From>) {
    constexpr double limit = 9223372036854775808.0;  // 2^63
    const double whole = static_cast<double>(value);
    if (!(whole >= -limit && whole < limit) || whole != std::nearbyint(whole)) return false;
    return converted(static_cast<std::int64_t>(whole), to);
  } else {
    if (!std::in_range<To>(value)) return false;
    to = static_cast<To>(value);  // NOLINT(bugprone-signed-char-misuse): a number, whatever its name says
    return true;
  }
}

template <class To>
void convert_all(const Array& from, std::string_view wanted, To* to) {
  if (from.element() == element_of<To>()) {
    if (!from.bytes().empty()) std::memcpy(to, from.bytes().data(), from.bytes().size());
    return;
  }
  with_type(from.element(), [&](auto zero) {
    using From = decltype(zero);
    for (std::int64_t i = 0, count = from.numel(); i < count; ++i) {
      const auto value = get<From>(from.bytes(), static_cast<std::size_t>(i) * sizeof(From));
      if (!converted(value, to[i])) fail(ErrorKind::data, "element ", i, " is ", value, ", which is no ", wanted);
    }
  });
}

}  // namespace

std::size_t size_of(Element element) {
  return kElements[static_cast<std::size_t>(element)].size;
}

std::string_view name_of(Element element) {
  return kElements[static_cast<std::size_t>(element)].name;
}

bool byte_count(Element element, std::span<const std::int64_t> dims, std::uint64_t& bytes) {
  bytes = size_of(element);
  for (const std::int64_t size : dims)
    if (size < 0 || !checked_multiply(bytes, static_cast<std::uint64_t>(size), bytes)) return false;
  return bytes <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

Array::Array(Element element, std::vector<std::int64_t> dims) : element_(element), dims_(std::move(dims)) {
  std::uint64_t bytes = 0;
  THIMBLE_CHECK(dims_.size() <= static_cast<std::size_t>(limits::kArrayRank), shape, "array of rank ", dims_.size(),
                ", at most ", limits::kArrayRank, " is possible");
  THIMBLE_CHECK(byte_count(element, dims_, bytes), shape, "array ", shape_text(), " is impossible or too large");
  bytes_.resize(bytes);
}

Array::Array(const Tensor& tensor)
    : Array(element_of_tensor(tensor.dtype()), {tensor.shape().begin(), tensor.shape().end()}) {
  const Tensor rows = tensor.to(Layout::rows);
  if (!bytes_.empty()) std::memcpy(bytes_.data(), rows.raw(), bytes_.size());
}

std::string Array::shape_text() const {
  std::string out = "[";
  for (std::size_t i = 0; i < dims_.size(); ++i) out += text::cat(i == 0 ? "" : ", ", dims_[i]);
  return out + "]";
}

Tensor Array::tensor() const {
  for (const DType dtype : {DType::f32, DType::f64, DType::i8, DType::i16, DType::i32})
    if (element_of_tensor(dtype) == element_) return tensor(dtype);
  fail(ErrorKind::dtype, "no tensor can hold elements of type ", name_of(element_));
}

Tensor Array::tensor(DType dtype) const {
  THIMBLE_CHECK(dims_.size() <= static_cast<std::size_t>(kMaxRank), shape, "tensor from an array of rank ",
                dims_.size(), ", at most ", kMaxRank, " is possible");
  Tensor out = Tensor::empty(Shape(std::span<const std::int64_t>(dims_)), dtype);
  switch (dtype) {
    case DType::f32:
      convert_all(*this, "f32", out.mut<float>());
      break;
    case DType::f64:
      convert_all(*this, "f64", out.mut<double>());
      break;
    case DType::i8:
      convert_all(*this, "i8", out.mut<std::int8_t>());
      break;
    case DType::i16:
      convert_all(*this, "i16", out.mut<std::int16_t>());
      break;
    case DType::i32:
      convert_all(*this, "i32", out.mut<std::int32_t>());
      break;
  }
  return out;
}

std::vector<std::int64_t> Array::integers() const {
  std::vector<std::int64_t> out(static_cast<std::size_t>(numel()));
  convert_all(*this, "i64", out.data());
  return out;
}

std::vector<double> Array::doubles() const {
  std::vector<double> out(static_cast<std::size_t>(numel()));
  convert_all(*this, "f64", out.data());
  return out;
}

std::int64_t Array::first_non_finite() const {
  return with_type(element_, [&](auto zero) -> std::int64_t {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>) {
      const std::int64_t count = numel();
      const auto finite = [&](std::int64_t i) {
        return std::isfinite(get<T>(bytes_, static_cast<std::size_t>(i) * sizeof(T)));
      };
      bool all = true;  // one pass without a way out runs many elements at a time
      for (std::int64_t i = 0; i < count; ++i) all &= finite(i);
      for (std::int64_t i = 0; !all && i < count; ++i)
        if (!finite(i)) return i;
    }
    return -1;
  });
}

}  // namespace thimble::io
