#include "core/fixed/convert.h"

#include "core/base/error.h"
#include "core/fixed/interval.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace thimble::fixed {

Dyadic dyadic(double value) {
  THIMBLE_CHECK(std::isfinite(value), value, "fixed-point conversion of ", value,
                ": only finite numbers have a format");
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);  // value = fraction * 2^exponent, |fraction| in [1/2, 1)
  return {static_cast<std::int64_t>(std::ldexp(fraction, 53)), 53 - exponent};
}

std::int64_t convert(double value, const FxType& to, Round round, Overflow over) {
  const Dyadic exact = dyadic(value);
  return convert(exact.mantissa, exact.f, to, round, over);
}

std::int64_t convert_or_refuse(double value, const FxType& to, Round round, std::string_view what) {
  const Dyadic exact = dyadic(value);
  const Wide n = round_shift(exact.mantissa, exact.f - to.f, round);
  if (n >= to.lo() && n <= to.hi()) return static_cast<std::int64_t>(n);
  throw Error(ErrorKind::value,
              text::cat(what, ": ", value, " does not fit ", to.str(), ", it needs ", bits_of(n, to.s), " bits"),
              Place{"", 0, 0, std::string(what)}, "widen the type, lower its fraction or clip the value in training");
}

namespace {

/// Whole number next to x by the rounding mode, in double; exact for |x| < 2^31, where x - rint(x) is exact too.
template <Round Q>
double rounded(double x) {
  if constexpr (Q == Round::trn) return std::floor(x);
  if constexpr (Q == Round::trn_zero) return std::trunc(x);
  const double even = std::rint(x), rest = x - even;
  if constexpr (Q == Round::rnd_conv) return even;
  if (std::abs(rest) != 0.5) return even;
  if constexpr (Q == Round::rnd) return std::ceil(x);
  if constexpr (Q == Round::rnd_min_inf) return std::floor(x);
  if constexpr (Q == Round::rnd_zero) return std::trunc(x);
  return x < 0 ? std::floor(x) : std::ceil(x);
}

/// One format for all values: in double where that is exact and the result is inside the type, else by convert().
/// Blocks without an exception run many values at a time.
template <Round Q, class Real>
void quantise_uniform(std::span<const Real> values, const Quantiser& to, std::span<std::int64_t> out) {
  constexpr std::size_t kBlock = 64;
  constexpr double kExact = 0x1p31, kNormal = 0x1p-960;
  // -2^(w-1) is left to convert(): the symmetric overflows change it
  const double scale = std::ldexp(1.0, to.type.f), hi = std::min(static_cast<double>(to.type.hi()), kExact - 1),
               lo = to.type.s ? -hi : 0;
  for (std::size_t first = 0; first < values.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, values.size() - first);
    std::array<std::int32_t, kBlock> whole;
    bool exact = true;
    for (std::size_t i = 0; i < count; ++i) {
      const double value = static_cast<double>(values[first + i]), scaled = value * scale, near = rounded<Q>(scaled);
      exact &= near >= lo && near <= hi && (std::abs(scaled) >= kNormal || value == 0);
      whole[i] = static_cast<std::int32_t>(std::min(std::max(lo, near), hi));  // a NaN becomes lo
    }
    for (std::size_t i = 0; i < count; ++i)
      out[first + i] = exact ? whole[i] : convert(static_cast<double>(values[first + i]), to);
  }
}

template <class Real>
void quantise_all(std::span<const Real> values, const Quantiser& to, std::span<std::int64_t> out) {
  THIMBLE_CHECK(values.size() == out.size(), shape, "quantise: ", values.size(), " values into ", out.size(),
                " places");
  constexpr int kLargestShift = 900;  // beyond, 2^f is no normal double
  if (!to.channel_f.empty() || std::abs(to.type.f) > kLargestShift) {
    for (std::size_t i = 0; i < values.size(); ++i)
      out[i] = convert(static_cast<double>(values[i]), to.channel(i), to.round, to.overflow);
    return;
  }
  switch (to.round) {
    case Round::trn:
      return quantise_uniform<Round::trn>(values, to, out);
    case Round::trn_zero:
      return quantise_uniform<Round::trn_zero>(values, to, out);
    case Round::rnd:
      return quantise_uniform<Round::rnd>(values, to, out);
    case Round::rnd_zero:
      return quantise_uniform<Round::rnd_zero>(values, to, out);
    case Round::rnd_inf:
      return quantise_uniform<Round::rnd_inf>(values, to, out);
    case Round::rnd_min_inf:
      return quantise_uniform<Round::rnd_min_inf>(values, to, out);
    case Round::rnd_conv:
      return quantise_uniform<Round::rnd_conv>(values, to, out);
  }
}

/// Formats for which rounding in double is exact for every float: a float has 24 bits, so neither the scaling by 2^f
/// nor the half added to |x| < 2^31 loses one that counts.
bool rounds_in_double(const Quantiser& to) {
  return to.channel_f.empty() && to.type.w <= 31 && std::abs(to.type.f) <= 60 && to.overflow == Overflow::sat &&
         (to.round == Round::trn_zero || to.round == Round::rnd_inf);
}

void quantise_in_double(std::span<const float> values, const Quantiser& to, std::span<std::int64_t> out) {
  constexpr double kLimit = 2147483648.0;
  const double scale = std::ldexp(1.0, to.type.f), half = to.round == Round::rnd_inf ? 0.5 : 0.0;
  const auto low = static_cast<std::int32_t>(to.type.lo()), high = static_cast<std::int32_t>(to.type.hi());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scaled = static_cast<double>(values[i]) * scale;
    if (!(std::abs(scaled) < kLimit - 1)) {  // far outside, or not finite
      out[i] = convert(static_cast<double>(values[i]), to);
      continue;
    }
    out[i] = std::clamp(static_cast<std::int32_t>(scaled + std::copysign(half, scaled)), low, high);
  }
}

}  // namespace

void quantise(std::span<const float> values, const Quantiser& to, std::span<std::int64_t> out) {
  if (rounds_in_double(to) && values.size() == out.size()) return quantise_in_double(values, to, out);
  quantise_all(values, to, out);
}
void quantise(std::span<const double> values, const Quantiser& to, std::span<std::int64_t> out) {
  quantise_all(values, to, out);
}

}  // namespace thimble::fixed
