#pragma once
// Exact conversion between fixed-point formats: first round, then treat the overflow. Integers throughout.

#include "core/fixed/type.h"

#include <bit>
#include <span>

namespace thimble::fixed {

/// Constant B of the add-then-shift form: x rounded after dropping k >= 1 bits is (x + B) >> k.
/// It depends on x except for TRN, RND and RND_MIN_INF, which may therefore be folded into a bias.
constexpr Wide rounding_constant(Wide x, int k, Round mode) {
  const Wide half = Wide{1} << (k - 1);
  const Wide negative = x < 0 ? 1 : 0;
  switch (mode) {
    case Round::trn:
      return 0;
    case Round::trn_zero:
      return negative * ((Wide{1} << k) - 1);
    case Round::rnd:
      return half;
    case Round::rnd_min_inf:
      return half - 1;
    case Round::rnd_zero:
      return half - 1 + negative;
    case Round::rnd_inf:
      return half - negative;
    case Round::rnd_conv:
      return half - 1 + ((x >> k) & 1);
  }
  return 0;
}

/// round(x * 2^-k), |x| < 2^63. k <= 0 is an exact left shift; 63 places already leave every type, and dropping
/// 65 bits leaves only a sign below half a step, so larger shifts are cut to those.
constexpr Wide round_shift(std::int64_t x, int k, Round mode) {
  if (k <= 0) return Wide{x} * (Wide{1} << (k < -63 ? 63 : -k));
  const int dropped = k > 65 ? 65 : k;
  return (Wide{x} + rounding_constant(x, dropped, mode)) >> dropped;
}

/// Brings a rounded integer into the range of the type.
constexpr std::int64_t overflow(Wide n, const FxType& type, Overflow mode) {
  const std::int64_t lo = type.lo(), hi = type.hi();
  switch (mode) {
    case Overflow::wrap: {
      const auto low = static_cast<std::uint64_t>(n) & ((std::uint64_t{1} << type.w) - 1);
      const bool negative = type.s && (low >> (type.w - 1)) != 0;
      return static_cast<std::int64_t>(low) - (negative ? std::int64_t{1} << type.w : 0);
    }
    case Overflow::sat:
      return n > hi ? hi : n < lo ? lo : static_cast<std::int64_t>(n);
    case Overflow::sat_zero:
      return n > hi || n < lo ? 0 : static_cast<std::int64_t>(n);
    case Overflow::sat_sym: {
      const std::int64_t low = type.s ? -hi : 0;
      return n > hi ? hi : n < low ? low : static_cast<std::int64_t>(n);
    }
    case Overflow::wrap_mag: {
      const Wide magnitude = (n < 0 ? -n : n) & hi;
      return static_cast<std::int64_t>(n < 0 ? -magnitude : magnitude);
    }
  }
  return 0;
}

/// Stored integer q with f_in fraction bits in another format; exact for any q and any f.
constexpr std::int64_t convert(std::int64_t q, int f_in, const FxType& to, Round round, Overflow over) {
  return overflow(round_shift(q, f_in - to.f, round), to, over);
}
inline std::int64_t convert(std::int64_t q, int f_in, const Quantiser& to) {
  return convert(q, f_in, to.type, to.round, to.overflow);
}

/// The same with everything but the value fixed at compile time.
template <FxType To, Round Q, Overflow O>
constexpr std::int64_t convert(std::int64_t q, int f_in) {
  return overflow(round_shift(q, f_in - To.f, Q), To, O);
}

/// A floating-point number as mantissa * 2^-f without loss.
struct Dyadic {
  std::int64_t mantissa = 0;
  int f = 0;
};

/// Throws Error(value) for a value that is not finite.
Dyadic dyadic(double value);

/// Exact conversion of a double or a float (a float widens exactly). Throws Error(value) if not finite.
std::int64_t convert(double value, const FxType& to, Round round, Overflow over);
inline std::int64_t convert(double value, const Quantiser& to) {
  return convert(value, to.type, to.round, to.overflow);
}

/// Conversion that refuses to overflow: Error(value) naming `what`, the value, the type and the width it would need.
std::int64_t convert_or_refuse(double value, const FxType& to, Round round, std::string_view what);

/// Stored integers of many values; channel of element i is i % channels (channel_f empty: one format).
/// Throws Error(value) for a value that is not finite.
void quantise(std::span<const float> values, const Quantiser& to, std::span<std::int64_t> out);
void quantise(std::span<const double> values, const Quantiser& to, std::span<std::int64_t> out);

}  // namespace thimble::fixed
