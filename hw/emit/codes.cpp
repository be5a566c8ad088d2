#include "hw/emit/codes.h"

#include "core/base/error.h"
#include "core/fixed/convert.h"

namespace thimble::hw {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEF";

int digits_of(int bits, Radix radix) {
  const int per_digit = static_cast<int>(radix);
  return (bits + per_digit - 1) / per_digit;
}

std::string digits(std::uint64_t code, int bits, Radix radix) {
  const int per_digit = static_cast<int>(radix);
  std::string text;
  for (int d = digits_of(bits, radix) - 1; d >= 0; --d)
    text += kDigits[(code >> (d * per_digit)) & ((1u << per_digit) - 1)];
  return text;
}

void check_bits(int bits) {
  THIMBLE_CHECK(bits >= 1 && bits <= fixed::kMaxWidth, value, "code of ", bits, " bits: expected 1..",
                fixed::kMaxWidth);
}

std::string magnitude_text(bool negative, std::int64_t magnitude, int bits, Radix radix) {
  check_bits(bits);
  const std::int64_t limit = std::int64_t{1} << (bits - 1);
  THIMBLE_CHECK(magnitude >= 0 && magnitude < limit, value, "magnitude ", magnitude, " does not fit ", bits - 1,
                " bits beside its sign");
  return digits(static_cast<std::uint64_t>(magnitude + (negative ? limit : 0)), bits, radix);
}

}  // namespace

std::string code_text(std::int64_t q, int bits, Radix radix, Sign sign) {
  check_bits(bits);
  if (sign == Sign::magnitude) return magnitude_text(q < 0, q < 0 ? -q : q, bits, radix);
  const fixed::FxType type{bits, true, 0};
  THIMBLE_CHECK(type.contains(q), value, q, " does not fit ", bits, " bits in two's complement");
  return digits(static_cast<std::uint64_t>(q) & ((std::uint64_t{1} << bits) - 1), bits, radix);
}

std::string encoded(double value, int wl, int fl, int total, Radix radix, Sign sign) {
  const fixed::FxType type{wl, true, fl};
  fixed::check(type, "encoded value");
  THIMBLE_CHECK(total >= wl && total <= fixed::kMaxWidth, value, "code of ", total, " bits for words of ", wl);
  const auto shifted = [&](std::int64_t q) { return q * (std::int64_t{1} << (total - wl)); };
  using fixed::Overflow;
  if (sign == Sign::twos_complement)
    return code_text(shifted(fixed::convert(value, type, fixed::Round::trn_zero, Overflow::sat)), total, radix, sign);
  const std::int64_t q = fixed::convert(value, type, fixed::Round::trn_zero, Overflow::sat_sym);
  return magnitude_text(value < 0, shifted(q < 0 ? -q : q), total, radix);
}

std::int64_t parse_code(std::string_view text, int bits, Radix radix, Sign sign) {
  check_bits(bits);
  THIMBLE_CHECK(static_cast<int>(text.size()) == digits_of(bits, radix), value, "code '", text::printable(text),
                "' has ", text.size(), " digits, expected ", digits_of(bits, radix));
  std::uint64_t code = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    THIMBLE_CHECK(digit < (std::size_t{1} << static_cast<int>(radix)), value, "code '", text::printable(text),
                  "' has a wrong digit");
    code = (code << static_cast<int>(radix)) | digit;
  }
  THIMBLE_CHECK(code >> bits == 0, value, "code '", text::printable(text), "' has more than ", bits, " bits");
  const std::int64_t top = std::int64_t{1} << (bits - 1);
  const auto value = static_cast<std::int64_t>(code);
  if (value < top) return value;
  return sign == Sign::magnitude ? top - value : value - 2 * top;
}

}  // namespace thimble::hw
