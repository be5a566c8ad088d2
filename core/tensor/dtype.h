#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace thimble {

enum class DType : std::uint8_t { f32, f64, i8, i16, i32 };

/// How elements lie in memory.
/// rows:  row-major, last dimension fastest.
/// lanes: [group][feature][16]: dimension 0 (the batch) is cut into groups of 16 samples, which are the 16 lanes of a
///        vector; all other dimensions are flattened into `feature`. Every load is an aligned vector, every weight a
///        broadcast, any feature count has no tail. The last group is padded; padding is never read into a result.
enum class Layout : std::uint8_t { rows, lanes };

inline constexpr std::int64_t kLanes = 16;

constexpr std::size_t size_of(DType type) {
  switch (type) {
    case DType::f64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::i16:
      return 2;
    case DType::i8:
      return 1;
  }
  return 0;
}

constexpr std::string_view name_of(DType type) {
  switch (type) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::i8:
      return "i8";
    case DType::i16:
      return "i16";
    case DType::i32:
      return "i32";
  }
  return "?";
}

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return DType::i8;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return DType::i16;
  else {
    static_assert(std::is_same_v<T, std::int32_t>);
    return DType::i32;
  }
}

}  // namespace thimble
