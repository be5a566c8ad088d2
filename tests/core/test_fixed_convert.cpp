#include "core/fixed/convert.h"
#include "core/io/json.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::fixed;
using test::error_of;
using test::says;

namespace {

constexpr std::array kRounds = {Round::trn,     Round::trn_zero,    Round::rnd,     Round::rnd_zero,
                                Round::rnd_inf, Round::rnd_min_inf, Round::rnd_conv};
constexpr std::array kOverflows = {Overflow::wrap, Overflow::sat, Overflow::sat_zero, Overflow::sat_sym,
                                   Overflow::wrap_mag};

/// The definition in words: floor and remainder of x / 2^k, then the rule of the mode. Independent of the add-shift
/// form.
std::int64_t rounded_by_words(std::int64_t x, int k, Round mode) {
  const std::int64_t d = std::int64_t{1} << k;
  std::int64_t floor = x / d;
  if (x % d < 0) --floor;
  const std::int64_t twice = 2 * (x - floor * d);
  if (twice == 0) return floor;
  if (mode == Round::trn) return floor;
  if (mode == Round::trn_zero) return x < 0 ? floor + 1 : floor;
  if (twice != d) return twice > d ? floor + 1 : floor;
  switch (mode) {
    case Round::rnd:
      return floor + 1;
    case Round::rnd_zero:
      return x < 0 ? floor + 1 : floor;
    case Round::rnd_inf:
      return x < 0 ? floor : floor + 1;
    case Round::rnd_min_inf:
      return floor;
    default:
      return floor % 2 == 0 ? floor : floor + 1;
  }
}

}  // namespace

TEST_CASE("[HW-01] all 26,544 ap_fixed conversions of the vendor's header come out equal") {
  // origin: tests/data/hardware/fixed_point_cases.json
  const auto cases = io::read_json(test::test_data("hardware/fixed_point_cases.json"));
  const int f_in = cases["in_frac"].get<int>();
  const auto in = cases["in"].get<std::vector<std::int64_t>>();
  int compared = 0, differences = 0;
  for (const auto& row : cases["cases"]) {
    const int w = row["W"].get<int>();
    const FxType to{w, row["signed"].get<int>() != 0, w - row["I"].get<int>()};
    const Round round = parse_round(row["Q"].get<std::string>());
    const Overflow over = parse_overflow(row["O"].get<std::string>());
    const auto out = row["out"].get<std::vector<std::int64_t>>();
    for (std::size_t k = 0; k < in.size(); ++k, ++compared) {
      differences += convert(in[k], f_in, to, round, over) != out[k];
      differences += convert(std::ldexp(static_cast<double>(in[k]), -f_in), to, round, over) != out[k];
    }
  }
  CHECK(compared == 26544);
  CHECK(differences == 0);
}

TEST_CASE("[HW-01] adding a constant and shifting is rounding by its definition, for every mode and short shift") {
  int differences = 0;
  for (const Round mode : kRounds)
    for (int k = 1; k <= 7; ++k)
      for (std::int64_t x = -3000; x <= 3000; ++x)
        differences += static_cast<std::int64_t>(round_shift(x, k, mode)) != rounded_by_words(x, k, mode);
  CHECK(differences == 0);
}

TEST_CASE("[HW-01] shifts longer than the number, widths of 62 bits and the lowest integer are exact") {
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  CHECK(round_shift(-1, 500, Round::trn) == -1);
  CHECK(round_shift(-1, 500, Round::trn_zero) == 0);
  CHECK(round_shift(kLowest, 64, Round::rnd_inf) == -1);
  CHECK(round_shift(kLowest, 64, Round::rnd) == 0);
  CHECK(round_shift(kLowest, 65, Round::rnd_inf) == 0);
  const FxType wide{62, true, 0};
  CHECK(convert(kLowest, 0, wide, Round::trn, Overflow::sat) == -(std::int64_t{1} << 61));
  CHECK(convert(kLowest, 0, wide, Round::trn, Overflow::sat_sym) == 1 - (std::int64_t{1} << 61));
  CHECK(convert(kLowest + 5, 0, wide, Round::trn, Overflow::wrap) == 5);
  CHECK(convert(3, 0, {62, false, 1000}, Round::trn, Overflow::sat) == (std::int64_t{1} << 62) - 1);
  CHECK(convert(-3, 0, {62, true, 1000}, Round::trn, Overflow::wrap) == 0);
  CHECK(convert(3, 1000, {62, true, -1000}, Round::rnd_conv, Overflow::wrap) == 0);
}

