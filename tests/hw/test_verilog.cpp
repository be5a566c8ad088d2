// The Verilog of every operator and both schedules, simulated in Icarus against the interpreter.
#include "core/io/json.h"

#include "hw/emit/identifiers.h"
#include "hw/emit/verilog.h"
#include "hw/emit/verilog_netlist.h"
#include "hw/ir/json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <regex>

#include "tests/hw/reference_nets.h"
#include "tests/hw/rtl_support.h"
#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::hw;
using test::TempFolder;

namespace {

/// Inputs of 7 bits with 4 fraction bits, signed or not, and an accumulator of three terms.
TensorId some_sum(Graph& graph, bool is_signed) {
  const auto x = graph.append("in", op::Input{{3}, {{7, is_signed, 4}}});
  return graph.append("acc", op::Cmvm{3, 2, {5, -3, 7, 2, 1, -6}, {2}, {-9, 40}}, {x});
}

/// One output for every rounding and overflow mode, from one sum.
Graph all_conversions(bool is_signed, FxType to) {
  Graph graph;
  graph.name = "conversions";
  const auto acc = some_sum(graph, is_signed);
  for (int q = 0; q <= static_cast<int>(fixed::Round::rnd_conv); ++q) {
    for (int o = 0; o <= static_cast<int>(fixed::Overflow::wrap_mag); ++o) {
      const auto round = static_cast<fixed::Round>(q);
      const auto overflow = static_cast<fixed::Overflow>(o);
      if (overflow == fixed::Overflow::wrap_mag && !to.s) continue;
      const auto y = graph.append(text::cat("q", q, "o", o), op::Requant{{to}, round, overflow}, {acc});
      graph.append("", op::Output{}, {y});
    }
  }
  return graph;
}

void check_equal(const Graph& graph, Timing timing, std::size_t vectors, int reuse = 0, int levels = 6) {
  const TempFolder folder;
  const VerifyResult result = test::simulated(test::exported(folder, graph, timing, vectors, reuse, levels));
  INFO(result.text());
  CHECK(result.proven());
}

/// Chain with every elementwise operator between random dense layers.
Graph random_chain(std::mt19937& random, std::vector<int> sizes) {
  const auto pick = [&](int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(random); };
  Graph graph;
  graph.name = "chain";
  graph.add_table({"curve", {8, true, 6}, {0, 3, 9, 17, 30, 44, 52, 60, 63}});
  auto x = graph.append("x", op::Input{{sizes[0]}, {{pick(3, 9), pick(0, 1) == 1, pick(0, 4)}}});
  for (std::size_t k = 1; k < sizes.size(); ++k) {
    op::Cmvm dense{sizes[k - 1], sizes[k]};
    for (int i = 0; i < sizes[k - 1] * sizes[k]; ++i) dense.weights.push_back(pick(-20, 20));
    for (int i = 0; i < sizes[k]; ++i) dense.bias.push_back(pick(-200, 200));
    const std::string n = std::to_string(k);
    x = graph.append("acc" + n, dense, {x});
    if (pick(0, 2) == 0) x = graph.append("add" + n, op::ConstAdd{{pick(-50, 50)}}, {x});
    if (pick(0, 2) == 0) x = graph.append("leaky" + n, op::LeakyShift{pick(0, 3), pick(0, 1) == 1 ? 1 : -1}, {x});
    if (pick(0, 3) == 0) x = graph.append("neg" + n, op::Neg{}, {x});
    const int kind = pick(0, 3);
    if (kind == 0) x = graph.append("relu" + n, op::Relu{}, {x});
    if (kind == 1) x = graph.append("abs" + n, op::Abs{}, {x});
    const bool table = pick(0, 1) == 1;
    const FxType to{table ? 8 : pick(4, 10), table || pick(0, 1) == 1, table ? 6 : pick(0, 4)};
    x = graph.append("q" + n,
                     op::Requant{{to}, static_cast<fixed::Round>(pick(0, 6)), static_cast<fixed::Overflow>(pick(1, 3))},
                     {x});
    if (table) x = graph.append("t" + n, op::Lut{.table = "curve", .fold = Fold::odd, .drop = 4, .clamp = true}, {x});
  }
  graph.append("", op::Output{}, {x});
  return graph;
}

}  // namespace

TEST_CASE(
    "[HW-18] every rounding and overflow mode in Verilog equals the interpreter, narrower, wider, coarser, finer") {
  if (!test::installed({"iverilog", "vvp"})) return;
  for (const bool is_signed : {true, false}) {
    for (const FxType to : {FxType{5, true, 3}, FxType{4, false, 4}, FxType{14, true, 9}, FxType{3, true, -3}}) {
      CAPTURE(is_signed);
      CAPTURE(to.str());
      check_equal(all_conversions(is_signed, to), Timing::parallel, 150);
    }
  }
}

