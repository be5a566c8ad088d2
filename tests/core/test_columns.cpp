#include "core/base/error.h"
#include "core/io/json.h"
#include "core/random/splitmix.h"
#include "core/text/columns.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cmath>
#include <limits>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::expr;

namespace {

constexpr double kNotNumber = std::numeric_limits<double>::quiet_NaN();

/// Samples as the live trainer keeps them; the last one was never seen.
Columns samples() {
  Columns table;
  table.rows = 5;
  table.numbers = {{"id", {0, 1, 2, 3, 4}},
                   {"loss", {0.5, 1.5, 2.5, -1.0, kNotNumber}},
                   {"age", {256, 0, 512, 7, -1}},
                   {"times", {1, 1, 2, 1, 0}}};
  table.texts = {{"label", {"cat", "dog", "cat", "a\"b", "dog"}}};
  table.tag = [](const std::string& name) { return std::vector<double>(5, name == "odd" ? 1.0 : 0.0); };
  return table;
}

std::string mask(const std::string& text) {
  const Columns table = samples();
  std::string out;
  for (const bool keep : Formula(text, table).mask(table)) out += keep ? '1' : '0';
  return out;
}

double first(const std::string& text) {
  const Columns table = samples();
  return Formula(text, table).values(table).front();
}

std::string fault_of(const std::string& text) {
  const auto error = test::error_of([&] { Formula(text, samples()); });
  return error ? error->message() + (error->hint().empty() ? "" : " | " + error->hint()) : "";
}

/// One row at a time, as slow and as plain as it can be: what the quick evaluator must agree with.
double slow(const Node& node, const Columns& table, std::size_t row) {
  const auto at = [&](std::size_t i) { return slow(node.children[i], table, row); };
  const auto truth = [](double x) { return x != 0 && x == x; };
  switch (node.kind) {
    case Kind::number:
      return node.number;
    case Kind::name:
      return table.numbers.at(node.text)[row];
    case Kind::negate:
      return -at(0);
    case Kind::logical_not:
      return truth(at(0)) ? 0 : 1;
    case Kind::logical_and:
      return truth(at(0)) ? truth(at(1)) : 0;
    case Kind::logical_or:
      return truth(at(0)) ? 1 : truth(at(1));
    case Kind::arithmetic: {
      const double a = at(0), b = at(1);
      if (node.text == "+") return a + b;
      if (node.text == "-") return a - b;
      if (node.text == "*") return a * b;
      if (b == 0) return kNotNumber;
      if (node.text == "/") return a / b;
      double rest = std::fmod(a, b);
      if (rest != 0 && std::signbit(rest) != std::signbit(b)) rest += b;
      return rest;
    }
    case Kind::compare: {
      bool holds = true;
      for (std::size_t k = 0; k < node.operators.size(); ++k) {
        const double a = at(k), b = at(k + 1);
        const std::string& o = node.operators[k];
        holds = holds && (o == "<"    ? a < b
                          : o == "<=" ? a <= b
                          : o == ">"  ? a > b
                          : o == ">=" ? a >= b
                          : o == "==" ? a == b
                                      : a != b);
      }
      return holds;
    }
    case Kind::in: {
      bool found = false;
      for (const Node& element : node.children[1].children) found = found || at(0) == element.number;
      return found == (node.text == "in");
    }
    case Kind::call: {
      if (node.text == "isnan") return std::isnan(at(0));
      if (node.text == "abs") return std::abs(at(0));
      const double a = at(0), b = at(1);
      if (std::isnan(a) || std::isnan(b)) return kNotNumber;
      return (node.text == "max") == (a > b) ? a : b;
    }
    case Kind::text:
    case Kind::list:
      break;
  }
  return kNotNumber;
}

std::string random_expression(SplitMix64& next, int depth) {
  static const std::vector<std::string> atoms = {"loss", "age", "id", "times", "0", "1.5", "2", "7", "1e300", ".5"};
  if (depth == 0 || next() % 6 == 0) return atoms[next() % atoms.size()];
  const auto sub = [&] { return random_expression(next, depth - 1); };
  static const std::vector<std::string> pairs = {" + ",  " - ",  " * ",  " / ",   " % ",  " < ",  " <= ", " > ",
                                                 " >= ", " == ", " != ", " and ", " or ", " && ", " || "};
  switch (next() % 8) {
    case 0:
      return "-" + sub();
    case 1:
      return "(not (" + sub() + "))";
    case 2:
      return "isnan(" + sub() + ")";
    case 3:
      return (next() % 2 == 0 ? "min(" : "max(") + sub() + ", " + sub() + ")";
    case 4:
      return "(" + sub() + " <= " + atoms[next() % atoms.size()] + " < " + atoms[next() % atoms.size()] + ")";
    case 5:
      return "((" + sub() + ") not in [1, 7, 2])";
    default:
      return "(" + sub() + pairs[next() % pairs.size()] + sub() + ")";
  }
}

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

std::string built(const nlohmann::json& item) {
  if (!item.at("text").is_null()) return item.at("text");
  const nlohmann::json& build = item.at("build");
  const std::string prefix = build.at("prefix"), suffix = build.at("suffix");
  std::string out = prefix;
  // the long middle goes on as the prefix ends
  const std::string period = prefix.find('+') != std::string::npos ? "1+" : prefix[0] == 't' ? "t" : ",2";
  if (period == "1+") out = "1+";
  while (out.size() + suffix.size() < build.at("length").get<std::size_t>()) out += period;
  return out + suffix;
}

}  // namespace

