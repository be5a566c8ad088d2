#include "core/fixed/convert.h"
#include "core/fixed/mulshift.h"
#include "core/fixed/table.h"
#include "core/io/hash.h"
#include "core/io/json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::fixed;

namespace {

using Integers = std::vector<std::int64_t>;

std::string hash_of_lines(const Integers& values) {
  std::string text;
  for (const std::int64_t v : values) text += std::to_string(v) + "\n";
  return io::sha256_hex(text);
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}
double tangent(double x) {
  return std::tanh(x);
}

}  // namespace

TEST_CASE("[HW-09] generated activation tables equal the reference tables, entry by entry") {
  // origin: tests/data/hardware/lut_tables.json, computed with 200-bit reals
  const auto tables = io::read_json(test::test_data("hardware/lut_tables.json"));
  const auto values = [&](const char* name) { return tables[name]["values"].get<Integers>(); };
  CHECK(make_table(tangent, {.f_in = 7, .count = 512, .out = {8, true, 7}}) == values("tanh_odd_a9_i7_o7"));
  CHECK(make_table(tangent, {.f_in = 8, .count = 1024, .sample = Sample::middle, .out = {11, true, 10}}) ==
        values("tanh_odd_a10_i8_o10_mid"));
  CHECK(make_table(sigmoid, {.f_in = 6, .count = 512, .out = {9, false, 8}}) == values("sigmoid_half_a9_i6_o8"));
  CHECK(make_table(tangent, {.f_in = 7, .first = -512, .count = 1024, .out = {18, true, 10}, .round = Round::trn}) ==
        values("tanh_hls4ml_1024"));
  CHECK(make_table(sigmoid, {.f_in = 6, .first = -512, .count = 1024, .out = {18, true, 10}, .round = Round::trn}) ==
        values("sigmoid_hls4ml_1024"));
}

TEST_CASE("[HW-09] both Belle II tables have their published hashes, and one entry for saturation") {
  const auto tables = io::read_json(test::test_data("hardware/lut_tables.json"));
  Integers a = saturating_tanh_half(22, 12, 12);
  REQUIRE(a.size() == 9938);
  CHECK(a[0] == 1);
  CHECK(a[301] == 599);
  CHECK(a.back() == 4096);
  a.pop_back();
  CHECK(hash_of_lines(a) == tables["belle2_tanh_half"]["sha256"].get<std::string>());
  Integers b = capped_tanh(12, 2, 12, 4);
  REQUIRE(b.size() == 4097);
  CHECK(b.back() == 4095);
  b.pop_back();
  CHECK(hash_of_lines(b) == tables["belle2_3dh_tanh"]["sha256"].get<std::string>());
}

TEST_CASE("int8 multipliers are derived as in the reference") {
  // origin: tests/data/hardware/requant_cases.json
  const auto cases = io::read_json(test::test_data("hardware/requant_cases.json"));
  int rows = 0, differences = 0;
  for (const auto& row : cases["quantize_multiplier"]["rows"]) {
    const double real = std::strtod(row[0].get<std::string>().c_str(), nullptr);
    differences += multiplier(real) != Multiplier{row[1].get<std::int32_t>(), row[2].get<int>()};
    ++rows;
  }
  CHECK(rows == 19);
  CHECK(differences == 0);
  CHECK(multiplier(std::ldexp(1.0, 40), Rounding::once) == Multiplier{INT32_MAX, 30});
}

TEST_CASE("int8 requantisation rounds once or twice, as the reference does") {
  const auto cases = io::read_json(test::test_data("hardware/requant_cases.json"));
  int rows = 0, differences = 0, apart = 0;
  for (const auto& row : cases["multiply_by_quantized_multiplier"]["rows"]) {
    const auto x = row[0].get<std::int32_t>();
    const Multiplier m{row[1].get<std::int32_t>(), row[2].get<int>()};
    const auto twice = multiply(x, m, Rounding::twice), once = multiply(x, m, Rounding::once);
    differences += twice != row[3].get<std::int64_t>();
    differences += once != row[4].get<std::int64_t>();
    apart += twice != once;
    ++rows;
  }
  for (const auto& row : cases["requant_with_zero_point"]["rows"]) {
    MulShift rule{.mant = {row[1].get<std::int32_t>()},
                  .e = {row[2].get<int>()},
                  .zero = row[3].get<int>(),
                  .act_min = row[4].get<int>(),
                  .act_max = row[5].get<int>()};
    differences += rule(row[0].get<std::int32_t>(), 0) != row[6].get<std::int64_t>();
    rule.rounding = Rounding::once;
    differences += rule(row[0].get<std::int32_t>(), 0) != row[7].get<std::int64_t>();
    ++rows;
  }
  CHECK(rows == 1050);
  CHECK(apart == 23);
  CHECK(differences == 0);
}