TEST_CASE("[HW-01] one-bit signed types hold -1 and 0") {
  const FxType bit{1, true, 0};
  CHECK(convert(1, 0, bit, Round::trn, Overflow::wrap) == -1);
  CHECK(convert(1, 0, bit, Round::trn, Overflow::sat) == 0);
  CHECK(convert(-1, 0, bit, Round::trn, Overflow::sat_sym) == 0);
}

TEST_CASE("sign-magnitude wrap keeps the sign and the magnitude's low bits") {
  const FxType to{9, true, 6};
  CHECK(convert(300, 6, to, Round::trn_zero, Overflow::wrap_mag) == 44);
  CHECK(convert(-300, 6, to, Round::trn_zero, Overflow::wrap_mag) == -44);
  CHECK(convert(-256, 6, to, Round::trn_zero, Overflow::wrap_mag) == 0);
}

namespace {

template <FxType To, Round Q, Overflow O>
int typed_differences(SplitMix64& random, int count) {
  int differences = 0;
  for (int i = 0; i < count; ++i) {
    const auto q = static_cast<std::int64_t>(random()) >> random.uniform(0, 60);
    const int f = static_cast<int>(random.uniform(-10, 30));
    differences += convert<To, Q, O>(q, f) != convert(q, f, To, Q, O);
  }
  return differences;
}

}  // namespace

