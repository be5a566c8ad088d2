// The one-dimensional convolution in every engine, and the streaming schedule.
#include "hw/emit/verilog.h"
#include "hw/ir/json.h"
#include "hw/sim/evaluate.h"
#include "hw/sim/interpreter.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/hw/rtl_support.h"
#include "tests/hw/stream_nets.h"
#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::hw;
using test::TempFolder;

namespace {

/// All vectors of a case as stimulus.
Vectors recorded(const nlohmann::json& rows, std::size_t width) {
  Vectors out{.width = width};
  for (const auto& row : rows) out.push(row.get<test::Integers>());
  return out;
}

std::filesystem::path streamed(const TempFolder& folder, const Graph& graph, const Vectors& stimulus, int levels = 6) {
  ExportOptions options;
  options.verilog.timing = Timing::stream;
  options.verilog.levels_per_stage = levels;
  const auto path = folder / "design";
  export_folder(graph, stimulus, options, path);
  return path;
}

/// Interpreter and Icarus, which also runs the bench with gaps and a reset.
void check_streamed(const Graph& graph, const Vectors& stimulus, int levels = 6) {
  const TempFolder folder;
  const VerifyResult result = test::simulated(streamed(folder, graph, stimulus, levels));
  INFO(result.text());
  CHECK(result.proven());
}

op::Conv1d random_conv(SplitMix64& random, std::int64_t channels) {
  op::Conv1d op;
  op.taps = random.uniform(1, 6);
  op.groups = channels > 1 && random.uniform(0, 1) == 1 ? channels : 1;
  op.n_in = channels;
  op.n_out = op.groups * random.uniform(1, 2);
  op.stride = random.uniform(1, 3);
  op.dilation = random.uniform(1, 2);
  op.before = random.uniform(0, op.span() - 1);
  op.after = random.uniform(0, 4);
  for (std::int64_t i = 0; i < op.taps * op.group_in() * op.n_out; ++i) op.weights.push_back(random.uniform(-30, 30));
  for (std::int64_t o = 0; o < op.n_out; ++o) op.bias.push_back(random.uniform(-9, 9));
  return op;
}

/// One to three filters behind one another, a sum of each, and what is left of the last stream.
Graph random_stream(SplitMix64& random) {
  Graph graph;
  graph.name = "random stream";
  const std::int64_t channels = random.uniform(1, 2);
  TensorId x = graph.append("x", op::Input{{random.uniform(14, 30), channels}, {{5, random.uniform(0, 1) == 1, 2}}});
  std::vector<TensorId> sums;
  const std::int64_t levels = random.uniform(1, 3);
  for (std::int64_t k = 0; k < levels; ++k) {
    const std::string n = std::to_string(k);
    const op::Conv1d conv = random_conv(random, static_cast<std::int64_t>(graph.tensor(x).channels()));
    if (conv.outputs(graph.tensor(x).shape[0]) < 1) break;
    const TensorId y = graph.append("conv" + n, conv, {x});
    const TensorId folded = graph.append("fold" + n, op::LeakyShift{static_cast<int>(random.uniform(0, 2)), -1}, {y});
    sums.push_back(graph.append("sum" + n, op::AvgShift{0, 2}, {folded}));
    x = graph.append("q" + n, op::Requant{{{6, true, 1}}, fixed::Round::rnd_conv, fixed::Overflow::sat_sym}, {y});
  }
  for (const TensorId id : sums) graph.append("", op::Output{}, {id});
  return graph;
}

}  // namespace

TEST_CASE("[HW-12] a convolution by hand: stride, padding on both sides, dilation, groups and padding value") {
  Graph graph;
  const TensorId x = graph.append("x", op::Input{{5, 2}, {{4, true, 0}}});
  op::Conv1d op{.taps = 2, .n_in = 2, .n_out = 2, .weights = {1, 10, 2, 20}, .stride = 2, .dilation = 2, .groups = 2};
  op.before = 1;
  op.after = 1;
  op.pad = 3;
  op.bias = {100, 200};
  graph.append("y", op, {x});
  const Values values = evaluate(graph, std::vector<std::int64_t>{1, -1, 2, -2, 3, -3, 4, -4, 5, -5});
  // positions -1, 1, 3 with the tap two further: (pad, x1), (x1, x3), (x3, pad)
  CHECK(values[1] ==
        std::vector<std::int64_t>{100 + 3 + 4, 200 + 30 - 40, 100 + 2 + 8, 200 - 20 - 80, 100 + 4 + 6, 200 - 40 + 60});
  CHECK(graph.tensor(1).shape == Dims{3, 2});
  CHECK(graph.tensor(1).interval(0) == Interval{100 + 3 - 16, 100 + 3 + 14});
}

TEST_CASE("[HW-12] random convolutions: JSON, fast interpreter and parallel Verilog equal the definition") {
  const std::uint64_t seed = 20261121;
  MESSAGE("seed " << seed);
  SplitMix64 random(seed);
  for (int round = 0; round < 12; ++round) {
    CAPTURE(round);
    const Graph graph = random_stream(random);
    CHECK(canonical_text(parse_graph(canonical_text(graph), "again")) == canonical_text(graph));
    const Vectors stimulus = hw::stimulus(graph, 40, 7);
    const Vectors got = interpret(graph, stimulus);
    for (std::size_t v = 0; v < stimulus.rows(); ++v) {
      const auto want = outputs_of(graph, evaluate(graph, stimulus.row(v)));
      CHECK(std::equal(want.begin(), want.end(), got.row(v).begin()));
    }
    if (round >= 2 || !test::installed({"iverilog", "vvp"})) continue;
    const TempFolder folder;
    const VerifyResult result = test::simulated(test::exported(folder, graph, Timing::parallel, 40));
    INFO(result.text());
    CHECK(result.proven());
  }
}

