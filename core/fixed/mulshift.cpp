#include "core/fixed/mulshift.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

#include <algorithm>
#include <cmath>

namespace thimble::fixed {

std::string_view name(Rounding rounding) {
  return rounding == Rounding::once ? "single" : "double";
}

Rounding parse_rounding(std::string_view text) {
  if (text == "single") return Rounding::once;
  if (text == "double") return Rounding::twice;
  throw Error(ErrorKind::value, text::cat("unknown rounding '", text::printable(text), "'"), {}, "single or double");
}

Multiplier multiplier(double real, Rounding rounding) {
  THIMBLE_CHECK(std::isfinite(real) && real >= 0, value, "multiplier ", real, ": expected a finite number >= 0");
  if (real == 0) return {};
  int e = 0;
  const double fraction = std::frexp(real, &e);
  std::int64_t mant = convert(fraction, FxType{33, true, 31}, Round::rnd_inf, Overflow::sat);
  if (mant == std::int64_t{1} << 31) {
    mant /= 2;
    ++e;
  }
  if (e < -31) return {};
  if (rounding == Rounding::once && e > 30) return {(std::int64_t{1} << 31) - 1, 30};
  return {static_cast<std::int32_t>(mant), e};
}

namespace {

/// High half of 2ab with ties toward +infinity.
std::int32_t doubled_high(std::int32_t a, std::int32_t b) {
  constexpr std::int32_t kLowest = INT32_MIN;
  if (a == kLowest && b == kLowest) return INT32_MAX;
  return static_cast<std::int32_t>((std::int64_t{a} * b + (std::int64_t{1} << 30)) >> 31);
}

}  // namespace

std::int64_t multiply(std::int32_t x, Multiplier m, Rounding rounding) {
  if (rounding == Rounding::once) {
    const std::int64_t product = std::int64_t{x} * m.mant;
    return static_cast<std::int64_t>(round_shift(product, 31 - m.e, Round::rnd));
  }
  const int left = std::max(m.e, 0), right = std::max(-m.e, 0);
  const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << (left & 31));
  return static_cast<std::int64_t>(round_shift(doubled_high(left > 31 ? 0 : shifted, m.mant), right, Round::rnd_inf));
}

std::int64_t MulShift::operator()(std::int32_t acc, std::size_t channel) const {
  const std::int64_t scaled = zero + multiply(acc, at(channel), rounding);
  return std::clamp<std::int64_t>(scaled, act_min, act_max);
}

}  // namespace thimble::fixed
