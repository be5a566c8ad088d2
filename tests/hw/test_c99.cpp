#include "core/io/json.h"
#include "core/random/splitmix.h"

#include "hw/emit/c99.h"
#include "hw/emit/stimulus.h"
#include "hw/ir/json.h"
#include "hw/sim/evaluate.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/hw/random_graph.h"
#include "tests/hw/reference_nets.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::hw;
using test::hardware_data;
using test::Integers;

namespace {

const std::vector<std::string> kStrict = {"-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"};

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

Vectors expected(const Graph& graph, const Vectors& in) {
  Vectors out{.width = graph.output_size()};
  for (std::size_t r = 0; r < in.rows(); ++r) out.push(outputs_of(graph, evaluate(graph, in.row(r))));
  return out;
}

/// An export in a folder of its own.
class Export {
 public:
  Export(const Graph& graph, const Vectors& in) : design_(emit_c99(graph)) {
    for (const CFile& file : design_.files) write(folder_ / file.path, file.text);
    set_vectors(in, expected(graph, in));
  }
  void set_vectors(const Vectors& in, const Vectors& out) {
    write(folder_ / "vec/stim.txt", vectors_text(in));
    write(folder_ / "vec/expect.txt", vectors_text(out));
  }
  test::ProgramResult compile(const std::string& compiler, const std::vector<std::string>& options) {
    std::vector<std::string> command = {compiler};
    command.insert(command.end(), kStrict.begin(), kStrict.end());
    command.insert(command.end(), options.begin(), options.end());
    const std::string stem = "c/" + design_.name;
    command.insert(command.end(), {"-o", "check", stem + ".c", stem + "_test.c"});
    return test::run_program(command, folder_.path());
  }
  test::ProgramResult run() { return test::run_program({"./check"}, folder_.path()); }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  test::TempFolder folder_;
  CDesign design_;
};

void check_passes(Export& design, const std::string& compiler, const std::vector<std::string>& options,
                  std::size_t vectors) {
  if (!test::has_program(compiler)) {
    MESSAGE("skipped: " << compiler << " is not installed");
    return;
  }
  const auto compiled = design.compile(compiler, options);
  INFO(compiler, ": ", compiled.output);
  REQUIRE(compiled.exit_code == 0);
  CHECK(compiled.output.empty());
  const auto result = design.run();
  CHECK(result.exit_code == 0);
  CHECK(result.output == "RESULT vectors=" + std::to_string(vectors) + " mismatches=0\nPASS\n");
}

const std::vector<std::string> kSanitised = {"-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all"};

}  // namespace

TEST_CASE(
    "[HW-16] [R46] C of mlp_small agrees on 10,000 vectors: gcc and clang, unoptimised and optimised, UBSan clean") {
  const Graph graph = test::dense_net(hardware_data("mlp_small.json"));
  Export design(graph, stimulus(graph, 10000, 1));
  check_passes(design, "gcc", kSanitised, 10000);
  check_passes(design, "gcc", {"-O3"}, 10000);
  check_passes(design, "clang", {"-O0"}, 10000);
  check_passes(design, "clang", {"-Os"}, 10000);
}

TEST_CASE("[HW-16] C of jet_mlp and of the Belle II network agrees on 10,000 vectors, UBSan clean") {
  for (const Graph& graph :
       {test::dense_net(hardware_data("jet_mlp.json")), test::belle_net(hardware_data("belle_mlp.json"))}) {
    Export design(graph, stimulus(graph, 10000, 2));
    check_passes(design, "gcc", kSanitised, 10000);
  }
}

TEST_CASE("[HW-13] [HW-16] C of random graphs of every operator, format per channel and mode agrees, UBSan clean") {
  const std::uint64_t seed = 2026;
  INFO("seed ", seed);
  SplitMix64 random(seed);
  for (int round = 0; round < 6; ++round) {
    CAPTURE(round);
    const Graph graph = test::random_graph(random);
    Export design(graph, stimulus(graph, 400, static_cast<std::uint64_t>(round)));
    check_passes(design, round % 2 == 0 ? "gcc" : "clang", kSanitised, 400);
  }
}