TEST_CASE("[HW-12] a convolution whose C is compiled agrees with the definition") {
  if (!test::installed({"cc", "iverilog", "vvp"})) return;
  SplitMix64 random(5);
  const Graph graph = random_stream(random);
  const TempFolder folder;
  VerifyOptions options;
  options.engines = {"c", "icarus"};
  options.icarus_vectors = 20;
  const VerifyResult result = verify(test::exported(folder, graph, Timing::automatic, 60), options);
  INFO(result.text());
  CHECK(result.proven());
}

TEST_CASE("[HW-12] a convolution that cannot be is refused with the node and the reason") {
  Graph graph;
  const TensorId x = graph.append("x", op::Input{{8, 2}, {{4, true, 0}}});
  op::Conv1d op{.taps = 3, .n_in = 2, .n_out = 2, .weights = std::vector<std::int64_t>(12, 1)};
  op.groups = 3;
  CHECK(test::says(test::error_of([&] { graph.append("y", op, {x}); }), "3 groups for 2 input"));
  op.groups = 1;
  op.stride = 0;
  CHECK(test::says(test::error_of([&] { graph.append("y", op, {x}); }), "begin at 1"));
  op.stride = 1;
  op.weights.pop_back();
  CHECK(test::says(test::error_of([&] { graph.append("y", op, {x}); }), "11 weights"));
}

TEST_CASE("[HW-24] [HW-08] [HW-11] all integers of the wavelet chains come out of the graph") {
  const nlohmann::json file = test::hardware_data("wavelet_stream.json");
  for (const auto& one : file["cases"]) {
    const Graph graph = test::wavelet_graph(one);
    for (std::size_t v = 0; v < one["inputs"].size(); ++v) {
      const Values values = evaluate(graph, one["inputs"][v].get<test::Integers>());
      CHECK(outputs_of(graph, values) == one["features"][v].get<test::Integers>());
      if (v > 0) continue;
      const auto at = [&](const std::string& name) { return values[static_cast<std::size_t>(*graph.find(name))]; };
      for (std::size_t k = 0; k < one["weights"].size(); ++k) {
        const auto& trace = one["trace_vector0"][k];
        const std::string n = std::to_string(k);
        CHECK(at("feat" + n) == trace["feat_acc"].get<test::Integers>());
        CHECK(at("pass" + n) == trace["pass_acc"].get<test::Integers>());
        CHECK(at("mean" + n)[0] == trace["feat_sum"].get<std::int64_t>());
        CHECK(at("feature" + n)[0] == trace["feature"].get<std::int64_t>());
      }
    }
  }
}

TEST_CASE("[HW-24] the wavelet chains stream through the Verilog, with random gaps and a reset in a window") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const nlohmann::json file = test::hardware_data("wavelet_stream.json");
  for (const auto& one : file["cases"]) {
    const Graph graph = test::wavelet_graph(one);
    const Vectors stimulus = recorded(one["inputs"], graph.input_size());
    check_streamed(graph, stimulus);
    const VerilogDesign design = emit_verilog(graph);
    CHECK(design.timing == Timing::stream);
    CHECK(design.interval == one["L"].get<int>());  // windows back to back without a bubble
  }
}

TEST_CASE("[HW-24] random chains with strides 1 to 3, dilation, groups and several channels stream exactly") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const std::uint64_t seed = 20261122;
  MESSAGE("seed " << seed);
  SplitMix64 random(seed);
  for (int round = 0; round < 10; ++round) {
    CAPTURE(round);
    const Graph graph = random_stream(random);
    CAPTURE(canonical_text(graph));
    check_streamed(graph, hw::stimulus(graph, 30, 9), round % 2 == 0 ? 6 : 1);
  }
}

TEST_CASE("[HW-24] a graph that cannot be streamed says why") {
  Graph graph;
  const TensorId x = graph.append("x", op::Input{{8, 1}, {{4, true, 0}}});
  op::Conv1d op{.taps = 3, .weights = {1, 2, 3}};
  const TensorId y = graph.append("y", op, {x});
  Graph whole = graph;
  whole.append("", op::Output{}, {y});
  CHECK(stream_obstacle(whole) == "an output is a stream, not numbers of a window");
  VerilogOptions options;
  options.timing = Timing::stream;
  CHECK(test::says(test::error_of([&] { emit_verilog(whole, options); }), "no stream schedule"));
  graph.append("", op::Output{}, {graph.append("last", op::Slice{0, 0, 1}, {y})});
  CHECK(stream_obstacle(graph) == "'last' (slice) mixes positions of a stream");
}

TEST_CASE("[HW-29] a wrong value inside the streaming Verilog is found at the first node") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const nlohmann::json file = test::hardware_data("wavelet_stream.json");
  const Graph graph = test::wavelet_graph(file["cases"][0]);
  const TempFolder folder;
  const auto path = streamed(folder, graph, recorded(file["cases"][0]["inputs"], graph.input_size()));
  CHECK(explain(path, 3).equal);
  std::filesystem::path verilog = path / "rtl" / "wavelet.v";
  test::edit(verilog, "'sd95", "'sd93");  // a tap of the first pass filter
  const Explanation found = explain(path, 3);
  CHECK(!found.equal);
  CHECK(found.text.find("'pass0'") != std::string::npos);
}