TEST_CASE("[HW-02] formats fixed at compile time and at run time agree on a million random conversions") {
  const std::uint64_t seed = 20261120;
  INFO("seed ", seed);
  SplitMix64 random(seed);
  int differences = 0;
  differences += typed_differences<FxType{9, true, 6}, Round::rnd_conv, Overflow::sat_sym>(random, 200'000);
  differences += typed_differences<FxType{14, true, 12}, Round::trn_zero, Overflow::sat>(random, 200'000);
  differences += typed_differences<FxType{11, false, 8}, Round::rnd, Overflow::sat_zero>(random, 200'000);
  differences += typed_differences<FxType{18, true, -3}, Round::rnd_inf, Overflow::wrap>(random, 200'000);
  differences += typed_differences<FxType{62, true, 40}, Round::rnd_min_inf, Overflow::wrap_mag>(random, 200'000);
  CHECK(differences == 0);
  static_assert(convert<FxType{4, true, 2}, Round::rnd, Overflow::sat>(31, 4) == 7);
}

TEST_CASE("doubles and floats convert exactly, far outside the range too") {
  const FxType to{16, true, 8};
  CHECK(convert(0.001953125, to, Round::rnd, Overflow::sat) == 1);  // exactly half a step
  CHECK(convert(0.001953125, to, Round::rnd_conv, Overflow::sat) == 0);
  CHECK(convert(std::nextafter(0.001953125, 1.0), to, Round::rnd_conv, Overflow::sat) == 1);
  CHECK(convert(-1e300, to, Round::rnd_conv, Overflow::sat) == -32768);
  CHECK(convert(5e-324, to, Round::trn, Overflow::sat) == 0);
  CHECK(convert(-5e-324, to, Round::trn, Overflow::sat) == -1);
  CHECK(convert(static_cast<double>(0.1f), FxType{30, true, 27}, Round::trn, Overflow::sat) == 13421773);
}

TEST_CASE("a number that is not finite has no fixed-point form") {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL})
    CHECK(says(error_of([&] { convert(bad, FxType{8, true, 0}, Round::trn, Overflow::sat); }), "finite"));
}

TEST_CASE("a width too small for a weight is refused with the width it needs") {
  const auto error = error_of([] { convert_or_refuse(2.5, {8, true, 6}, Round::rnd_inf, "hidden.weight[3][1]"); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::value);
  CHECK(says(error, "hidden.weight[3][1]: 2.5 does not fit fx<8,1,6>, it needs 9 bits"));
  CHECK(convert_or_refuse(-2.0, {8, true, 6}, Round::rnd_inf, "w") == -128);
}

TEST_CASE("many values quantise with one fraction per channel") {
  const Quantiser q{.type = {8, true, 4}, .channel_f = {4, 2}};
  const std::vector<float> in = {1.0f, 1.0f, -0.5f, -0.5f};
  std::vector<std::int64_t> out(4);
  quantise(in, q, out);
  CHECK(out == std::vector<std::int64_t>{16, 4, -8, -2});
}

TEST_CASE("many values quantise as one by one, ties, edges, tiny and huge numbers included [R16]") {
  const std::uint64_t seed = 20261121;
  INFO("seed ", seed);
  SplitMix64 random(seed);
  std::vector<double> values = {0.0, -0.0, 5e-324, -5e-324, 1e-300, -1e-300, 1e300, -1e300, 0.5, -0.5};
  for (const double edge : {0.5, 1.0, 1.5, 2.5, 128.0, 2047.5, 0x1p51, 0x1p52, 0x1p61})
    for (const double v : {edge, std::nextafter(edge, 0.0), std::nextafter(edge, 1e300)})
      for (const double scale : {1.0, 0x1p-4, 0x1p-12}) values.insert(values.end(), {v * scale, -v * scale});
  for (int i = 0; i < 500; ++i)
    values.push_back(
        std::ldexp(static_cast<double>(random.uniform(-4096, 4096)), static_cast<int>(random.uniform(-20, 8))));
  std::vector<float> narrow(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    narrow[i] = std::abs(values[i]) < 1e38 ? static_cast<float>(values[i]) : 7;
  std::vector<std::int64_t> out(values.size());
  int differences = 0;
  for (const FxType& type : {FxType{8, true, 4}, FxType{14, true, 12}, FxType{11, false, 8}, FxType{62, true, 40},
                             FxType{12, true, -3}, FxType{16, true, 1000}})
    for (const Round round : kRounds)
      for (const Overflow over : kOverflows) {
        const Quantiser to{.type = type, .round = round, .overflow = over};
        quantise(values, to, out);
        for (std::size_t i = 0; i < out.size(); ++i) differences += out[i] != convert(values[i], to);
        quantise(narrow, to, out);
        for (std::size_t i = 0; i < out.size(); ++i)
          differences += out[i] != convert(static_cast<double>(narrow[i]), to);
      }
  CHECK(differences == 0);
  values[3] = std::nan("");
  CHECK(says(error_of([&] { quantise(values, Quantiser{.type = {8, true, 4}}, out); }), "finite"));
}

TEST_CASE("every overflow mode keeps every integer inside its type, exhaustively for narrow types") {
  int outside = 0, changed = 0;
  for (const Overflow mode : kOverflows)
    for (int w = 2; w <= 6; ++w)
      for (const bool s : {true, false}) {
        if (mode == Overflow::wrap_mag && !s) continue;
        const FxType type{w, s, 0};
        for (std::int64_t n = -300; n <= 300; ++n) {
          const std::int64_t q = overflow(n, type, mode);
          outside += !type.contains(q);
          changed += type.contains(n) && q != n && n != type.lo();
        }
      }
  CHECK(outside == 0);
  CHECK(changed == 0);
}
