#pragma once
// Stored integers as binary, octal and hexadecimal text, in two's complement or sign-magnitude.

#include "core/fixed/type.h"

#include <string>
#include <string_view>

namespace thimble::hw {

enum class Radix : std::uint8_t { binary = 1, octal = 3, hexadecimal = 4 };  // bits per digit
enum class Sign : std::uint8_t { twos_complement, magnitude };

/// Code of q in `bits` bits, upper-case digits, zeros on the left. Sign-magnitude puts the sign into the top bit.
/// Throws Error(value) if q needs more bits.
std::string code_text(std::int64_t q, int bits, Radix radix, Sign sign);
/// Code of a value in the format fx(wl, 1, fl), rounded toward zero, saturated and shifted to the top of `total` bits.
/// Sign-magnitude takes its sign from the value: what rounds to zero from below keeps the top bit. Throws Error(value)
/// if the value is not finite or total is not within wl..62.
std::string encoded(double value, int wl, int fl, int total, Radix radix, Sign sign);
/// Reads a code back. Throws Error(value) for a wrong length, a wrong digit or bits beyond the word.
std::int64_t parse_code(std::string_view text, int bits, Radix radix, Sign sign);

}  // namespace thimble::hw
