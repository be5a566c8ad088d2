#include "core/io/json.h"
#include "core/random/splitmix.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <limits>

#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::io;
using nlohmann::json;
using test::error_of;
using test::says;

namespace {

std::optional<Error> json_refusal(std::string_view text, JsonLimits limits = {}) {
  return error_of([&] { parse_json(text, "f.json", limits); });
}

}  // namespace

TEST_CASE("JSON that nlohmann takes silently is refused with its line and column") {
  const auto duplicate = json_refusal("{\n  \"a\": 1,\n  \"a\": 2}");
  CHECK(says(duplicate, "duplicate key \"a\""));
  CHECK(duplicate->place().line == 3);
  CHECK(says(json_refusal("[18446744073709551616]"), "does not fit 64 bits"));
  CHECK(says(json_refusal("[-9223372036854775809]"), "does not fit 64 bits"));
  CHECK(says(json_refusal("{\"a\": 1} x"), "f.json:1:"));
  CHECK(says(json_refusal("[1e999]"), "number"));
  CHECK(says(json_refusal("\"\xff\""), "UTF-8"));
  CHECK(json_refusal(""));
  CHECK(json_refusal("[NaN]"));
  CHECK(json_refusal("[1,]"));
  CHECK(json_refusal("[01]"));
  CHECK(json_refusal("[0x10]"));
  CHECK(json_refusal("[1] // comment"));
  CHECK(json_refusal("[\"a\tb\"]"));
}

TEST_CASE("JSON nested beyond the limit is refused, also ten million levels of it") {
  CHECK_FALSE(json_refusal(std::string(64, '[') + std::string(64, ']')));
  CHECK(says(json_refusal(std::string(65, '[') + std::string(65, ']')), "deeper than 64"));
  CHECK(says(json_refusal(std::string(10'000'000, '[')), "deeper than 64"));
  CHECK(says(json_refusal("[1,2,3]", JsonLimits{4, 64}), "exceeds the limit of 4 bytes"));
}

TEST_CASE("JSON keeps integers as integers up to 64 bits") {
  const json value = parse_json("[18446744073709551615, -9223372036854775808, 1.0, 1e3]", "f.json");
  CHECK(value[0].is_number_unsigned());
  CHECK(value[0].get<std::uint64_t>() == 18446744073709551615u);
  CHECK(value[1].get<std::int64_t>() == std::numeric_limits<std::int64_t>::min());
  CHECK(value[2].is_number_float());
  CHECK(value[3].is_number_float());
}

TEST_CASE("the JSON writer never throws and writes canonical text") {
  json value;
  value["b"] = {1, 2.0, -0.5, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()};
  value["a"] = "\xff\x1b\"\\\n\xC3\xA4";
  value["c"] = json::object();
  CHECK(canonical_json(value) ==
        "{\"a\":\"\xEF\xBF\xBD\\u001b\\\"\\\\\\n\xC3\xA4\",\"b\":[1,2.0,-0.5,null,null],\"c\":{}}");
  CHECK(json_text(json{{"k", {1, 2}}}, 2) == "{\n  \"k\": [\n    1,\n    2\n  ]\n}");
  nlohmann::ordered_json ordered;
  ordered["z"] = 1;
  ordered["a"] = nullptr;
  CHECK(json_text(ordered) == "{\"z\":1,\"a\":null}");
}

TEST_CASE("JSON doubles print as Python's repr does") {
  // expected texts: repr() of Python 3.11
  CHECK(json_number(0.1) == "0.1");
  CHECK(json_number(1.0) == "1.0");
  CHECK(json_number(1e-5) == "1e-05");
  CHECK(json_number(0.0001) == "0.0001");
  CHECK(json_number(100000.0) == "100000.0");
  CHECK(json_number(1e16) == "1e+16");
  CHECK(json_number(123456789012345680.0) == "1.2345678901234568e+17");
  CHECK(json_number(static_cast<double>(0.1f)) == "0.10000000149011612");
  CHECK(json_number(-0.0) == "-0.0");
}

TEST_CASE("what the JSON writer writes, the reader reads back to the same") {
  const json value = parse_json(R"({"x": [1, 2.5, "t\u0007", true, null, {"y": -3}], "e": 1e-300})", "f.json");
  CHECK(parse_json(json_text(value), "f.json") == value);
  CHECK(parse_json(json_text(value, 2), "f.json") == value);
}

TEST_CASE("mutated JSON is refused or means the same when written and read again [R17]") {
  const std::uint64_t seed = 20267;
  MESSAGE("seed ", seed);
  SplitMix64 random(seed);
  const std::string good =
      R"({"format": "fxir", "nodes": [{"w": [-3, 2.5e-3, true, null], "name": "a\u00e4\n"}], "n": 18})";
  constexpr std::string_view alphabet = "{}[]\",:0123456789.eE+-\\ \n\x80\xc3untrfals";
  int wrong = 0, accepted = 0;
  for (int trial = 0; trial < 10'000; ++trial) {
    std::string bad = good;
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits)
      bad[random() % bad.size()] = alphabet[random() % alphabet.size()];
    std::optional<json> value;
    error_of([&] { value = parse_json(bad, "f.json"); });
    if (!value) continue;
    ++accepted;
    if (parse_json(json_text(*value), "f.json") != *value) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(accepted > 100);
}
