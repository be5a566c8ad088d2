#pragma once
// Scaling of an integer accumulator by a real multiplier as one integer product and a shift (int8 networks).

#include "core/fixed/type.h"

namespace thimble::fixed {

/// How often M(x) rounds: `once` is x*mant shifted with ties up; `twice` rounds the high half of the product first
/// (ties up) and then the remaining shift with ties away from zero, as the TFLite reference kernels do.
enum class Rounding : std::uint8_t { once, twice };

std::string_view name(Rounding rounding);  // "single", "double"
Rounding parse_rounding(std::string_view text);

/// A real multiplier as mant * 2^(e-31), 2^30 <= mant < 2^31, or (0, 0).
struct Multiplier {
  std::int32_t mant = 0;
  int e = 0;
  bool operator==(const Multiplier&) const = default;
};

/// mant = g * 2^31 rounded half away with m = g * 2^e; e < -31 gives (0, 0); with `once`, e > 30 saturates to
/// (2^31 - 1, 30). Throws Error(value) for a negative or non-finite multiplier.
Multiplier multiplier(double real, Rounding rounding = Rounding::twice);

/// M(x) for a 32-bit accumulator; `twice` takes the accumulator modulo 2^32 after a left shift, as the kernels do.
std::int64_t multiply(std::int32_t x, Multiplier m, Rounding rounding);

/// out = clamp(zero + M_c(acc), act_min, act_max); channel c = last axis, one multiplier for all or one per channel.
struct MulShift {
  std::vector<std::int32_t> mant = {};
  std::vector<int> e = {};
  Rounding rounding = Rounding::twice;
  int zero = 0;
  int act_min = -128, act_max = 127;

  Multiplier at(std::size_t channel) const { return {mant[channel % mant.size()], e[channel % e.size()]}; }
  std::int64_t operator()(std::int32_t acc, std::size_t channel) const;
  bool operator==(const MulShift&) const = default;
};

}  // namespace thimble::fixed
