#pragma once
// Fixed-point vocabulary of the whole project: a type, two modes and what training does with the gradient.
// Training, interpreter, C and Verilog use these objects and no others; nothing else rounds or saturates.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::fixed {

/// 128-bit intermediate: products and aligned sums of 62-bit integers never overflow it.
__extension__ using Wide = __int128;

inline constexpr int kMaxWidth = 62;
inline constexpr int kMaxFraction = 1024;  // |f|: beyond every exponent of a double

/// What happens to the bits below the last kept one (ap_fixed names; ties are exact halves).
enum class Round : std::uint8_t {
  trn,          // floor
  trn_zero,     // toward zero
  rnd,          // nearest, ties toward +infinity
  rnd_zero,     // nearest, ties toward zero
  rnd_inf,      // nearest, ties away from zero
  rnd_min_inf,  // nearest, ties toward -infinity
  rnd_conv,     // nearest, ties to even
};

/// What happens to a rounded integer outside the type.
enum class Overflow : std::uint8_t {
  wrap,      // keep the low w bits
  sat,       // nearest end of the range
  sat_zero,  // becomes 0
  sat_sym,   // nearest end of [-hi, hi]; also turns the in-range -2^(w-1) into -hi
  wrap_mag,  // signed types only: sign kept, magnitude modulo 2^(w-1)
};

/// Straight-through gradient of a fake quantiser.
enum class Grad : std::uint8_t {
  pass,      // 1 everywhere
  mask,      // 1 where lo <= x <= hi
  mask_pos,  // 1 where 0 < x <= hi
  table,     // derivative of the real activation at the un-quantised input
};

/// w bits, signed or not, f fraction bits: the stored integer q means q * 2^-f. f may be negative or exceed w.
struct FxType {
  int w = 1;      // 1..62
  bool s = true;  // signed
  int f = 0;

  constexpr std::int64_t lo() const { return s ? -(std::int64_t{1} << (w - 1)) : 0; }
  constexpr std::int64_t hi() const { return (std::int64_t{1} << (s ? w - 1 : w)) - 1; }
  constexpr bool contains(std::int64_t q) const { return lo() <= q && q <= hi(); }
  /// Value of one step, 2^-f.
  double step() const;
  double value(std::int64_t q) const { return static_cast<double>(q) * step(); }
  /// `fx<w,s,f>`
  std::string str() const;
  constexpr bool operator==(const FxType&) const = default;
};

/// Throws Error(value) if the width or fraction is outside the limits; `what` names the owner.
void check(const FxType& type, std::string_view what);

/// Format plus modes: convert(v) = overflow_O(round_Q(v * 2^f)).
struct Quantiser {
  FxType type;
  Round round = Round::rnd_conv;
  Overflow overflow = Overflow::sat;
  Grad grad = Grad::pass;
  std::vector<int> channel_f = {};  // one f per channel; empty: type.f for all

  FxType channel(std::size_t index) const {
    return channel_f.empty() ? type : FxType{type.w, type.s, channel_f[index % channel_f.size()]};
  }
  /// `fx<w,s,f,Q,O>`
  std::string str() const;
  bool operator==(const Quantiser&) const = default;
};

std::string_view name(Round mode);     // "RND_CONV"
std::string_view name(Overflow mode);  // "SAT_SYM"
/// Mode by its name in capitals. Throws Error(value) with the nearest known name.
Round parse_round(std::string_view text);
Overflow parse_overflow(std::string_view text);

/// Reads a format. Modes left out are those of the notation's home:
///   fx<w,s,f[,Q,O]>          RND_CONV, SAT
///   ap_fixed<W,I[,Q,O]>      TRN, WRAP (I counts the sign bit); ap_ufixed likewise
///   quantized_bits(b,i[,symmetric[,keep_negative[,alpha]]])   QKeras, by position or by name; RND_CONV, SAT or SAT_SYM
///   quantized_relu(b,i)      RND_CONV, SAT, unsigned, gradient mask_pos
///   (wl,fl)                  FENet pair: signed, RND_CONV, SAT_SYM, gradient mask
/// Throws Error(value) that shows the text and the part that is wrong.
Quantiser parse_quantiser(std::string_view text);

}  // namespace thimble::fixed
