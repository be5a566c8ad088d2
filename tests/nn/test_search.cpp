// Spaces and strategies: what is tried, in which order.

#include "core/random/philox.h"

#include "nn/search/strategy.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "tests/support/error_of.h"

// inside the namespace: search::Parameter and nn::Parameter live in the same translation unit
namespace thimble::nn::search {

namespace {

Value whole(std::int64_t v) {
  return {v};
}
Value word(const std::string& v) {
  return {v};
}
Parameter choice(const std::string& name, std::vector<Value> values, std::vector<double> weights = {}) {
  return {name, Choice{std::move(values), std::move(weights)}};
}
Parameter real(const std::string& name, Real::Shape shape, double a, double b, double step = 0, bool integer = false) {
  return {name, Real{shape, a, b, step, integer}};
}

std::vector<std::string> all_of(const Strategy& strategy, std::size_t batch) {
  std::vector<std::string> out;
  std::vector<Tried> tried;
  while (true) {
    const auto next = strategy.propose(tried, batch);
    if (next.empty()) return out;
    for (const Assignment& values : next) {
      out.push_back(str(values));
      tried.push_back({values, 0.0});
    }
  }
}

/// The first `count` draws, asked for in batches.
std::vector<Assignment> draws(const Strategy& strategy, std::size_t count, std::size_t batch) {
  std::vector<Tried> tried;
  std::vector<Assignment> out;
  while (out.size() < count) {
    for (const Assignment& values : strategy.propose(tried, std::min(batch, count - out.size()))) {
      out.push_back(values);
      tried.push_back({values, 0.0});
    }
  }
  return out;
}

}  // namespace

TEST_CASE("A grid visits every combination once, the last parameter fastest, equal values once [NT N15]") {
  // the order of itertools.product over parameters sorted by name, as the W&B `sweeps` package 0.2 enumerates
  const Space space(
      {choice("a", {whole(1), whole(2), Value{2.0}}), choice("b", {word("x"), word("y")}), {"c", Whole{5, 6}}});
  const std::vector<std::string> expected{"a=1 b=x c=5", "a=1 b=x c=6", "a=1 b=y c=5", "a=1 b=y c=6",
                                          "a=2 b=x c=5", "a=2 b=x c=6", "a=2 b=y c=5", "a=2 b=y c=6"};
  CHECK(space.combinations() == 8);
  for (const std::size_t batch : {1U, 3U, 16U}) CHECK(all_of(*grid_search(space), batch) == expected);
}

TEST_CASE("A stepped range is a grid from its least value on, the greatest left out [NT N15]") {
  // numpy.arange(min, max, q), as the W&B `sweeps` package takes q_uniform in a grid
  const Space space({real("r", Real::Shape::uniform, 0, 1, 0.25), real("n", Real::Shape::uniform, 2, 8, 3, true)});
  const std::vector<std::string> expected{"r=0 n=2",   "r=0 n=5",   "r=0.25 n=2", "r=0.25 n=5",
                                          "r=0.5 n=2", "r=0.5 n=5", "r=0.75 n=2", "r=0.75 n=5"};
  CHECK(all_of(*grid_search(space), 16) == expected);
  CHECK(std::holds_alternative<std::int64_t>(space.combination(0)[1].second.data));
}

TEST_CASE("A shuffled grid visits the same combinations in an order of its seed [NT N15]") {
  const Space space({{"a", Whole{0, 9}}, {"b", Whole{0, 9}}});
  const auto first = all_of(*grid_search(space, true, 3), 7), again = all_of(*grid_search(space, true, 3), 16);
  CHECK(first == again);
  CHECK(first != all_of(*grid_search(space, true, 4), 16));
  CHECK(first != all_of(*grid_search(space), 16));
  CHECK(std::set<std::string>(first.begin(), first.end()).size() == 100);
}

TEST_CASE("A grid refuses a continuous parameter and names it [NT N15]") {
  const auto error = test::error_of([] { grid_search(Space({real("rate", Real::Shape::log_uniform, 1e-4, 1e-1)})); });
  REQUIRE(error);
  CHECK(error->place().name == "rate");
  CHECK(error->kind() == ErrorKind::value);
}

TEST_CASE("Random draws do not depend on the size of the batch and stay inside their ranges [NT N15]") {
  const Space space({choice("act", {word("tanh"), word("relu")}),
                     {"n", Whole{3, 5}},
                     real("rate", Real::Shape::log_uniform, 1e-4, 1e-1),
                     real("q", Real::Shape::uniform, 0, 10, 2.5)});
  const auto strategy = random_search(space, 5, true);
  const auto one = draws(*strategy, 200, 1), many = draws(*strategy, 200, 64);
  CHECK(one == many);
  for (const Assignment& values : one) {
    const std::int64_t n = std::get<std::int64_t>(values[1].second.data);
    const double rate = std::get<double>(values[2].second.data), q = std::get<double>(values[3].second.data);
    CHECK((n >= 3 && n <= 5));
    CHECK((rate >= 1e-4 && rate <= 1e-1));
    CHECK(std::fmod(q, 2.5) == 0);
    CHECK((q >= 0 && q <= 10));
  }
}

TEST_CASE("Draws follow their distributions [NT N15]") {
  constexpr std::size_t kDraws = 4000;
  const Space space({choice("c", {word("rare"), word("often")}, {1, 3}), real("n", Real::Shape::normal, 2, 0.5),
                     real("l", Real::Shape::log_uniform, 0.01, 100)});
  MESSAGE("seed 9");
  double rare = 0, sum = 0, squares = 0, small = 0;
  for (const Assignment& values : draws(*random_search(space, 9, true), kDraws, 256)) {
    rare += values[0].second == word("rare") ? 1 : 0;
    const double n = std::get<double>(values[1].second.data);
    sum += n;
    squares += (n - 2) * (n - 2);
    small += std::get<double>(values[2].second.data) < 1 ? 1 : 0;
  }
  const double root = std::sqrt(static_cast<double>(kDraws));
  CHECK(std::abs(rare / kDraws - 0.25) < 5 * std::sqrt(0.25 * 0.75) / root);
  CHECK(std::abs(sum / kDraws - 2) < 5 * 0.5 / root);
  CHECK(std::abs(squares / kDraws - 0.25) < 5 * 0.25 * std::sqrt(2.0) / root);
  CHECK(std::abs(small / kDraws - 0.5) < 5 * 0.5 / root);
}

TEST_CASE("Quantiles of the parameters are those of their distributions") {
  // normal quantiles: Abramowitz and Stegun, table 26.5 (0.975 -> 1.959964)
  const Parameter normal = real("n", Real::Shape::normal, 10, 2), log = real("l", Real::Shape::log_normal, 0, 1);
  CHECK(std::get<double>(normal.at(0.5).data) == doctest::Approx(10));
  CHECK(std::get<double>(normal.at(0.975).data) == doctest::Approx(10 + 2 * 1.959964).epsilon(1e-6));
  CHECK(std::get<double>(log.at(0.025).data) == doctest::Approx(std::exp(-1.959964)).epsilon(1e-6));
  CHECK(real("u", Real::Shape::uniform, 0, 10, 5).at(0.25).number() == 0);   // 2.5 / 5 = 0.5, half to even
  CHECK(real("u", Real::Shape::uniform, 0, 10, 5).at(0.75).number() == 10);  // 1.5 to 2
  CHECK(Parameter{"w", Whole{-1, 1}}.at(0.999).number() == 1);
  CHECK(Parameter{"w", Whole{-1, 1}}.at(1.0).number() == 1);
}

TEST_CASE("Without replacement a finite space is drawn exactly once and then ends [NT N15]") {
  const Space space({{"a", Whole{0, 6}}, choice("b", {word("x"), word("y"), word("z")})});
  for (const std::size_t batch : {1U, 4U, 50U}) {
    const auto all = all_of(*random_search(space, 2, false), batch);
    CHECK(all.size() == 21);
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == 21);
    CHECK(all == all_of(*random_search(space, 2, false), 21));
  }
  const auto stepped = all_of(*random_search(Space({real("q", Real::Shape::uniform, 0, 1, 0.5)}), 2, false), 4);
  CHECK(std::set<std::string>(stepped.begin(), stepped.end()) == std::set<std::string>{"q=0", "q=0.5", "q=1"});
}