TEST_CASE("[R45] C with hostile layer names compiles with every warning an error, and agrees") {
  // origin: tests/data/hostile/names.json
  const auto names = io::read_json(test::test_data("hostile/names.json")).get<std::vector<std::string>>();
  for (const std::string& graph_name : {std::string("t; endmodule module u"), std::string("k_main*/ int x; /*")}) {
    Graph graph;
    graph.name = graph_name;
    TensorId x = graph.append(names[0], op::Input{{3}, {{6, true, 2}}});
    graph.add_table({names.back(), {7, true, 2}, Integers(32, 9)});
    for (std::size_t i = 1; i < names.size(); ++i)
      x = i % 3 == 0
              ? graph.append(names[i], op::Requant{{{6, true, 2}}, fixed::Round::rnd, fixed::Overflow::wrap}, {x})
          : i % 3 == 1 ? graph.append(names[i], op::Cmvm{3, 3, {1, 2, 0, -1, 1, 3, 0, 0, 1}, {1}, {1, 2, 3}}, {x})
                       : graph.append(names[i], op::Requant{{{6, true, 2}}}, {x});
    x = graph.append("table out", op::Lut{.table = names.back(), .fold = Fold::odd, .clamp = true}, {x});
    graph.append("", op::Output{}, {x});
    Export design(graph, stimulus(graph, 200, 3));
    check_passes(design, "gcc", {"-O1"}, 200);
    check_passes(design, "clang", {"-O1"}, 200);
  }
}

TEST_CASE("[HW-16] C of a graph with pruned layers, unused ports, unused tables and dead nodes compiles and agrees") {
  Graph graph;
  graph.add_table({"unused", {4, true, 0}, {1, 2}});
  const TensorId x = graph.append("x", op::Input{{2}, {{4, true, 0}}});
  graph.append("never read", op::Input{{3}, {{4, true, 0}}});
  graph.append("dead", op::Abs{}, {x});
  const TensorId none = graph.append("pruned", op::Cmvm{2, 0, {}, {0}, {}}, {x});
  const TensorId rest = graph.append("bias only", op::Cmvm{0, 3, {}, {0}, {7, -8, 300}}, {none});
  SUBCASE("constant outputs") {
    graph.append("", op::Output{}, {rest});
  }
  SUBCASE("mixed outputs") {
    graph.append("", op::Output{}, {graph.append("j", op::Concat{0}, {rest, x, none})});
  }
  Export design(graph, stimulus(graph, 20, 1));
  check_passes(design, "gcc", {"-O1"}, 20);
  check_passes(design, "clang", {"-O1"}, 20);
}

TEST_CASE("[HW-20] the C test program fails for a corrupted expectation, a missing line, a damaged line and no file") {
  if (!test::has_program("gcc")) {
    MESSAGE("skipped: gcc is not installed");
    return;
  }
  const Graph graph = test::dense_net(hardware_data("mlp_small.json"));
  const Vectors in = stimulus(graph, 50, 1), right = expected(graph, in);
  Export design(graph, in);
  REQUIRE(design.compile("gcc", {"-O0"}).exit_code == 0);
  Vectors wrong = right;
  wrong.data[100] ^= 1;
  design.set_vectors(in, wrong);
  auto result = design.run();
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("RESULT vectors=50 mismatches=1\nFAIL\n") != std::string::npos);
  CHECK(result.output.find("vector 33 output 1: got ") != std::string::npos);
  wrong = right;
  wrong.data.resize(wrong.data.size() - 3);
  design.set_vectors(in, wrong);
  result = design.run();
  CHECK(result.exit_code == 1);
  CHECK(result.output.find("RESULT vectors=49 mismatches=0\n") != std::string::npos);
  CHECK(result.output.find("FAIL\n") != std::string::npos);
  write(design.folder() / "vec/expect.txt", vectors_text(right) + "1 2\n");
  CHECK(design.run().exit_code == 1);
  std::filesystem::remove(design.folder() / "vec/expect.txt");
  CHECK(design.run().exit_code == 1);
}
