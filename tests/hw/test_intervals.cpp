#include "core/io/file.h"
#include "core/random/splitmix.h"

#include "hw/emit/stimulus.h"
#include "hw/ir/json.h"
#include "hw/sim/drift.h"
#include "hw/sim/evaluate.h"
#include "hw/sim/interpreter.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/hw/random_graph.h"
#include "tests/hw/reference_nets.h"
#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::hw;
using test::error_of;
using test::Integers;
using test::says;

namespace {

/// Every input vector of the graph, in counting order.
template <class Visit>
void each_input(const Graph& graph, Visit visit) {
  const TensorInfo& port = graph.tensor(graph.inputs()[0]);
  Integers row = port.lo;
  for (;;) {
    visit(row);
    std::size_t i = 0;
    for (; i < row.size() && ++row[i] > port.hi[i]; ++i) row[i] = port.lo[i];
    if (i == row.size()) return;
  }
}

/// Lowest and highest value of every element over all inputs.
struct Reached {
  std::vector<Integers> lo, hi;

  explicit Reached(const Graph& graph) {
    each_input(graph, [&](const Integers& row) {
      const Values values = evaluate(graph, row);  // fails when a value leaves its interval: soundness
      if (lo.empty()) lo = hi = values;
      for (std::size_t t = 0; t < values.size(); ++t)
        for (std::size_t e = 0; e < values[t].size(); ++e) {
          lo[t][e] = std::min(lo[t][e], values[t][e]);
          hi[t][e] = std::max(hi[t][e], values[t][e]);
        }
    });
  }
};

}  // namespace

TEST_CASE("[HW-03] for every input of small dense networks each interval's ends are reached and never exceeded") {
  const std::uint64_t seed = 3;
  INFO("seed ", seed);
  SplitMix64 random(seed);
  for (int round = 0; round < 8; ++round) {
    CAPTURE(round);
    Graph graph;
    const TensorId x = graph.append("x", op::Input{{3}, {{4, round % 2 == 0, 1}}});
    op::Cmvm cmvm{3, 5, {}, {2}, {}};
    for (int i = 0; i < 15; ++i) cmvm.weights.push_back(random.uniform(-30, 30));
    for (int j = 0; j < 5; ++j) cmvm.bias.push_back(random.uniform(-99, 99));
    const TensorId a = graph.append("a", cmvm, {x});
    const TensorId r = graph.append("r", op::Relu{}, {a});
    const TensorId l = graph.append("l", op::LeakyShift{2, -1}, {a});
    const TensorId q =
        graph.append("q", op::Requant{{{6, true, 1}}, static_cast<fixed::Round>(round % 7), fixed::Overflow::sat}, {a});
    const TensorId s = graph.append("s", op::Sum{0}, {x});
    for (const TensorId id : {r, l, q, s}) graph.append("", op::Output{}, {id});
    const Reached reached(graph);
    CHECK(reached.lo[static_cast<std::size_t>(a)] == graph.tensor(a).lo);
    CHECK(reached.hi[static_cast<std::size_t>(a)] == graph.tensor(a).hi);
    CHECK(reached.hi[static_cast<std::size_t>(r)] == graph.tensor(r).hi);
    CHECK(reached.lo[static_cast<std::size_t>(q)] == graph.tensor(q).lo);
    CHECK(reached.hi[static_cast<std::size_t>(q)] == graph.tensor(q).hi);
    CHECK(reached.lo[static_cast<std::size_t>(s)] == graph.tensor(s).lo);
    CHECK(reached.hi[static_cast<std::size_t>(s)] == graph.tensor(s).hi);
  }
}

TEST_CASE("[HW-03] no value of random graphs of every operator leaves its proven interval") {
  SplitMix64 random(33);
  for (int round = 0; round < 100; ++round) {
    const Graph graph = test::random_graph(random);
    const Vectors in = stimulus(graph, 100, static_cast<std::uint64_t>(round));
    for (std::size_t v = 0; v < in.rows(); ++v) CHECK_NOTHROW(evaluate(graph, in.row(v)));
  }
}

TEST_CASE("[HW-03] the first layer of jet_mlp needs 16 bits where the general rule takes 19") {
  // origin: hardware.md 2.4
  const Graph graph = test::dense_net(test::hardware_data("jet_mlp.json"));
  const TensorInfo& acc = graph.tensor(graph.find("acc0").value());
  CHECK(acc.interval() == Interval{-21606, 21285});
  CHECK(acc.format.type == FxType{16, true, 9});
}

TEST_CASE("ten thousand mutated graph files are refused or evaluate within their intervals, and never crash") {
  const std::string good = io::read_file(test::test_data("hardware/mlp_small.fxir.json"));
  const std::string kCharacters = "0123456789-{}[]\",:.eE truefalsnwKxact_";
  const std::uint64_t seed = 17;
  INFO("seed ", seed);
  SplitMix64 random(seed);
  int accepted = 0;
  for (int round = 0; round < 10000; ++round) {
    std::string text = good;
    for (std::int64_t k = random.uniform(1, 3); k > 0; --k)
      // the table of 512 numbers at the end would take most of the hits
      text[static_cast<std::size_t>(random.uniform(0, 3400))] =
          kCharacters[static_cast<std::size_t>(random.uniform(0, static_cast<std::int64_t>(kCharacters.size()) - 1))];
    std::optional<Graph> graph;
    const auto error = error_of([&] { graph = parse_graph(text, "mutated.json"); });
    if (error) {
      CHECK(exit_code(error->kind()) == 2);
      continue;
    }
    ++accepted;
    const Vectors in = stimulus(*graph, 10, 1);
    const Vectors out = interpret(*graph, in);
    for (std::size_t v = 0; v < in.rows(); ++v) {
      const Integers expected = outputs_of(*graph, evaluate(*graph, in.row(v)));
      CHECK(std::equal(expected.begin(), expected.end(), out.row(v).begin(), out.row(v).end()));
    }
  }
  CHECK(accepted > 50);
}

TEST_CASE("[HW-39] drift between real reference and integers: largest error, rms, steps and class agreement") {
  const std::vector<FxType> types = {{8, true, 2}, {8, true, 3}};
  const Vectors out{2, {4, 8, -4, 9}};  // 1, 1 and -1, 1.125
  const std::vector<double> reference = {1.25, 1.0, -1.0, 1.0};
  const Drift result = drift(reference, out, types);
  CHECK(result.vectors == 2);
  CHECK(result.max_error == 0.25);
  CHECK(result.max_steps == 1.0);
  CHECK(result.rms == doctest::Approx(std::sqrt((0.0625 + 0.015625) / 4)));
  CHECK(result.class_agreement == 1.0);
  CHECK(drift(std::vector<double>{0.5, 1.0, -1.0, 1.0}, out, types).class_agreement == 0.5);
  CHECK(result.str().find("same class in 100.00 %") != std::string::npos);
  CHECK(says(error_of([&] { drift(std::vector<double>{1.0}, out, types); }), "1 reference values"));
}