TEST_CASE("Spaces that make no sense are refused with the name of the parameter") {
  const auto place_of = [](Parameter parameter) {
    const auto error = test::error_of([&] { Space({std::move(parameter)}); });
    return error ? error->place().name : std::string("accepted");
  };
  CHECK(place_of(choice("empty", {})) == "empty");
  CHECK(place_of(choice("odds", {whole(1), whole(2)}, {1.0})) == "odds");
  CHECK(place_of(choice("zero", {whole(1)}, {0.0})) == "zero");
  CHECK(place_of({"order", Whole{2, 1}}) == "order");
  CHECK(place_of(real("back", Real::Shape::uniform, 2, 1)) == "back");
  CHECK(place_of(real("log", Real::Shape::log_uniform, 0, 1)) == "log");
  CHECK(place_of(real("flat", Real::Shape::normal, 0, 0)) == "flat");
  CHECK(test::says(test::error_of([] { Space({{"a", Whole{0, 1}}, {"a", Whole{0, 1}}}); }), "twice"));
}

TEST_CASE("Values keep their kind through JSON and read well") {
  const Value list{Value::List{whole(0), Value{0.5}, word("a b"), Value{true}, Value{}}};
  CHECK(list.json() == R"([0,0.5,"a b",true,null])");
  CHECK(list.str() == "[0, 0.5, a b, true, null]");
  CHECK(Value{3.0}.json() == "3.0");
  CHECK(Value{3.0}.str() == "3");
  CHECK(same_setting(Value{3.0}, whole(3)));
  CHECK_FALSE(same_setting(word("3"), whole(3)));
}

}  // namespace thimble::nn::search
