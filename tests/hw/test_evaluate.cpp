#include "core/io/hash.h"
#include "core/random/splitmix.h"

#include "hw/ir/json.h"
#include "hw/sim/evaluate.h"
#include "hw/sim/trace.h"

#include <doctest/doctest.h>

#include "tests/hw/reference_nets.h"
#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::hw;
using test::belle_net;
using test::dense_net;
using test::error_of;
using test::hardware_data;
using test::Integers;
using test::says;

namespace {

Integers value_of(const Graph& graph, const Values& values, const std::string& name) {
  return values[static_cast<std::size_t>(graph.find(name).value())];
}

}  // namespace

TEST_CASE("[HW-03] [HW-08] intervals, traces and outputs of the dense reference networks are reproduced exactly") {
  for (const char* name : {"mlp_small.json", "jet_mlp.json"}) {
    CAPTURE(name);
    const auto file = hardware_data(name);
    const Graph graph = dense_net(file);
    for (std::size_t k = 0; k < file["interval"].size(); ++k) {
      const auto& expected = file["interval"][k];
      const TensorInfo& acc = graph.tensor(graph.find("acc" + std::to_string(k)).value());
      CHECK(acc.lo == expected["acc_lo"].get<Integers>());
      CHECK(acc.hi == expected["acc_hi"].get<Integers>());
      CHECK(acc.format.type.w == expected["acc_width"].get<int>());
      CHECK(acc.format.type.s == expected["acc_signed"].get<bool>());
      const TensorInfo& out = graph.tensor(graph.find("out" + std::to_string(k)).value());
      CHECK(out.lo == expected["out_lo"].get<Integers>());
      CHECK(out.hi == expected["out_hi"].get<Integers>());
    }
    int wrong = 0;
    for (std::size_t v = 0; v < file["inputs"].size(); ++v) {
      const Values values = evaluate(graph, file["inputs"][v].get<Integers>());
      wrong += outputs_of(graph, values) != file["outputs"][v].get<Integers>();
      if (v >= file["trace_first"].size()) continue;
      for (std::size_t k = 0; k < file["trace_first"][v].size(); ++k)
        for (const auto& [key, expected] : file["trace_first"][v][k].items())
          wrong += value_of(graph, values, key + std::to_string(k)) != expected.get<Integers>();
    }
    CHECK(file["inputs"].size() == 207);
    CHECK(wrong == 0);
  }
}

TEST_CASE("[HW-14] the graph file of mlp_small computes what the network's own description does") {
  const auto file = hardware_data("mlp_small.json");
  const Graph graph = read_graph(test::test_data("hardware/mlp_small.fxir.json"));
  int wrong = 0;
  for (std::size_t v = 0; v < file["inputs"].size(); ++v)
    wrong +=
        outputs_of(graph, evaluate(graph, file["inputs"][v].get<Integers>())) != file["outputs"][v].get<Integers>();
  CHECK(wrong == 0);
}

TEST_CASE("[HW-09] the Belle II network with its folded table gives every hidden and output integer") {
  const auto file = hardware_data("belle_mlp.json");
  const Graph graph = belle_net(file);
  int wrong = 0;
  for (std::size_t v = 0; v < file["inputs"].size(); ++v) {
    const Values values = evaluate(graph, file["inputs"][v].get<Integers>());
    wrong += value_of(graph, values, "node0") != file["hidden"][v][0].get<Integers>();
    wrong += outputs_of(graph, values) != file["outputs"][v].get<Integers>();
  }
  CHECK(file["inputs"].size() == 40);
  CHECK(wrong == 0);
}

TEST_CASE("[HW-09] tables without fold and with half fold address as specified") {
  Graph graph;
  graph.add_table({"full", {6, true, 0}, {-8, -7, -6, -5, 4, 5, 6, 7}});
  graph.add_table({"half", {5, false, 4}, {8, 10, 12, 14}});
  const TensorId x = graph.append("x", op::Input{{1}, {{4, true, 0}}});
  const TensorId full = graph.append("f", op::Lut{.table = "full", .fold = Fold::none, .drop = 1}, {x});
  const TensorId half = graph.append("h", op::Lut{.table = "half", .fold = Fold::half, .drop = 1}, {x});
  graph.append("", op::Output{}, {full});
  graph.append("", op::Output{}, {half});
  const auto at = [&](std::int64_t q) { return outputs_of(graph, evaluate(graph, Integers{q})); };
  CHECK(at(-8) == Integers{-8, 2});  // |-8| >> 1 = 4 falls on the last entry
  CHECK(at(-1) == Integers{-5, 8});
  CHECK(at(0) == Integers{4, 8});
  CHECK(at(7) == Integers{7, 14});
}

TEST_CASE("[HW-38] input outside its declared interval is refused by element") {
  const Graph graph = belle_net(hardware_data("belle_mlp.json"));
  Integers in(27, 0);
  in[5] = 4097;
  CHECK(says(error_of([&] { evaluate(graph, in); }), "x[5] = 4097 is outside [-4096, 4096]"));
  CHECK(says(error_of([&] { evaluate(graph, Integers(26, 0)); }), "takes 27"));
}

TEST_CASE("[HW-15] a trace names every node, and the first differing node is found after a fault in one weight") {
  const auto file = hardware_data("mlp_small.json");
  const Graph graph = dense_net(file);
  auto faulty_file = file;
  faulty_file["net"]["layers"][1]["K"][0][2] = -5;
  const Graph faulty = dense_net(faulty_file);
  const auto in = file["inputs"][7].get<Integers>();
  const Values right = evaluate(graph, in), wrong = evaluate(faulty, in);
  CHECK_FALSE(first_difference(graph, right, right));
  bool found = false;
  for (std::size_t v = 0; v < 20 && !found; ++v) {
    const auto vector = file["inputs"][v].get<Integers>();
    const auto difference = first_difference(graph, evaluate(graph, vector), evaluate(faulty, vector));
    if (!difference) continue;
    found = true;
    CHECK(graph.tensor(difference->tensor).name == "acc1");
    CHECK(difference->element == 2);
  }
  CHECK(found);
  const std::string text = trace_text(graph, right, 7);
  CHECK(text.find("7 acc0 -1057 2923 -1396 -1186 524 283 -1336 2805 -1204 -2452\n") != std::string::npos);
  CHECK(text.find("7 out3 -30 4 7\n") != std::string::npos);
}
