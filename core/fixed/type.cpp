#include "core/fixed/type.h"

#include "core/base/error.h"

#include <array>
#include <cmath>

namespace thimble::fixed {
namespace {

constexpr std::array<std::string_view, 7> kRoundNames = {"TRN",     "TRN_ZERO",    "RND",     "RND_ZERO",
                                                         "RND_INF", "RND_MIN_INF", "RND_CONV"};
constexpr std::array<std::string_view, 5> kOverflowNames = {"WRAP", "SAT", "SAT_ZERO", "SAT_SYM", "WRAP_MAG"};

template <class Mode, std::size_t N>
Mode parse_mode(std::string_view text, const std::array<std::string_view, N>& names, std::string_view kind) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Mode>(i);
  const std::vector<std::string> known(names.begin(), names.end());
  const std::string near = text::nearest(text, known);
  throw Error(ErrorKind::value, text::cat("unknown ", kind, " mode '", text::printable(text), "'"), {},
              near.empty() ? text::cat("one of ", text::join(known, ", ")) : text::cat("did you mean ", near, "?"));
}

/// A notation taken apart: head, then arguments, some of them named.
struct Call {
  std::string_view whole, head;
  std::vector<std::pair<std::string, std::string>> arguments = {};  // name (may be empty), text

  [[noreturn]] void wrong(std::string_view why) const {
    throw Error(
        ErrorKind::value, text::cat("format '", text::printable(whole), "': ", why), {},
        "for example fx<9,1,6,RND_CONV,SAT_SYM>, ap_fixed<10,4>, quantized_bits(8,2), quantized_relu(11,3), (9,6)");
  }
  /// Argument by position or name; empty if it was not given.
  std::string get(std::size_t position, std::string_view key) const {
    for (const auto& [name, value] : arguments)
      if (!name.empty() && name == key) return value;
    return position < arguments.size() && arguments[position].first.empty() ? arguments[position].second : "";
  }
  int integer(std::size_t position, std::string_view key, int fallback) const {
    const std::string given = get(position, key);
    if (given.empty()) return fallback;
    if (given == "True" || given == "true") return 1;
    if (given == "False" || given == "false") return 0;
    std::int64_t value = 0;
    double real = 0;
    if (!text::parse(given, value)) {
      if (!text::parse(given, real) || real != std::floor(real) || std::abs(real) > 1e6)
        wrong(text::cat("'", text::printable(given), "' is not an integer"));
      value = static_cast<std::int64_t>(real);
    }
    if (value < -1'000'000 || value > 1'000'000) wrong(text::cat(given, " is out of range"));
    return static_cast<int>(value);
  }
  int required(std::size_t position, std::string_view key) const {
    if (get(position, key).empty()) wrong(text::cat("needs a value for ", key));
    return integer(position, key, 0);
  }
  void at_most(std::size_t count) const {
    if (arguments.size() > count) wrong(text::cat("takes at most ", count, " arguments"));
  }
};

Call take_apart(std::string_view text) {
  Call call{.whole = text, .head = {}};
  std::string_view body = text::trim(text);
  const std::size_t open = body.find_first_of("<(");
  if (open == std::string_view::npos || body.back() != (body[open] == '<' ? '>' : ')'))
    call.wrong("expected a name and arguments in brackets");
  call.head = text::trim(body.substr(0, open));
  body = body.substr(open + 1, body.size() - open - 2);
  for (const std::string& part : text::split(body, ',')) {
    const auto equals = part.find('=');
    if (equals == std::string::npos)
      call.arguments.emplace_back("", text::trim(part));
    else
      call.arguments.emplace_back(text::trim(part.substr(0, equals)), text::trim(part.substr(equals + 1)));
  }
  return call;
}

void set_modes(Quantiser& q, const Call& call, std::size_t first) {
  if (const std::string given = call.get(first, "Q"); !given.empty()) q.round = parse_round(given);
  if (const std::string given = call.get(first + 1, "O"); !given.empty()) q.overflow = parse_overflow(given);
}

Quantiser from_fx(const Call& call) {
  call.at_most(5);
  const int s = call.required(1, "s");
  if (s != 0 && s != 1) call.wrong("signed is 0 or 1");
  Quantiser q{.type = {call.required(0, "w"), s == 1, call.required(2, "f")}};
  set_modes(q, call, 3);
  return q;
}

Quantiser from_ap_fixed(const Call& call, bool is_signed) {
  call.at_most(4);
  const int w = call.required(0, "W");
  Quantiser q{.type = {w, is_signed, w - call.required(1, "I")}, .round = Round::trn, .overflow = Overflow::wrap};
  set_modes(q, call, 2);
  return q;
}

/// QKeras: `integer` excludes the sign bit; only alpha = 1 or None keeps power-of-two steps.
Quantiser from_quantized_bits(const Call& call) {
  call.at_most(5);
  const int bits = call.required(0, "bits"), integer = call.integer(1, "integer", 0);
  const int keep_negative = call.integer(3, "keep_negative", 1);
  const std::string alpha = call.get(4, "alpha");
  double alpha_value = 1;
  if (!alpha.empty() && alpha != "None" && (!text::parse(alpha, alpha_value) || alpha_value != 1))
    call.wrong("alpha must be 1 or None, other scales are not powers of two");
  if (bits == 1 && keep_negative != 0) call.wrong("one bit with sign means -1 or +1, which is not a fixed-point type");
  const bool symmetric = call.integer(2, "symmetric", 0) != 0 && keep_negative != 0;
  return {.type = {bits, keep_negative != 0, bits - (keep_negative != 0 ? 1 : 0) - integer},
          .round = Round::rnd_conv,
          .overflow = symmetric ? Overflow::sat_sym : Overflow::sat};
}

Quantiser from_quantized_relu(const Call& call) {
  call.at_most(2);
  const int bits = call.required(0, "bits");
  return {.type = {bits, false, bits - call.integer(1, "integer", 0)},
          .round = Round::rnd_conv,
          .overflow = Overflow::sat,
          .grad = Grad::mask_pos};
}

Quantiser from_pair(const Call& call) {
  call.at_most(2);
  return {.type = {call.required(0, "wl"), true, call.required(1, "fl")},
          .round = Round::rnd_conv,
          .overflow = Overflow::sat_sym,
          .grad = Grad::mask};
}

Quantiser from_call(const Call& call) {
  if (call.head == "fx") return from_fx(call);
  if (call.head == "ap_fixed") return from_ap_fixed(call, true);
  if (call.head == "ap_ufixed") return from_ap_fixed(call, false);
  if (call.head == "quantized_bits") return from_quantized_bits(call);
  if (call.head == "quantized_relu") return from_quantized_relu(call);
  if (call.head.empty()) return from_pair(call);
  const std::string near =
      text::nearest(call.head, {"fx", "ap_fixed", "ap_ufixed", "quantized_bits", "quantized_relu"});
  call.wrong(near.empty() ? std::string("unknown notation") : text::cat("did you mean ", near, "?"));
}

}  // namespace