TEST_CASE("predicates follow the rules of NaN and of chains") {
  CHECK(mask("loss <= 1.5 and age > 0") == "10010");
  CHECK(mask("not (loss <= 1.5)") == "00101");
  CHECK(mask("0.5 <= loss < 2") == "11000");
  CHECK(mask("loss != loss") == "00001");
  CHECK(mask("isnan(min(loss, 1))") == "00001");
  CHECK(mask("3 > 2 > 1") == "11111");
  CHECK(mask("0/0 != 0/0") == "11111");
  CHECK(mask("id in [1, 3]") == "01010");
  CHECK(mask("id not in [1, 3] and id") == "00101");
  CHECK(mask("label == 'cat' or label in ['a\"b']") == "10110");
  CHECK(mask("tag('odd') and not tag('even')") == "11111");
  CHECK(mask("loss") == "11110");
}

TEST_CASE("arithmetic is in double, the remainder has the sign of the divisor") {
  CHECK(first("-7 % 3") == 2);
  CHECK(first("7 % -3") == -2);
  CHECK(std::isnan(first("id % 0")));
  CHECK(std::isnan(first("1 / 0")));
  CHECK(first("9223372036854775807 + 1") == 9223372036854775808.0);
  CHECK(first("2 + 3 * 4 - -1") == 15);
  CHECK(std::isinf(first("exp(exp(exp(exp(9))))")));
}

TEST_CASE("functions over all rows use the rows that have a value") {
  CHECK(first("quantile(loss, 0.5)") == 1.5);  // -1 0.5 1.5 2.5: element floor(0.5 * 4)
  CHECK(first("quantile(loss, p=1)") == 2.5);
  CHECK(first("mean(loss)") == 0.875);
  CHECK(first("std(loss)") == doctest::Approx(1.29300));
  CHECK(first("count(loss > 0)") == 3);
}

TEST_CASE("wrong formulas are told by column and remedy") {
  CHECK(fault_of("los < 1") == "unknown name 'los' | did you mean 'loss'?");
  CHECK(fault_of("loss == nan") == "unknown name 'nan' | columns are age, id, loss, times, label");
  CHECK(fault_of("quantile(loss, 2)") == "a number from 0 to 1 is needed");
  CHECK(fault_of("quantile(quantile(loss,0.5),0.5)") == "quantile over all rows inside another one");
  CHECK(fault_of("mean(loss + 1)") == "mean takes a column");
  CHECK(fault_of("count(count(1))") == "count over all rows inside another one");
  CHECK(fault_of("label < 'dog'") == "text is compared with == and != only");
  CHECK(fault_of("label == 1") == "text is compared with text only");
  CHECK(fault_of("label + 1") == "column label holds text, no numbers");
  CHECK(fault_of("[1] == 1") == "a list stands only behind 'in'");
  CHECK(fault_of("id in [id]") == "a plain number is needed");
  CHECK(fault_of("__import__(\"os\")").find("unknown function '__import__'") == 0);
  CHECK(fault_of("abs()") == "abs takes 1 argument");
  CHECK(fault_of("count(1)+count(1)+count(1)+count(1)+count(1)+count(1)+count(1)+count(1)+count(1)") ==
        "more than 8 functions over all rows");
}

TEST_CASE("hostile expressions end as listed, each within 10 ms [R13]") {
  const nlohmann::json list = io::read_json(test::test_data("hostile/expressions.json"));
  Columns table = samples();
  REQUIRE(list.size() > 25);
  for (const nlohmann::json& item : list) {
    const std::string text = built(item), expected = item.at("expect");
    CAPTURE(text.substr(0, 100));
    const auto begin = std::chrono::steady_clock::now();
    const auto error = test::error_of([&] { Formula(text, table).mask(table); });
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(100));
    if (expected.starts_with("ok")) CHECK_MESSAGE(!error, error->what());
    if (expected.starts_with("reject:") || expected == "reject") CHECK(error);
    if (error) CHECK(error->place().column <= static_cast<long>(text.size()) + 1);
  }
}

TEST_CASE("random expressions agree with a slow evaluator, and print to themselves [R18]") {
  const std::uint64_t seed = 7;
  MESSAGE("seed " << seed);
  SplitMix64 next(seed);
  const Columns table = samples();
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_expression(next, 4);
    const Formula formula(text, table);
    const std::vector<double> values = formula.values(table);
    for (std::size_t row = 0; row < table.rows; ++row) {
      REQUIRE_MESSAGE(same(values[row], slow(formula.tree(), table, row)), text);
    }
    REQUIRE_MESSAGE(print(parse(print(formula.tree()))) == print(formula.tree()), text);
  }
}

TEST_CASE("garbage is refused with a place inside the text [R18]") {
  const std::uint64_t seed = 11;
  MESSAGE("seed " << seed);
  SplitMix64 next(seed);
  const std::string alphabet = "loss age()[]<>=!&|+-*/%,.\"'0123eE not and or in\\ \t#$;";
  const Columns table = samples();
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::uint64_t left = next() % 40; left > 0; --left) text += alphabet[next() % alphabet.size()];
    const auto error = test::error_of([&] { Formula(text, table).mask(table); });
    if (error)
      REQUIRE_MESSAGE((error->place().column >= 1 && error->place().column <= static_cast<long>(text.size()) + 1),
                      text);
  }
}
