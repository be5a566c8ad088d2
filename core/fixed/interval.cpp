#include "core/fixed/interval.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

namespace thimble::fixed {

std::string to_string(Wide value) {
  if (value == 0) return "0";
  std::string digits;
  __extension__ using Magnitude = unsigned __int128;
  auto rest = value < 0 ? Magnitude{0} - static_cast<Magnitude>(value) : static_cast<Magnitude>(value);
  for (; rest != 0; rest /= 10) digits.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
  if (value < 0) digits.push_back('-');
  return {digits.rbegin(), digits.rend()};
}

std::string Interval::str() const {
  return text::cat('[', to_string(lo), ", ", to_string(hi), ']');
}

Interval leaky_shift(Interval a, int n, int sign) {
  const auto image = [&](Wide x) { return x >= 0 ? x * (Wide{1} << n) : x * sign; };
  const Wide at_lo = image(a.lo), at_hi = image(a.hi);
  Interval out{std::min(at_lo, at_hi), std::max(at_lo, at_hi)};
  if (a.contains(Wide{0})) out = hull(out, {0, 0});  // the knee; with a negative slope it is the lowest point
  return out;
}

Interval converted(Interval a, int f_in, const FxType& to, Round round, Overflow over) {
  const auto lo = static_cast<std::int64_t>(a.lo), hi = static_cast<std::int64_t>(a.hi);
  const Interval rounded{round_shift(lo, f_in - to.f, round), round_shift(hi, f_in - to.f, round)};
  // WRAP_MAG turns the lowest integer of a signed type into 0
  const Interval kept_whole = over == Overflow::wrap_mag ? Interval{-to.hi(), to.hi()} : range_of(to);
  if (kept_whole.contains(rounded) || over == Overflow::sat || over == Overflow::sat_sym)
    return {overflow(rounded.lo, to, over), overflow(rounded.hi, to, over)};
  if (over == Overflow::sat_zero) {
    const Interval kept{std::max<Wide>(rounded.lo, to.lo()), std::min<Wide>(rounded.hi, to.hi())};
    return kept.lo > kept.hi ? Interval{0, 0} : hull(kept, {0, 0});
  }
  return kept_whole;
}

int bits_of(Wide q, bool is_signed) {
  int bits = is_signed ? 1 : 0;
  for (Wide rest = q < 0 ? -(q + 1) : q; rest != 0; rest >>= 1) ++bits;
  return std::max(bits, 1);
}

int width_of(Interval a) {
  const bool is_signed = a.lo < 0;
  return std::max(bits_of(a.lo, is_signed), bits_of(a.hi, is_signed));
}

FxType type_of(Interval a, int f, std::string_view what) {
  const int width = width_of(a);
  if (width > kMaxWidth)
    throw Error(ErrorKind::value,
                text::cat(what, ": values reach ", a.str(), ", which needs ", width, " bits; the limit is ", kMaxWidth),
                Place{"", 0, 0, std::string(what)}, "put a requant with fewer bits before it");
  return {width, a.lo < 0, f};
}

}  // namespace thimble::fixed
