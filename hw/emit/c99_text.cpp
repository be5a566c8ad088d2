#include "hw/emit/c99_text.h"

#include "core/base/text.h"
#include "core/fixed/convert.h"

namespace thimble::hw::c99 {
namespace {

using fixed::Overflow;
using fixed::Round;
using fixed::Wide;
using text::cat;

Wide largest(Interval a) {
  return std::max(a.hi, -a.lo);
}

std::string wide_literal(Wide value) {
  return literal(static_cast<std::int64_t>(value));
}

/// Left shift f_in - f < 0: the range is compared before the shift, so nothing can overflow on the way.
std::string shifted_left(const Conversion& c, int bits) {
  const Wide factor = Wide{1} << std::min(bits, 63);
  if (c.overflow == Overflow::wrap || c.overflow == Overflow::wrap_mag) {
    if (bits >= c.to.w) return "  return v - v;\n";  // only zeros remain below the width
    const std::string mask =
        cat("UINT64_C(", (std::uint64_t{1} << (c.to.w - (c.overflow == Overflow::wrap_mag ? 1 : 0))) - 1, ")");
    if (c.overflow == Overflow::wrap_mag)
      return cat("  const int64_t m = (int64_t)(((uint64_t)(v < 0 ? -v : v) << ", bits, ") & ", mask, ");\n  return (",
                 c.type(), ")(v < 0 ? -m : m);\n");
    std::string body = cat("  const int64_t low = (int64_t)(((uint64_t)v << ", bits, ") & ", mask, ");\n");
    if (!c.to.s) return body + cat("  return (", c.type(), ")low;\n");
    return body + cat("  return (", c.type(), ")(low > ", literal(c.to.hi()), " ? low - INT64_C(",
                      std::int64_t{1} << c.to.w, ") : low);\n");
  }
  const std::int64_t low = c.overflow == Overflow::sat_sym && c.to.s ? -c.to.hi() : c.to.lo();
  const Wide most = c.to.hi() / factor, least = -(-Wide{low} / factor);
  const bool zero = c.overflow == Overflow::sat_zero;
  std::string body;
  if (c.in.hi > most) body += cat("  if (v > ", wide_literal(most), ") return ", literal(zero ? 0 : c.to.hi()), ";\n");
  if (c.in.lo < least) body += cat("  if (v < ", wide_literal(least), ") return ", literal(zero ? 0 : low), ";\n");
  // beyond 62 places only 0 gets here
  return body + (bits > 62 ? std::string("  return 0;\n") : cat("  return v * ", wide_literal(factor), ";\n"));
}

std::string added_constant(const Conversion& c, int k) {
  const std::int64_t half = std::int64_t{1} << (k - 1);
  switch (c.round) {
    case Round::trn:
      return "";
    case Round::trn_zero:
      return cat(" + (v < 0 ? ", literal((std::int64_t{1} << k) - 1), " : 0)");
    case Round::rnd:
      return cat(" + ", literal(half));
    case Round::rnd_min_inf:
      return half == 1 ? "" : cat(" + ", literal(half - 1));
    case Round::rnd_zero:
      return cat(" + ", literal(half - 1), " + (v < 0)");
    case Round::rnd_inf:
      return cat(" + ", literal(half), " - (v < 0)");
    case Round::rnd_conv:
      return cat(" + ", literal(half - 1), " + (", floor_shift(c.type()), "(v, ", k, ") & 1)");
  }
  return "";
}

/// `r` from `v`: k places dropped.
std::string rounded(const Conversion& c, int k) {
  const std::string type = c.type();
  if (k == 0) return cat("  const ", type, " r = v;\n");
  if (k > 62) return cat("  const ", type, " r = ", c.round == Round::trn ? "v < 0 ? -1 : 0" : "v - v", ";\n");
  return cat("  const ", type, " r = ", floor_shift(type), "(v", added_constant(c, k), ", ", k, ");\n");
}

std::string limited(const Conversion& c, Interval r) {
  const std::int64_t hi = c.to.hi();
  const std::int64_t lo = c.overflow == Overflow::sat_sym && c.to.s ? -hi : c.to.lo();
  const bool above = r.hi > hi, below = r.lo < lo;
  switch (c.overflow) {
    case Overflow::sat:
    case Overflow::sat_sym:
      return cat(above ? cat("  if (r > ", literal(hi), ") return ", literal(hi), ";\n") : std::string(),
                 below ? cat("  if (r < ", literal(lo), ") return ", literal(lo), ";\n") : std::string(),
                 "  return r;\n");
    case Overflow::sat_zero:
      return cat(above ? cat("  if (r > ", literal(hi), ") return 0;\n") : std::string(),
                 below ? cat("  if (r < ", literal(lo), ") return 0;\n") : std::string(), "  return r;\n");
    case Overflow::wrap_mag:
      if (!above && r.lo >= -hi) return "  return r;\n";
      return cat("  const int64_t m = (int64_t)((uint64_t)(r < 0 ? -r : r) & UINT64_C(", hi, "));\n  return (",
                 c.type(), ")(r < 0 ? -m : m);\n");
    case Overflow::wrap:
      break;
  }
  if (!above && !below) return "  return r;\n";
  const std::string low =
      cat("  const int64_t low = (int64_t)((uint64_t)r & UINT64_C(", (std::uint64_t{1} << c.to.w) - 1, "));\n");
  if (!c.to.s) return cat(low, "  return (", c.type(), ")low;\n");
  return cat(low, "  return (", c.type(), ")(low > ", literal(hi), " ? low - INT64_C(", std::int64_t{1} << c.to.w,
             ") : low);\n");
}

}  // namespace

std::string storage_type(Interval range) {
  if (range.lo >= 0)
    for (const int bits : {8, 16, 32, 64})
      if (range.hi < Wide{1} << bits) return cat("uint", bits, "_t");
  for (const int bits : {8, 16, 32})
    if (range.lo >= -(Wide{1} << (bits - 1)) && range.hi < Wide{1} << (bits - 1)) return cat("int", bits, "_t");
  return "int64_t";
}

int bytes_of(const std::string& type) {
  for (const int bits : {8, 16, 32})
    if (type.find(std::to_string(bits)) != std::string::npos) return bits / 8;
  return 8;
}

std::string work_type(Wide magnitude) {
  return magnitude < Wide{1} << 31 ? "int32_t" : "int64_t";
}

std::string literal(std::int64_t value) {
  const bool narrow = value > INT32_MIN && value <= INT32_MAX;
  return narrow ? std::to_string(value) : cat("INT64_C(", value, ")");
}

std::string array(const std::string& type, const std::string& name, const std::vector<std::int64_t>& values) {
  std::string out = cat("static const ", type, " ", name, "[", values.size(), "] = {\n    "), line;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string item = literal(values[i]) + (i + 1 < values.size() ? ", " : "");
    if (line.size() + item.size() > 115) {
      out += line + "\n    ";
      line.clear();
    }
    line += item;
  }
  return out + line + "};\n";
}

