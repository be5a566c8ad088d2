#pragma once
// Little-endian numbers in byte strings: the order of every binary format we write.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace thimble::io {

static_assert(std::endian::native == std::endian::little, "file formats are written by copying");

/// Appends the bytes of a number.
template <class T>
requires std::is_arithmetic_v<T>
void put(std::string& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

/// Number at byte `at`; the caller has checked the length.
template <class T>
requires std::is_arithmetic_v<T> T get(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

/// Overwrites the number at byte `at`.
template <class T>
requires std::is_arithmetic_v<T>
void set(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

/// a * b, or false on overflow.
inline bool checked_multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product);
}

}  // namespace thimble::io
