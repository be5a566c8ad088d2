#include "core/base/error.h"
#include "core/text/calls.h"
#include "core/text/expr.h"

#include <doctest/doctest.h>

#include <string>

using namespace thimble;
using namespace thimble::expr;

namespace {

std::string tree(const std::string& text) {
  return print(parse(text));
}

/// Message of the error, "" if none; the column goes to `column`.
std::string refused(const std::string& text, long* column = nullptr) {
  try {
    static_cast<void>(parse(text));
  } catch (const Error& error) {
    if (column != nullptr) *column = error.place().column;
    return error.message();
  }
  return "";
}

CallRules filter_rules() {
  CallRules rules;
  rules.prefix = "dataset_filters.";
  rules.signatures = {{"IdentityFilter", {}},
                      {"ExpertFilter", {{"expert", ArgumentType::integer}}},
                      {"DuplicateEventsFilter", {{"by_run", ArgumentType::boolean, false}}},
                      {"RangeFilter", {{"rng", ArgumentType::range}}},
                      {"ConCatFilter", {{"filters", ArgumentType::calls}}}};
  return rules;
}

std::string call_refused(const std::string& text) {
  try {
    static_cast<void>(parse_call(text, filter_rules(), "filter"));
  } catch (const Error& error) {
    CHECK(error.place().column <= static_cast<long>(text.size()) + 1);
    return error.message() + (error.hint().empty() ? "" : " | " + error.hint());
  }
  return "";
}

}  // namespace

TEST_CASE("an expression binds as written in the grammar") {
  CHECK(tree("loss <= 1.5 and age > 0") == "((loss <= 1.5) and (age > 0))");
  CHECK(tree("0.5 <= loss < 1.0") == "(0.5 <= loss < 1.0)");
  CHECK(tree("a or b and not c") == "(a or (b and (not c)))");
  CHECK(tree("1 + 2 * -3 % 4") == "(1 + ((2 * -3) % 4))");
  CHECK(tree("!(x) && label in [1, 'b'] || id not in [2]") ==
        "(((not x) and (label in [1, \"b\"])) or (id not in [2]))");
  CHECK(tree("quantile(loss, p=0.5)") == "quantile(loss, p=0.5)");
}

TEST_CASE("a printed expression parses to the same expression") {
  for (const char* text : {"not not (a <= b < 3)", "-(1 - 2) - 3", "tag(\"a\\\"b\") and x.y != .5e3", "f([[1], []])"}) {
    const std::string once = tree(text);
    CHECK(tree(once) == once);
  }
}

TEST_CASE("a refused expression names the column") {
  long column = 0;
  CHECK(refused("loss = 5", &column) == "'=' sets nothing here");
  CHECK(column == 6);
  CHECK(refused("loss < 1)", &column) == "')' without its opening bracket");
  CHECK(column == 9);
  CHECK(refused("loss < ", &column) == "ends early, a value is missing");
  CHECK(column == 8);
  CHECK(refused("1e999 > 0") == "the number 1e999 is out of range");
  CHECK(refused("\xE2\x80\x8Bloss < 1") == "unexpected character U+200B, perhaps invisible");
  CHECK(refused(std::string("loss\0< 1", 8)) == "unexpected character U+0000, perhaps invisible");
  CHECK(refused("loss < 1; drop") == "unexpected ';'");
  CHECK(refused("label == \"unterminated") == "the text in quotes does not end");
  CHECK(refused("2x > 1") == "a number must not run into a word");
}

TEST_CASE("depth, length and lists of expressions are limited") {
  CHECK(refused(std::string(200, '(') + "1" + std::string(200, ')')) == "nested deeper than 64 levels");
  CHECK(refused(std::string(500, '-') + "1") == "nested deeper than 64 levels");
  std::string nots;
  for (int i = 0; i < 500; ++i) nots += "not ";
  CHECK(refused(nots + "x") == "nested deeper than 64 levels");
  std::string sum = "1";
  while (sum.size() < 8000) sum += "+1";
  CHECK(refused(sum) == "the text has 8001 bytes, the limit is 4096");
  std::string list = "id in [0";
  for (int i = 1; i < 1100; ++i) list += ",1";
  CHECK(refused(list + "]") == "the list has more than 1024 elements");
}

TEST_CASE("constructor calls come out checked and in order [NT F12 grammar]") {
  const Call call = parse_call(
      "dataset_filters.ConCatFilter([dataset_filters.ExpertFilter(expert=-1), RangeFilter(range(2, 10, 3)), "
      "DuplicateEventsFilter(by_run=true), RangeFilter([5, 1])])",
      filter_rules(), "filter");
  CHECK(call.name == "ConCatFilter");
  const std::vector<Call>& inner = call.arguments[0]->calls;
  REQUIRE(inner.size() == 4);
  CHECK(inner[0].arguments[0]->integer == -1);
  CHECK(inner[1].arguments[0]->range.values() == std::vector<std::int64_t>{2, 5, 8});
  CHECK(inner[2].arguments[0]->boolean);
  CHECK(inner[3].arguments[0]->range.values() == std::vector<std::int64_t>{5, 1});
  CHECK_FALSE(parse_call("DuplicateEventsFilter()", filter_rules(), "filter").arguments[0].has_value());
  CHECK(Integers{10, 0, -4, {}, false}.values() == std::vector<std::int64_t>{10, 6, 2});
  CHECK(Integers{INT64_MIN, INT64_MAX, 1, {}, false}.count() == INT64_MAX);
}

TEST_CASE("constructor calls that are not on the list are refused [R13]") {
  CHECK(call_refused("__import__('os').system('true')") != "");
  CHECK(call_refused("open('x')") ==
        "unknown name 'open' | known are IdentityFilter, ExpertFilter, "
        "DuplicateEventsFilter, RangeFilter, ConCatFilter");
  CHECK(call_refused("ExpetFilter(1)") == "unknown name 'ExpetFilter' | did you mean 'ExpertFilter'?");
  CHECK(call_refused("ExpertFilter()") == "ExpertFilter needs the argument 'expert'");
  CHECK(call_refused("ExpertFilter(1, 2)") == "ExpertFilter takes 1 arguments at most");
  CHECK(call_refused("ExpertFilter(1.5)") == "a whole number is needed");
  CHECK(call_refused("RangeFilter(range(0, 9223372036854775807))") ==
        "the range holds 9223372036854775807 numbers, the limit is 100000000");
  CHECK(call_refused("RangeFilter(range(1, 2, 0))") == "the step of a range must not be 0");
  CHECK(call_refused("1 + 1") != "");
  std::string deep = "IdentityFilter()";
  for (int i = 0; i < 40; ++i) deep = "ConCatFilter([" + deep + "])";
  CHECK(call_refused(deep).find("nested deeper") == 0);
  std::string shallow = "IdentityFilter()";
  for (int i = 0; i < 30; ++i) shallow = "ConCatFilter([" + shallow + "])";
  CHECK(call_refused(shallow) == "");
}