std::string floor_shift(const std::string& type) {
  return type == "int32_t" ? "asr32" : "asr64";
}

std::string floor_shift_functions(bool narrow, bool wide) {
  std::string out;
  for (const auto& [wanted, type] : {std::pair{narrow, std::string("int32_t")}, {wide, std::string("int64_t")}})
    if (wanted)
      out += cat("/* floor(x / 2^k) without shifting a negative number */\nstatic ", type, " ", floor_shift(type), "(",
                 type, " x, int k) {\n  return x >= 0 ? x >> k : -1 - ((-1 - x) >> k);\n}\n\n");
  return out;
}

std::string Conversion::type() const {
  const int k = f_in - to.f;
  if (k <= 0) {
    const Wide scaled = k < -62 ? Wide{1} << 100 : largest(in) * (Wide{1} << -k);
    return k == 0 || scaled < Wide{1} << 31 ? work_type(std::max({largest(in), scaled, Wide{to.hi()}})) : "int64_t";
  }
  const Wide most = largest(in) + (Wide{1} << std::min(k, 62));
  return work_type(std::max({most, Wide{to.hi()}, -Wide{to.lo()}}));
}

bool Conversion::needs_shift() const {
  const int k = f_in - to.f;
  return k > 0 && k <= 62;
}

std::string Conversion::function(const std::string& name) const {
  const int k = f_in - to.f;
  const std::string head = cat("/* ", to.str(), " ", fixed::name(round), " ", fixed::name(overflow), " from ", f_in,
                               " fraction bits */\nstatic ", type(), " ", name, "(", type(), " v) {\n");
  if (k < 0) return head + shifted_left(*this, -k) + "}\n\n";
  const Interval r{fixed::round_shift(static_cast<std::int64_t>(in.lo), k, round),
                   fixed::round_shift(static_cast<std::int64_t>(in.hi), k, round)};
  return head + rounded(*this, k) + limited(*this, r) + "}\n\n";
}

}  // namespace thimble::hw::c99
