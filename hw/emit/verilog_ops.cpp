#include "hw/emit/verilog_ops.h"

#include "core/base/text.h"
#include "core/fixed/convert.h"

#include <algorithm>
#include <bit>

namespace thimble::hw::rtl {

using fixed::Overflow;
using fixed::Round;
using text::cat;

namespace {

int ceil_log2(std::size_t n) {
  return n <= 1 ? 0 : static_cast<int>(std::bit_width(n - 1));
}

Wide magnitude(Wide value) {
  return value < 0 ? -value : value;
}

/// Exponent of a power of two, -1 for anything else.
int power_of_two(Wide value) {
  if (value <= 0 || (value & (value - 1)) != 0) return -1;
  int exponent = 0;
  while ((value >> exponent) != 1) ++exponent;
  return exponent;
}

std::string operand(std::size_t index) {
  return cat("@", index, ";");
}

std::string repeat(int count, const std::string& bit) {
  return cat("{", count, "{", bit, "}}");
}

std::string top_bit(const Value& value, std::size_t index) {
  return value.is_signed ? cat(operand(index), "[", value.width - 1, "]") : std::string("1'b0");
}

/// Bits from .. from + width - 1 of the value, continued by its sign.
std::string slice(const Value& value, std::size_t index, int from, int width) {
  const std::string sign = top_bit(value, index);
  const int available = value.width - from;
  if (available <= 0) return repeat(width, sign);
  if (width <= available) return cat(operand(index), "[", from + width - 1, ":", from, "]");
  const std::string bits = from == 0 ? operand(index) : cat(operand(index), "[", value.width - 1, ":", from, "]");
  return cat("{", repeat(width - available, sign), ", ", bits, "}");
}

/// One bit in the lowest place of `width` bits.
std::string unit(const std::string& bit, int width) {
  return width == 1 ? bit : cat("{", width - 1, "'d0, ", bit, "}");
}

/// Reads as a signed number of its own width, shifted left without loss.
std::string as_signed(const Value& value, std::size_t index, int shift = 0) {
  const std::string zeros = shift > 0 ? cat(", ", shift, "'d0") : "";
  if (!value.is_signed) return cat("$signed({1'b0, ", operand(index), zeros, "})");
  return shift > 0 ? cat("$signed({", operand(index), zeros, "})") : cat("$signed(", operand(index), ")");
}

Interval times(Interval a, Interval b) {
  const Wide corners[] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
  return {*std::min_element(std::begin(corners), std::end(corners)),
          *std::max_element(std::begin(corners), std::end(corners))};
}

Interval range(const Netlist& net, const Term& term) {
  const Interval a = net[term.a].range * term.coefficient;
  return term.b < 0 ? a : times(a, net[term.b].range);
}

bool multiplies(const Term& term) {
  return term.b >= 0 || power_of_two(magnitude(term.coefficient)) < 0;
}

/// The product without its sign.
std::string product(const Netlist& net, const Term& term, std::vector<Ref>& operands) {
  operands.push_back(term.a);
  const std::size_t a = operands.size() - 1;
  const Wide c = magnitude(term.coefficient);
  if (term.b >= 0) {
    operands.push_back(term.b);
    return cat(as_signed(net[term.a], a), " * ", as_signed(net[term.b], a + 1));
  }
  if (const int shift = power_of_two(c); shift >= 0) return as_signed(net[term.a], a, shift);
  const int width = fixed::width_of({0, c}) + 1;  // one more bit keeps the literal positive
  return cat(as_signed(net[term.a], a), " * ", width, "'sd", fixed::to_string(c));
}

std::string signed_literal(Wide value) {
  const Wide size = magnitude(value);
  return cat(value < 0 ? "-" : "", fixed::width_of({0, size}) + 1, "'sd", fixed::to_string(size));
}

constexpr std::size_t kRadix = 4;

struct Group {
  std::string text = {};
  std::vector<Ref> operands = {};
  Interval range = {};
  int levels = 0;
};

/// Text of up to kRadix terms and a constant.
Group group(const Netlist& net, const Term* first, std::size_t count, Wide constant) {
  Group out;
  out.range = {constant, constant};
  if (constant != 0 || count == 0) out.text = signed_literal(constant);
  bool multiplied = false;
  for (std::size_t i = 0; i < count; ++i) {
    const Term& term = first[i];
    const bool minus = term.coefficient < 0;
    const std::string factor = product(net, term, out.operands);
    if (out.text.empty()) {
      out.text = minus ? cat("-(", factor, ")") : factor;
    } else {
      out.text += cat(minus ? " - " : " + ", factor);
    }
    out.range = out.range + range(net, term);
    multiplied = multiplied || multiplies(term);
  }
  out.levels = (multiplied ? 2 : 0) + ceil_log2(count + (constant != 0 ? 1 : 0));
  return out;
}

}  // namespace

std::string extended(const Netlist& net, Ref ref, std::size_t index, int width) {
  return slice(net[ref], index, 0, width);
}

Ref sum(Netlist& net, const std::string& name, const std::vector<Term>& all, Wide constant, Interval result) {
  std::vector<Term> terms;
  for (const Term& term : all) {
    const Value& a = net[term.a];
    if (term.coefficient == 0) continue;
    if (a.kind == Value::Kind::constant && term.b < 0) {
      constant += term.coefficient * a.range.lo;
    } else {
      terms.push_back(term);
    }
  }
  if (result.lo == result.hi) return net.constant(result.lo);
  const int width = fixed::width_of(result);
  for (int layer = 0; terms.size() > kRadix; ++layer) {
    std::vector<Term> next;
    for (std::size_t i = 0; i < terms.size(); i += kRadix) {
      Group part = group(net, &terms[i], std::min(kRadix, terms.size() - i), constant);
      constant = 0;
      next.push_back({1, net.logic(cat(name, "_l", layer, "s", i / kRadix), part.range, std::move(part.text),
                                   std::move(part.operands), part.levels, width)});
    }
    terms = std::move(next);
  }
  Group root = group(net, terms.data(), terms.size(), constant);
  return net.logic(name, result, std::move(root.text), std::move(root.operands), root.levels);
}

Ref relu(Netlist& net, const std::string& name, Ref x, Interval result) {
  const Value& value = net[x];
  if (!value.is_signed) return x;
  const int width = fixed::width_of(result);
  return net.logic(name, result, cat(top_bit(value, 0), " ? ", width, "'d0 : ", slice(value, 0, 0, width)), {x}, 1);
}

Ref negate(Netlist& net, const std::string& name, Ref x, Interval result) {
  return net.logic(name, result, cat("-", slice(net[x], 0, 0, fixed::width_of(result))), {x}, 1);
}

Ref absolute(Netlist& net, const std::string& name, Ref x, Interval result) {
  const Value& value = net[x];
  if (!value.is_signed) return x;
  const std::string same = slice(value, 0, 0, fixed::width_of(result));
  return net.logic(name, result, cat(top_bit(value, 0), " ? -", same, " : ", same), {x}, 1);
}

Ref leaky_shift(Netlist& net, const std::string& name, Ref x, const op::LeakyShift& op, Interval result) {
  const Value& value = net[x];
  const int width = fixed::width_of(result);
  const int kept = width - op.n;  // bits of x that survive the shift in the result
  std::string shifted = slice(value, 0, 0, std::max(kept, 1));
  if (kept <= 0) {
    shifted = cat(width, "'d0");
  } else if (op.n > 0) {
    shifted = cat("{", shifted, ", ", op.n, "'d0}");
  }
  if (!value.is_signed) return net.logic(name, result, shifted, {x}, 0);
  const std::string below = cat(op.sign < 0 ? "-" : "", slice(value, 0, 0, width));
  return net.logic(name, result, cat(top_bit(value, 0), " ? ", below, " : ", shifted), {x}, op.sign < 0 ? 2 : 1);
}

namespace {

/// Largest constant that rounding adds before the shift by k.
Wide largest_addend(int k, Round round) {
  const Wide half = Wide{1} << (k - 1);
  switch (round) {
    case Round::trn:
      return 0;
    case Round::trn_zero:
      return 2 * half - 1;
    case Round::rnd_min_inf:
      return half - 1;
    default:
      return half;
  }
}

/// The constant of fixed::rounding_constant as an expression of `width` bits over the operand 0.
std::string addend(const Value& value, int k, Round round, int width) {
  const Wide half = Wide{1} << (k - 1);
  const std::string sign = top_bit(value, 0);
  switch (round) {
    case Round::trn_zero:
      return cat("(", sign, " ? ", literal(2 * half - 1, width), " : ", literal(0, width), ")");
    case Round::rnd_min_inf:
      return literal(half - 1, width);
    case Round::rnd_zero:
      return cat("(", sign, " ? ", literal(half, width), " : ", literal(half - 1, width), ")");
    case Round::rnd_inf:
      return cat("(", sign, " ? ", literal(half - 1, width), " : ", literal(half, width), ")");
    case Round::rnd_conv:
      return cat(literal(half - 1, width), " + ", unit(slice(value, 0, k, 1), width));
    default:
      return literal(half, width);
  }
}

/// round(x * 2^-k); the shift of k < 0 is exact.
Ref rounded(Netlist& net, const std::string& name, Ref x, int k, Round round) {
  const Value value = net[x];
  if (k == 0) return x;
  if (k < 0) {
    const int shift = std::min(-k, 63);
    return net.logic(cat(name, "_sh"), shifted_left(value.range, shift), cat("{@0;, ", shift, "'d0}"), {x}, 0);
  }
  const int dropped = std::min(k, 65);
  const auto lo = static_cast<std::int64_t>(value.range.lo), hi = static_cast<std::int64_t>(value.range.hi);
  const Interval after{fixed::round_shift(lo, dropped, round), fixed::round_shift(hi, dropped, round)};
  Ref added = x;
  if (round != Round::trn) {
    const Interval before{value.range.lo, value.range.hi + largest_addend(dropped, round)};
    const int width = fixed::width_of(before);
    added = net.logic(cat(name, "_ra"), before,
                      cat(slice(value, 0, 0, width), " + ", addend(value, dropped, round, width)), {x}, 1);
  }
  return net.logic(cat(name, "_rd"), after, slice(net[added], 0, dropped, fixed::width_of(after)), {added}, 0);
}

/// Some value of n lies above / below the type: the bits that would have to equal the sign (or zero) do not.
std::string above(const Value& n, int places) {
  if (!n.is_signed) return cat("(|@0;[", n.width - 1, ":", places, "])");
  return cat("(!@0;[", n.width - 1, "] && (|@0;[", n.width - 2, ":", places, "]))");
}
std::string below(const Value& n, const FxType& to) {
  const std::string negative = cat("@0;[", n.width - 1, "]");
  if (!to.s) return negative;
  return cat("(", negative, " && !(&@0;[", n.width - 2, ":", to.w - 1, "]))");
}

Ref saturated(Netlist& net, const std::string& name, Ref x, const FxType& to, Overflow overflow, Interval result) {
  const Value value = net[x];
  const int width = fixed::width_of(result);
  const Wide hi = to.hi(), lo = to.lo();
  const bool zero = overflow == Overflow::sat_zero;
  const bool symmetric = overflow == Overflow::sat_sym && to.s;
  std::string out = slice(value, 0, 0, width);
  int levels = 0;
  if (symmetric && value.range.contains(lo)) {
    out = cat("@0; == ", literal(lo, value.width), " ? ", literal(-hi, width), " : ", out);
    levels = 1;
  }
  if (value.range.lo < lo) {
    const Wide low = zero ? 0 : symmetric ? -hi : lo;
    out = cat(below(value, to), " ? ", literal(low, width), " : ", out);
    levels = 1;
  }
  if (value.range.hi > hi) {
    out = cat(above(value, to.s ? to.w - 1 : to.w), " ? ", literal(zero ? 0 : hi, width), " : ", out);
    levels = 1;
  }
  return net.logic(name, result, out, {x}, levels);
}

/// Sign kept, magnitude modulo 2^(w-1).
Ref wrapped_magnitude(Netlist& net, const std::string& name, Ref x, const FxType& to, Interval result) {
  const Ref size = absolute(net, cat(name, "_mag"), x, fixed::abs(net[x].range));
  const int width = fixed::width_of(result);
  const int kept = to.w - 1;
  if (kept == 0) return net.constant(0);
  const Value magnitude_value = net[size];
  const Ref low = net.logic(cat(name, "_low"), {0, to.hi()}, slice(magnitude_value, 0, 0, kept), {size}, 0);
  const Value sign_value = net[x];
  const std::string same = slice(net[low], 1, 0, width);
  return net.logic(name, result, cat(top_bit(sign_value, 0), " ? -", same, " : ", same), {x, low}, 1);
}

}  // namespace

Ref requant(Netlist& net, const std::string& name, Ref x, int f_in, const FxType& to, Round round, Overflow overflow,
            Interval result) {
  if (result.lo == result.hi) return net.constant(result.lo);
  const Ref n = rounded(net, name, x, f_in - to.f, round);
  if (overflow == Overflow::wrap_mag) return wrapped_magnitude(net, name, n, to, result);
  if (overflow == Overflow::wrap) {
    return net.logic(name, result, slice(net[n], 0, 0, fixed::width_of(result)), {n}, 0);
  }
  return saturated(net, name, n, to, overflow, result);
}

namespace {

/// x limited to lo..hi.
Ref clamped(Netlist& net, const std::string& name, Ref x, Wide lo, Wide hi, Interval result) {
  const Value value = net[x];
  const int width = fixed::width_of(result);
  std::string out = slice(value, 0, 0, width);
  int levels = 0;
  if (value.range.lo < lo) {
    out = cat(as_signed(value, 0), " < ", signed_literal(lo), " ? ", literal(lo, width), " : ", out);
    levels = 2;
  }
  if (value.range.hi > hi) {
    out = cat(as_signed(value, 0), " > ", signed_literal(hi), " ? ", literal(hi, width), " : ", out);
    levels = 2;
  }
  return net.logic(name, result, out, {x}, levels);
}

}  // namespace

Ref mulshift(Netlist& net, const std::string& name, Ref x, const fixed::MulShift& rule, std::size_t channel,
             Interval result) {
  if (result.lo == result.hi) return net.constant(result.lo);
  const fixed::Multiplier m = rule.at(channel);
  const bool once = rule.rounding == fixed::Rounding::once;
  const FxType word{32, true, 0};
  Ref factor = x;
  if (!once && m.e > 0) {
    const Interval shifted = shifted_left(net[x].range, m.e);
    const Ref wide = net.logic(cat(name, "_pre"), shifted, cat("{@0;, ", m.e, "'d0}"), {x}, 0);
    const Interval wrapped = fixed::range_of(word).contains(shifted) ? shifted : fixed::range_of(word);
    factor = requant(net, cat(name, "_w32"), wide, 0, word, Round::trn, Overflow::wrap, wrapped);
  }
  const Interval scaled = net[factor].range * m.mant;
  const Ref wide = sum(net, cat(name, "_mul"), {{m.mant, factor}}, 0, scaled);
  Ref out = rounded(net, cat(name, "_hi"), wide, once ? 31 - m.e : 31, Round::rnd);
  if (!once && m.e < 0) out = rounded(net, cat(name, "_rdp"), out, -m.e, Round::rnd_inf);
  const Interval centred = net[out].range + Interval{rule.zero, rule.zero};
  out = sum(net, cat(name, "_zp"), {{1, out}}, rule.zero, centred);
  return clamped(net, name, out, rule.act_min, rule.act_max, result);
}

Interval range_of_table(const Table& table) {
  const auto [lo, hi] = std::minmax_element(table.values.begin(), table.values.end());
  return {*lo, *hi};
}

Ref lookup(Netlist& net, const std::string& name, Ref x, const FxType& in, const op::Lut& op, const Table& table,
           const std::string& memory, Interval result) {
  if (result.lo == result.hi) return net.constant(result.lo);
  const bool folded = op.fold != Fold::none;
  const Value value = net[x];
  const Ref from = folded ? absolute(net, cat(name, "_abs"), x, fixed::abs(value.range)) : x;
  const Wide base = folded ? 0 : Wide{in.lo()} >> op.drop;
  const Interval range = net[from].range;
  const Interval index{(range.lo >> op.drop) - base, (range.hi >> op.drop) - base};
  const int width = fixed::width_of(index);
  std::string bits = slice(net[from], 0, op.drop, width);
  if (base != 0) bits = cat(bits, " - ", literal(base, width));
  Ref address = net.logic(cat(name, "_i"), index, bits, {from}, base != 0 ? 1 : 0);
  const auto last = static_cast<Wide>(table.values.size()) - 1;
  if (index.hi > last) address = clamped(net, cat(name, "_a"), address, 0, last, {index.lo, last});
  const Ref entry = net.rom(cat(name, "_t"), range_of_table(table), memory, address);
  const int out = fixed::width_of(result);
  if (!folded || !value.is_signed) return net.logic(name, result, slice(net[entry], 0, 0, out), {entry}, 0);
  const std::string same = slice(net[entry], 0, 0, out);
  const std::string one = op.fold == Fold::half ? literal(Wide{1} << table.type.f, out) : "";
  return net.logic(name, result, cat(top_bit(value, 1), " ? ", one, "-", same, " : ", same), {entry, x}, 1);
}

}  // namespace thimble::hw::rtl
