// Numbers for firmware written by hand: every format read back is the array that was written.

#include "core/io/atomic_file.h"

#include "hw/emit/stimulus.h"
#include "hw/sim/evaluate.h"
#include "hw/verify/firmware.h"

#include <doctest/doctest.h>

#include <cctype>

#include "tests/hw/random_graph.h"
#include "tests/hw/reference_nets.h"
#include "tests/support/error_of.h"
#include "tests/support/program.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::hw;
using test::error_of;
using test::says;

namespace {

std::string capitals(std::string word) {
  for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return word;
}

/// The text between `begin` and `end` behind the first place where `start` stands.
std::string part(const std::string& text, const std::string& start, const std::string& begin, const std::string& end) {
  const std::size_t at = text.find(start);
  REQUIRE_MESSAGE(at != std::string::npos, start);
  const std::size_t from = text.find(begin, at) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

std::int64_t signed_word(std::uint64_t bits, int width) {
  const auto q = static_cast<std::int64_t>(bits);
  return (bits >> (width - 1)) & 1 ? q - (std::int64_t{1} << width) : q;
}

/// Bit strings between quotes.
std::vector<std::int64_t> vhdl_words(const std::string& package, const WordArray& array) {
  const std::string body = part(package, "constant " + capitals(array.name) + " : ", ":=", ";\n");
  std::vector<std::int64_t> words;
  for (std::size_t at = body.find('"'); at != std::string::npos; at = body.find('"', body.find('"', at + 1) + 1)) {
    const std::string bits = body.substr(at + 1, body.find('"', at + 1) - at - 1);
    CHECK(static_cast<int>(bits.size()) == array.type.w);
    words.push_back(signed_word(std::stoull(bits, nullptr, 2), array.type.w));
  }
  return words;
}

/// Literals like 17'sh1ffcc.
std::vector<std::int64_t> verilog_words(const std::string& package, const WordArray& array) {
  const std::string body = part(package, "] " + capitals(array.name) + " [", "= ", ";\n");
  const std::string mark = text::cat(array.type.w, "'sh");
  std::vector<std::int64_t> words;
  for (std::size_t at = body.find(mark); at != std::string::npos; at = body.find(mark, at + 1))
    words.push_back(signed_word(std::stoull(body.substr(at + mark.size()), nullptr, 16), array.type.w));
  return words;
}

/// Decimal literals, some within INT64_C( ).
std::vector<std::int64_t> c_words(const std::string& header, const std::string& name, const WordArray& array) {
  const std::string body = part(header, " " + name + "_" + array.name + "[", "= ", ";\n");
  std::vector<std::int64_t> words;
  for (std::size_t at = 0; at < body.size();) {
    if (body.compare(at, 8, "INT64_C(") == 0) at += 8;
    const bool digit = std::isdigit(static_cast<unsigned char>(body[at])) != 0;
    if (!digit && body[at] != '-') {
      ++at;
      continue;
    }
    std::size_t used = 0;
    words.push_back(std::stoll(body.substr(at), &used));
    at += used;
  }
  return words;
}

void check_formats(const std::vector<WordArray>& arrays) {
  const std::string vhdl = vhdl_package("p", arrays), verilog = verilog_package("p", arrays),
                    header = c_header("p", arrays);
  for (const WordArray& array : arrays) {
    CAPTURE(array.name);
    CHECK(parse_coe(coe_text(array), array.type, array.data.size(), "a.coe") == array.data);
    CHECK(parse_mem(mem_text(array), array.type, array.data.size(), "a.mem") == array.data);
    CHECK(vhdl_words(vhdl, array) == array.data);
    CHECK(verilog_words(verilog, array) == array.data);
    CHECK(c_words(header, "p", array) == array.data);
  }
  CHECK(parse_words_json(words_json("p", arrays), "p.json") == arrays);
}

}  // namespace

TEST_CASE("Weights, biases and tables of the trigger network come back from every format [NT N03]") {
  const Graph graph = test::belle_net(test::hardware_data("belle_mlp.json"));
  const std::vector<WordArray> arrays = design_words(graph, 17);
  REQUIRE(arrays.size() == 5);
  CHECK(arrays[0].shape == std::vector<std::int64_t>{81, 27});
  CHECK(arrays[0].type == FxType{17, true, 10});
  const auto& matrix = std::get<op::Cmvm>(graph.nodes[1].op);
  CHECK(arrays[0].data[27 * 5 + 3] == matrix.weight(3, 5));
  CHECK(arrays[1].data == matrix.bias);
  check_formats(arrays);
}

TEST_CASE("Inputs, accumulators, hidden and output values of test vectors come back from every format [NT N03]") {
  const Graph graph = test::belle_net(test::hardware_data("belle_mlp.json"));
  const Vectors in = stimulus(graph, 20, 3);
  const std::vector<WordArray> arrays = vector_words(graph, in, 16);
  REQUIRE(arrays.size() == 5);  // x, sums, hidden, sums, outputs
  check_formats(arrays);
  CHECK(arrays.front().data == std::vector<std::int64_t>(in.data.begin(), in.data.begin() + 16 * 27));
  for (std::size_t row = 0; row < 16; ++row) {
    const auto out = outputs_of(graph, evaluate(graph, in.row(row)));
    CHECK(std::equal(out.begin(), out.end(), arrays.back().data.begin() + static_cast<std::ptrdiff_t>(2 * row)));
  }
}

TEST_CASE("Arrays of one word, one row and 62 bits come back from every format [NT N03]") {
  const std::int64_t low = -(std::int64_t{1} << 61);
  check_formats({{"one", {2, true, 5}, {1}, {-1}, "a"},
                 {"row", {62, true, -3}, {1, 3}, {low, 0, -low - 1}, "b"},
                 {"column", {1, true, 0}, {2, 1}, {0, -1}, "c"},
                 {"narrow", {33, true, 40}, {2}, {-4294967296, 4294967295}, "d"}});
}

TEST_CASE("Random graphs: values of all nodes come back from every format [NT N03]") {
  const std::uint64_t seed = 11;
  MESSAGE("seed " << seed);
  SplitMix64 random(seed);
  for (int n = 0; n < 5; ++n) {
    const Graph graph = test::random_graph(random);
    check_formats(vector_words(graph, random_vectors(graph, 3, seed), 3));
  }
}

TEST_CASE("The packages are accepted by a C compiler and by Verilator [NT N03]") {
  const Graph graph = test::belle_net(test::hardware_data("belle_mlp.json"));
  std::vector<WordArray> arrays = design_words(graph, 17);
  for (WordArray& array : vector_words(graph, stimulus(graph, 4, 3), 4)) arrays.push_back(std::move(array));
  const test::TempFolder folder;
  io::atomic_replace(folder.path() / "p.h", c_header("p", arrays));
  io::atomic_replace(folder.path() / "use.c",
                     "#include \"p.h\"\nint main(void) {\n  return p_acc0_weights[80][26] == " +
                         std::to_string(arrays[0].data.back()) + " && P_ACC0_WEIGHTS_BITS == 17 ? 0 : 1;\n}\n");
  io::atomic_replace(
      folder.path() / "p.sv",
      verilog_package("p", arrays) +
          text::cat("module use_p (output wire equal);\n  assign equal = p::ACC0_WEIGHTS[80][26] == ",
                    arrays[0].data.back() < 0 ? "-" : "", "17'sd", std::abs(arrays[0].data.back()), ";\nendmodule\n"));
  if (test::has_program("cc")) {
    const auto built = test::run_program({"cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                                          "-Wno-unused-const-variable", "use.c", "-o", "use"},
                                         folder.path());
    CHECK_MESSAGE(built.exit_code == 0, built.output);
    CHECK(test::run_program({"./use"}, folder.path()).exit_code == 0);
  } else {
    MESSAGE("skipped: no C compiler");
  }
  if (test::has_program("verilator")) {
    const auto linted =
        test::run_program({"verilator", "--lint-only", "-sv", "--top-module", "use_p", "p.sv"}, folder.path());
    CHECK_MESSAGE(linted.exit_code == 0, linted.output);
  } else {
    MESSAGE("skipped: verilator is not installed");
  }
}

TEST_CASE("Damaged word files are refused with file and line") {
  const FxType type{5, true, 0};
  const WordArray array{"a", type, {3}, {-16, 0, 15}, "m"};
  CHECK(says(error_of([&] { parse_mem("10\n0g\n", type, 2, "a.mem"); }), "a.mem:2"));
  CHECK(says(error_of([&] { parse_mem("20\n", type, 1, "a.mem"); }), "5 bits"));
  CHECK(says(error_of([&] { parse_mem(mem_text(array), type, 4, "a.mem"); }), "3 words, expected 4"));
  const std::string coe = coe_text(array);
  CHECK(says(error_of([&] { parse_coe(coe.substr(0, coe.size() - 2), type, 3, "a.coe"); }), "a.coe"));
  CHECK(says(error_of([&] { parse_coe(coe + "00,\n", type, 3, "a.coe"); }), "behind the last word"));
  CHECK(says(error_of([&] { parse_words_json("{}", "a.json"); }), "schema"));
  std::string json = words_json("p", {array});
  json.replace(json.find("15"), 2, "16");
  CHECK(says(error_of([&] { parse_words_json(json, "a.json"); }), "does not fit"));
}

TEST_CASE("Weights that do not fit the memory of the firmware are refused by name") {
  const Graph graph = test::belle_net(test::hardware_data("belle_mlp.json"));
  CHECK(says(error_of([&] { design_words(graph, 4); }), "the memory has 4"));
}