TEST_CASE(
    "[HW-08] relu, abs, neg, leaky shift, add, sub, constant, sum and data movement equal the interpreter in Verilog") {
  if (!test::installed({"iverilog", "vvp"})) return;
  Graph graph;
  graph.name = "scalars";
  const auto a = graph.append("a", op::Input{{4}, {{6, true, 2}}});
  const auto b = graph.append("b", op::Input{{4}, {{5, false, 4}}});
  const auto c = graph.append("c", op::Const{{4}, {{5, true, 1}}, {-3, 0, 7, -16}});
  for (const auto id :
       {graph.append("relu", op::Relu{}, {a}), graph.append("abs", op::Abs{}, {a}), graph.append("neg", op::Neg{}, {b}),
        graph.append("up", op::LeakyShift{2, 1}, {a}), graph.append("down", op::LeakyShift{0, -1}, {a}),
        graph.append("add", op::Add{}, {a, b}), graph.append("sub", op::Sub{}, {b, c}),
        graph.append("const_add", op::ConstAdd{{1, -2, 3, 9}}, {a}), graph.append("sum", op::Sum{0}, {b}),
        graph.append("avg", op::AvgShift{0, 2}, {a}), graph.append("join", op::Concat{0}, {a, a}),
        graph.append("pick", op::Select{0, {3, 1, 1}}, {b}), graph.append("part", op::Slice{0, 1, 3}, {a}),
        graph.append("shape", op::Reshape{{2, 2}}, {a}), graph.append("fixed", op::Relu{}, {c})}) {
    graph.append("", op::Output{}, {id});
  }
  check_equal(graph, Timing::parallel, 200);
  check_equal(graph, Timing::parallel, 50, 0, 1);
}

TEST_CASE("[HW-05] the int8 scaling with one and with two roundings equals the interpreter in Verilog") {
  if (!test::installed({"iverilog", "vvp"})) return;
  for (const fixed::Rounding rounding : {fixed::Rounding::once, fixed::Rounding::twice}) {
    Graph graph;
    graph.name = "int8";
    const auto x = graph.append("x", op::Input{{3}, {{18, true, 0}}});
    const fixed::MulShift rule{{1583594044, 1073741824, 1717986918}, {-9, 0, 2}, rounding, -5, -100, 127};
    graph.append("", op::Output{}, {graph.append("y", op::MulShift{rule}, {x})});
    check_equal(graph, Timing::parallel, 300);
  }
}

TEST_CASE(
    "[HW-09] tables without fold, odd and half, with dropped bits and a clamped end, equal the interpreter in "
    "Verilog") {
  if (!test::installed({"iverilog", "vvp"})) return;
  Graph graph;
  graph.name = "tables";
  const auto x = graph.append("x", op::Input{{2}, {{6, true, 3}}});
  graph.add_table({"plain", {7, true, 5}, {-60, -31, -9, 0, 1, 12, 40, 63}});
  graph.add_table({"magnitude", {6, false, 5}, {16, 20, 25, 29, 32}});
  const auto add = [&](const char* name, op::Lut lut) {
    graph.append("", op::Output{}, {graph.append(name, lut, {x})});
  };
  add("plain_y", op::Lut{.table = "plain", .fold = Fold::none, .drop = 3});
  add("half_y", op::Lut{.table = "magnitude", .fold = Fold::half, .drop = 2, .clamp = true});
  graph.add_table({"odd", {7, true, 5}, {0, 5, 11, 20, 31}});
  add("odd_y", op::Lut{.table = "odd", .fold = Fold::odd, .drop = 2, .clamp = true});
  check_equal(graph, Timing::parallel, 100);
}

TEST_CASE(
    "[HW-21] the small reference network agrees for any number of logic levels between registers, latency as "
    "reported") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const Graph graph = test::dense_net(test::hardware_data("mlp_small.json"));
  int last = 100;
  for (const int levels : {1, 3, 8, 0}) {
    CAPTURE(levels);
    check_equal(graph, Timing::parallel, 120, 0, levels);  // verify compares the measured latency with the report
    VerilogOptions options;
    options.timing = Timing::parallel;
    options.levels_per_stage = levels;
    const int latency = emit_verilog(graph, options).latency;
    CHECK(latency <= last);
    last = latency;
  }
}

TEST_CASE("[HW-23] the serial schedule gives the same vectors with one and with several lanes") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const Graph graph = test::dense_net(test::hardware_data("mlp_small.json"));
  for (const int reuse : {0, 5, 3, 1}) {
    CAPTURE(reuse);
    check_equal(graph, Timing::serial, 120, reuse);
  }
}