double FxType::step() const {
  return std::ldexp(1.0, -f);
}

std::string FxType::str() const {
  return text::cat("fx<", w, ',', s ? 1 : 0, ',', f, '>');
}

void check(const FxType& type, std::string_view what) {
  THIMBLE_CHECK(type.w >= 1 && type.w <= kMaxWidth, value, what, ": width ", type.w, " is not within 1..", kMaxWidth);
  THIMBLE_CHECK(type.f >= -kMaxFraction && type.f <= kMaxFraction, value, what, ": fraction ", type.f,
                " is not within -", kMaxFraction, "..", kMaxFraction);
}

std::string Quantiser::str() const {
  return text::cat("fx<", type.w, ',', type.s ? 1 : 0, ',', type.f, ',', name(round), ',', name(overflow), '>');
}

std::string_view name(Round mode) {
  return kRoundNames[static_cast<std::size_t>(mode)];
}
std::string_view name(Overflow mode) {
  return kOverflowNames[static_cast<std::size_t>(mode)];
}
Round parse_round(std::string_view text) {
  return parse_mode<Round>(text, kRoundNames, "rounding");
}
Overflow parse_overflow(std::string_view text) {
  return parse_mode<Overflow>(text, kOverflowNames, "overflow");
}

Quantiser parse_quantiser(std::string_view text) {
  const Call call = take_apart(text);
  Quantiser q = from_call(call);
  check(q.type, text::cat("format '", text::printable(text), "'"));
  if (q.overflow == Overflow::wrap_mag && !q.type.s) call.wrong("WRAP_MAG needs a signed type");
  return q;
}

}  // namespace thimble::fixed
