#include "core/fixed/convert.h"
#include "core/fixed/type.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::fixed;
using test::error_of;
using test::says;

TEST_CASE("format texts read back to the same quantiser") {
  for (const char* text : {"fx<9,1,6,RND_CONV,SAT_SYM>", "fx<62,0,-7,TRN,WRAP>", "fx<1,1,0,RND_INF,WRAP_MAG>",
                           "fx<18,1,90,RND_MIN_INF,SAT_ZERO>"})
    CHECK(parse_quantiser(text).str() == text);
}

TEST_CASE("the notations of other tools mean the types they mean there") {
  CHECK(parse_quantiser("fx<9,1,6>").str() == "fx<9,1,6,RND_CONV,SAT>");
  CHECK(parse_quantiser("ap_fixed<16,6>").str() == "fx<16,1,10,TRN,WRAP>");
  CHECK(parse_quantiser("ap_ufixed<11, 3, RND_CONV, SAT>").str() == "fx<11,0,8,RND_CONV,SAT>");
  CHECK(parse_quantiser("ap_fixed<4,-1>").str() == "fx<4,1,5,TRN,WRAP>");
  CHECK(parse_quantiser("(9,6)").str() == "fx<9,1,6,RND_CONV,SAT_SYM>");
  CHECK(parse_quantiser("(9,6)").grad == Grad::mask);
}

TEST_CASE("nonsense formats are refused with the part that is wrong") {
  CHECK(says(error_of([] { parse_quantiser("fx<63,1,0>"); }), "width 63"));
  CHECK(says(error_of([] { parse_quantiser("fx<8,2,0>"); }), "signed is 0 or 1"));
  CHECK(says(error_of([] { parse_quantiser("fx<8,1,0,RND_CNV,SAT>"); }), "did you mean RND_CONV?"));
  CHECK(says(error_of([] { parse_quantiser("ap_fixd<8,1>"); }), "did you mean ap_fixed?"));
  CHECK(says(error_of([] { parse_quantiser("fx<8,1,zero>"); }), "'zero' is not an integer"));
  CHECK(says(error_of([] { parse_quantiser("quantized_bits(8,0,alpha=auto)"); }), "alpha must be 1 or None"));
  CHECK(says(error_of([] { parse_quantiser("fx<8,0,0,TRN,WRAP_MAG>"); }), "signed type"));
  CHECK(error_of([] { parse_quantiser(""); }));
  CHECK(error_of([] { parse_quantiser("fx<8"); }));
  CHECK(error_of([] { parse_quantiser("fx<99999999999999999999,1,0>"); }));
}

namespace {

/// Formulas of the QKeras quantisers, in floating point as they are evaluated there (round half to even).
double bits_formula(double x, int bits, int integer, bool symmetric, bool keep_negative) {
  const int unsigned_bits = bits - (keep_negative ? 1 : 0);
  const double m = std::ldexp(1.0, unsigned_bits), scale = std::ldexp(1.0, integer);
  const double p = std::nearbyint(x * m / scale);
  const double low = keep_negative ? -m + (symmetric ? 1 : 0) : 0;
  return scale * std::min(std::max(p, low), m - 1) / m;
}
double relu_formula(double x, int bits, int integer) {
  const double m = std::ldexp(1.0, bits), scale = std::ldexp(1.0, integer);
  const double p = std::nearbyint(x * m / scale);
  return scale * std::min(std::max(p, 0.0), m - 1) / m;
}

template <class Formula>
int sampled_differences(const char* text, Formula formula) {
  const Quantiser q = parse_quantiser(text);
  SplitMix64 random(4);
  int differences = 0;
  for (int i = 0; i < 60; ++i) {
    // multiples of half a step, so that every second sample is a tie, beyond both ends of the range
    const double x = static_cast<double>(random.uniform(-3 * q.type.hi(), 3 * q.type.hi())) * q.type.step() / 2;
    differences += q.type.value(convert(x, q)) != formula(x);
  }
  return differences;
}

}  // namespace

TEST_CASE(
    "[HW-04] imported QKeras bits and relu quantisers agree with their floating-point formulas on 60 samples each") {
  CHECK(sampled_differences("quantized_bits(8,2)", [](double x) { return bits_formula(x, 8, 2, false, true); }) == 0);
  CHECK(sampled_differences("quantized_bits(8,0,alpha=1)",
                            [](double x) { return bits_formula(x, 8, 0, false, true); }) == 0);
  CHECK(sampled_differences("quantized_bits(6,1,1)", [](double x) { return bits_formula(x, 6, 1, true, true); }) == 0);
  CHECK(sampled_differences("quantized_bits(bits=5, integer=2, keep_negative=False)",
                            [](double x) { return bits_formula(x, 5, 2, false, false); }) == 0);
  CHECK(sampled_differences("quantized_relu(6)", [](double x) { return relu_formula(x, 6, 0); }) == 0);
  CHECK(sampled_differences("quantized_relu(11,3)", [](double x) { return relu_formula(x, 11, 3); }) == 0);
}