TEST_CASE("[HW-18] random chains of layers and scalar operators agree in both schedules") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const unsigned seed = 20261120;
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::vector<int>> shapes = {{1, 1}, {5, 3}, {2, 7, 1}, {4, 1, 6, 2}, {3, 5, 4}};
  for (const auto& sizes : shapes) {
    const Graph graph = random_chain(random, sizes);
    CAPTURE(canonical_text(graph));
    check_equal(graph, Timing::parallel, 80);
    check_equal(graph, Timing::serial, 80, static_cast<int>(random() % 4));
  }
}

TEST_CASE("[HW-09] the track trigger network of the reference vectors agrees in the serial Verilog") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const nlohmann::json file = test::hardware_data("belle_mlp.json");
  const Graph graph = test::belle_net(file);
  Vectors inputs;
  inputs.width = graph.input_size();
  for (const auto& row : file.at("inputs")) inputs.push(row.get<test::Integers>());
  for (const Timing timing : {Timing::serial, Timing::parallel}) {
    const TempFolder folder;
    ExportOptions options;
    options.verilog.timing = timing;
    export_folder(graph, inputs, options, folder / "belle");
    std::string expected;
    for (const auto& row : file.at("outputs")) {
      expected += text::cat(row[0].get<int>(), " ", row[1].get<int>(), "\n");
    }
    CHECK(io::read_file(folder / "belle" / "vec" / "expect.txt") == expected);
    const VerifyResult result = test::simulated(folder / "belle");
    INFO(result.text());
    CHECK(result.proven());
  }
}

TEST_CASE("the track trigger network is exported serially, small networks in parallel") {
  CHECK(emit_verilog(test::belle_net(test::hardware_data("belle_mlp.json"))).timing == Timing::serial);
  CHECK(emit_verilog(test::dense_net(test::hardware_data("mlp_small.json"))).timing == Timing::parallel);
}

TEST_CASE("[HW-38] a serial schedule is refused with the reason, a design without outputs too") {
  Graph graph;
  const auto a = graph.append("a", op::Input{{2}, {{4, true, 0}}});
  const auto b = graph.append("b", op::Relu{}, {a});
  const auto c = graph.append("c", op::Add{}, {a, b});
  graph.append("", op::Output{}, {c});
  VerilogOptions serial;
  serial.timing = Timing::serial;
  CHECK(test::says(test::error_of([&] { emit_verilog(graph, serial); }), "not a chain"));
  Graph empty;
  empty.append("", op::Output{}, {empty.append("x", op::Input{{0}, {{4, true, 0}}})});
  CHECK(test::error_of([&] { emit_verilog(empty); }));
}

TEST_CASE(
    "[R41] names that are keywords, foreign letters or very long become harmless: Icarus, Verilator and Yosys read the "
    "file") {
  Graph graph;
  const nlohmann::json names = io::read_json(test::test_data("hostile/names.json"));
  std::vector<std::string> list;
  for (const auto& entry : names) {
    const std::string name = entry.get<std::string>();
    if (!name.empty() && std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  }
  graph.name = list.front();
  auto x = graph.append(list.front(), op::Input{{2}, {{4, true, 0}}});
  for (std::size_t i = 1; i < list.size(); ++i) {
    x = graph.append(list[i], op::Requant{{{5, true, 0}}, fixed::Round::trn, fixed::Overflow::sat}, {x});
  }
  graph.append("", op::Output{}, {x});
  const TempFolder folder;
  const auto path = test::exported(folder, graph, Timing::parallel, 10);
  const std::string module = emit_verilog(graph).module;
  const std::string text = io::read_file(path / "rtl" / (module + ".v"));
  const auto plain = [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); };
  CHECK(std::all_of(text.begin(), text.end(), plain));
  const auto reads = [&](std::vector<std::string> argv) {
    if (!test::installed({argv[0]})) return;
    argv[0] = program_path(argv[0]);
    const ProcessResult run = run_process(argv, {path / "rtl", 60});
    INFO(run.output);
    CHECK(run.ok());
  };
  reads({"iverilog", "-g2005", "-t", "null", "tb.v", module + ".v"});
  reads({"verilator", "--lint-only", "-Wno-fatal", "--top-module", module, module + ".v"});
  reads({"yosys", "-q", "-p", "read_verilog " + module + ".v ; hierarchy -check -top " + module});
}

TEST_CASE("only constructs that every tool knows are written, and the hash of the graph stands in the file") {
  const Graph graph = test::dense_net(test::hardware_data("mlp_small.json"));
  for (const Timing timing : {Timing::parallel, Timing::serial}) {
    VerilogOptions options;
    options.timing = timing;
    const std::string text = emit_verilog(graph, options).files.front().text;
    CHECK(text.find(hash_of(graph)) != std::string::npos);
    for (const std::string word : {"parameter", "function", " real", "generate", "always_ff", "integer"}) {
      CAPTURE(word);
      CHECK(text.find(word) == std::string::npos);
    }
  }
}
