#pragma once
// Shapes are small inline arrays: no heap, rank at most 6.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace thimble {

inline constexpr int kMaxRank = 6;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i < 0 ? i + rank_ : i)]; }
  void set(int i, std::int64_t size);
  /// Product of all sizes; 1 for a scalar. Throws Error(shape) on overflow.
  std::int64_t numel() const;
  /// Product of the sizes from dimension `first` on.
  std::int64_t numel_from(int first) const;
  bool operator==(const Shape& other) const = default;
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  /// "[32, 27]"
  std::string str() const;

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace thimble
