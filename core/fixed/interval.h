#pragma once
// Exact reachable ranges of stored integers. Ends are carried in 128 bits and checked against 62 only where a
// register would have to hold them.

#include "core/fixed/type.h"

#include <algorithm>

namespace thimble::fixed {

/// All integers lo..hi, both ends reachable.
struct Interval {
  Wide lo = 0, hi = 0;

  constexpr bool contains(Wide q) const { return lo <= q && q <= hi; }
  constexpr bool contains(const Interval& other) const { return lo <= other.lo && other.hi <= hi; }
  constexpr bool operator==(const Interval&) const = default;
  /// `[lo, hi]`
  std::string str() const;
};

constexpr Interval range_of(const FxType& type) {
  return {type.lo(), type.hi()};
}
constexpr Interval operator+(Interval a, Interval b) {
  return {a.lo + b.lo, a.hi + b.hi};
}
constexpr Interval operator-(Interval a, Interval b) {
  return {a.lo - b.hi, a.hi - b.lo};
}
constexpr Interval operator-(Interval a) {
  return {-a.hi, -a.lo};
}
/// Every element times a constant.
constexpr Interval operator*(Interval a, Wide k) {
  return k >= 0 ? Interval{a.lo * k, a.hi * k} : Interval{a.hi * k, a.lo * k};
}
constexpr Interval shifted_left(Interval a, int bits) {
  return a * (Wide{1} << bits);
}
constexpr Interval hull(Interval a, Interval b) {
  return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
}
constexpr Interval relu(Interval a) {
  return {std::max<Wide>(a.lo, 0), std::max<Wide>(a.hi, 0)};
}
constexpr Interval abs(Interval a) {
  if (a.lo >= 0) return a;
  if (a.hi <= 0) return -a;
  return {0, std::max(-a.lo, a.hi)};
}
/// x >= 0 -> x * 2^n, x < 0 -> sign * x.
Interval leaky_shift(Interval a, int n, int sign);
/// Image under a conversion from f_in: exact for monotone modes, the full range of the type once WRAP, WRAP_MAG or
/// SAT_ZERO can act. The interval must lie within 63 bits.
Interval converted(Interval a, int f_in, const FxType& to, Round round, Overflow over);

/// Smallest width that holds the interval: two's complement if lo < 0, else unsigned (at least 1 bit).
int width_of(Interval a);
/// Smallest type with that many fraction bits: signed only if lo < 0. Throws Error(value) beyond 62 bits.
FxType type_of(Interval a, int f, std::string_view what);
/// Width of q in two's complement (signed types) or plain binary.
int bits_of(Wide q, bool is_signed);

/// Decimal text of a 128-bit integer.
std::string to_string(Wide value);

}  // namespace thimble::fixed
