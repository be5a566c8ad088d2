// The proof must be able to fail: every kind of damage to an export folder is named, and nothing missing counts as
// equal.
#include "core/io/json.h"

#include "hw/verify/report.h"
#include "hw/verify/synthesis.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

#include "tests/hw/reference_nets.h"
#include "tests/hw/rtl_support.h"
#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::hw;
using test::TempFolder;
namespace fs = std::filesystem;

namespace {

Graph small_net() {
  return test::dense_net(test::hardware_data("mlp_small.json"));
}

bool any_fault(const VerifyResult& result, const std::string& part) {
  for (const std::string& fault : result.faults) {
    if (fault.find(part) != std::string::npos) return true;
  }
  return false;
}

const EngineResult& engine(const VerifyResult& result, const std::string& name) {
  for (const EngineResult& one : result.engines) {
    if (one.engine == name) return one;
  }
  FAIL("no engine " << name);
  return result.engines.front();
}

/// PATH with nothing but links to these programs, put back at the end.
class OnlyPrograms {
 public:
  explicit OnlyPrograms(const std::vector<std::string>& programs) : saved_(std::getenv("PATH")) {
    for (const std::string& program : programs) fs::create_symlink(program_path(program), folder_ / program);
    setenv("PATH", folder_.path().c_str(), 1);
  }
  ~OnlyPrograms() { setenv("PATH", saved_.c_str(), 1); }
  OnlyPrograms(const OnlyPrograms&) = delete;
  OnlyPrograms& operator=(const OnlyPrograms&) = delete;

 private:
  TempFolder folder_;
  std::string saved_;
};

std::string folder_bytes(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string out;
  for (const fs::path& file : files) out += fs::relative(file, folder).string() + "\n" + io::read_file(file);
  return out;
}

}  // namespace

TEST_CASE("[HW-30] interpreter, C, Verilator and Icarus agree on the small reference network with 0 mismatches") {
  if (!test::installed({"iverilog", "vvp", "cc"})) return;
  const TempFolder folder;
  const fs::path path = test::exported(folder, small_net(), Timing::parallel, 10000);
  const VerifyResult result = verify(path);
  INFO(result.text());
  CHECK(result.proven());
  CHECK(engine(result, "interpreter").line() == "interpreter: 0 mismatches of 10000");
  CHECK(engine(result, "c").line() == "c: 0 mismatches of 10000");
  CHECK(engine(result, "icarus").vectors == 500);
  CHECK(engine(result, "icarus").mismatches == 0);
  if (test::installed({"verilator", "make", "g++"})) {
    CHECK(engine(result, "verilator").line() == "verilator: 0 mismatches of 10000");
    CHECK(engine(result, "verilator").latency == engine(result, "icarus").latency);
  }
}

TEST_CASE("[HW-20] one wrong expected bit is one mismatch of every engine, named with vector, output and both values") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const TempFolder folder;
  const fs::path path = test::exported(folder, test::tiny_net(), Timing::parallel, 40);
  const Vectors expected = parse_vectors(io::read_file(path / "vec" / "expect.txt"), 1, "expect.txt");
  Vectors wrong = expected;
  wrong.data[23] ^= 1;
  const Graph graph = test::tiny_net();
  test::write_text(path / "vec" / "expect.txt", vectors_text(wrong));
  test::write_text(path / "vec" / "expect.mem", memory_text(wrong, output_types(graph)));
  const VerifyResult result = test::simulated(path);
  INFO(result.text());
  CHECK_FALSE(result.proven());
  for (const char* name : {"interpreter", "icarus"}) {
    const EngineResult& one = engine(result, name);
    CHECK(one.status == EngineResult::Status::different);
    CHECK(one.mismatches == 1);
    REQUIRE(one.first.size() == 1);
    CHECK(one.first[0].vector == 23);
    CHECK(one.first[0].element == 0);
    CHECK(one.first[0].got == std::to_string(expected.data[23]));
    CHECK(one.first[0].expected == wrong.data[23]);
  }
  CHECK(any_fault(result, "vec/expect.txt was changed"));
}

TEST_CASE(
    "[R47] missing, cut and changed files, short memory images and silent simulators are never taken for equality") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const Graph graph = small_net();
  const auto damaged = [&](const auto& damage, const std::string& fault) {
    const TempFolder folder;
    const fs::path path = test::exported(folder, graph, Timing::parallel, 40);
    damage(path);
    const VerifyResult result = test::simulated(path);
    INFO(result.text());
    CHECK_FALSE(result.proven());
    CHECK(any_fault(result, fault));
    return result;
  };
  const auto cut_last_line = [](const fs::path& file) {
    std::string text = io::read_file(file);
    text.resize(text.rfind('\n', text.size() - 2) + 1);
    test::write_text(file, text);
  };
  damaged([](const fs::path& path) { fs::remove(path / "fxir.json"); }, "fxir.json is missing");
  damaged([](const fs::path& path) { fs::remove(path / "vec" / "stim.mem"); }, "vec/stim.mem is missing");
  damaged([](const fs::path& path) { fs::remove(path / "manifest.sha256"); }, "manifest.sha256 is missing");
  damaged([&](const fs::path& path) { cut_last_line(path / "vec" / "expect.txt"); }, "vec/expect.txt");
  damaged([&](const fs::path& path) { cut_last_line(path / "vec" / "stim.mem"); }, "vec/stim.mem has 39 vectors");
  damaged([](const fs::path& path) { test::write_text(path / "report.json", "{}"); }, "report.json");
  const VerifyResult half = damaged(
      [](const fs::path& path) {
        const fs::path rom = path / "rtl" / "mlp_small_rom_tanh.mem";
        const std::string text = io::read_file(rom);
        test::write_text(rom, text.substr(0, text.size() / 6 * 3));
      },
      "rtl/mlp_small_rom_tanh.mem was changed");
  CHECK(engine(half, "icarus").status == EngineResult::Status::different);
  const VerifyResult silent = damaged(
      [](const fs::path& path) { test::edit(path / "rtl" / "tb.v", "if (file != 0) $fdisplay", "if (0) $fdisplay"); },
      "rtl/tb.v was changed");
  CHECK(engine(silent, "icarus").status != EngineResult::Status::equal);
  const VerifyResult early = damaged(
      [](const fs::path& path) {
        test::edit(path / "rtl" / "tb.v", "if (cycle == 4) rst", "if (cycle == 30) $finish; if (cycle == 4) rst");
      },
      "rtl/tb.v was changed");
  CHECK(engine(early, "icarus").status == EngineResult::Status::not_proven);
}

TEST_CASE("[HW-29] a wrong weight or table word inside the Verilog is named by node, element and both values") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const TempFolder folder;
  const Graph graph = small_net();
  fs::path path = test::exported(folder, graph, Timing::parallel, 60);
  test::edit(path / "rtl" / "mlp_small.v", "6'sd25", "6'sd24");  // the last weight of the first row of layer 0
  VerifyResult result = test::simulated(path);
  INFO(result.text());
  REQUIRE(result.first_difference);
  CHECK(result.first_difference->node == "acc0");
  CHECK(result.first_difference->got != std::to_string(result.first_difference->expected));
  CHECK_FALSE(explain(path, 60).equal);
  path = test::exported(folder, graph, Timing::serial, 60);
  CHECK(explain(path, 60).equal);
  std::string rom = io::read_file(path / "rtl" / "mlp_small_rom_layer_1.mem");
  rom[rom.find('\n') - 1] = rom[rom.find('\n') - 1] == '0' ? '4' : '0';  // lowest digit: the first input's first weight
  test::write_text(path / "rtl" / "mlp_small_rom_layer_1.mem", rom);
  result = test::simulated(path);
  REQUIRE(result.first_difference);
  CHECK(result.first_difference->node == "acc1");
  CHECK(result.first_difference->element == 0);
}

TEST_CASE("[HW-20] a design that drops an output, shifts it by a clock or loses its reset fails") {
  if (!test::installed({"iverilog", "vvp"})) return;
  const TempFolder folder;
  const auto fails = [&](const std::string& from, const std::string& to) {
    const fs::path path = test::exported(folder, test::tiny_net(), Timing::parallel, 40);
    test::edit(path / "rtl" / "tiny.v", from, to);
    const VerifyResult result = test::simulated(path);
    INFO(result.text());
    CHECK(engine(result, "icarus").status != EngineResult::Status::equal);
  };
  fails("assign out_valid = valid[1]", "assign out_valid = valid[1] && x[0] !== 1'bx");
  fails("assign out_valid = valid[1]", "assign out_valid = valid[0]");
  fails("rst ? 2'd0 : ", "");
}

TEST_CASE(
    "an engine asked for and not installed, or no Verilog simulator at all, is an error with the package, others are "
    "skipped by name") {
  if (!test::installed({"iverilog", "vvp", "cc"})) return;
  const TempFolder folder;
  const fs::path path = test::exported(folder, test::tiny_net(), Timing::parallel, 20);
  {
    const OnlyPrograms few({"iverilog", "vvp"});
    VerifyOptions options;
    options.engines = {"verilator"};
    const auto error = test::error_of([&] { verify(path, options); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::tool);
    CHECK(exit_code(error->kind()) == 2);
    CHECK(error->hint().find("apt install verilator") != std::string::npos);
    const VerifyResult result = verify(path);
    CHECK(result.proven());
    CHECK(engine(result, "verilator").line().find("verilator: skipped: verilator") == 0);
    CHECK(engine(result, "c").status == EngineResult::Status::skipped);
  }
  const OnlyPrograms none({});
  const auto error = test::error_of([&] { verify(path); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::tool);
  CHECK(test::says(test::error_of([&] { measure_area(path, "m1"); }), "yosys not found"));
}

TEST_CASE("an unknown engine is answered with the nearest one") {
  const TempFolder folder;
  VerifyOptions options;
  options.engines = {"iccarus"};
  const auto error = test::error_of([&] { verify(folder.path(), options); });
  REQUIRE(error);
  CHECK(error->hint().find("icarus") != std::string::npos);
  CHECK(test::error_of([] { verify("/nowhere/at/all"); })->kind() == ErrorKind::io);
}

TEST_CASE("[HW-37] the same graph and options give the same bytes, another folder's content is never replaced") {
  const TempFolder folder;
  ExportOptions options;
  const Graph graph = small_net();
  const Vectors vectors = stimulus(graph, 50, 7);
  export_folder(graph, vectors, options, folder / "a");
  export_folder(graph, vectors, options, folder / "b" / "deep");
  CHECK(folder_bytes(folder / "a") == folder_bytes(folder / "b" / "deep"));
  export_folder(test::tiny_net(), stimulus(test::tiny_net(), 5, 1), options, folder / "a");
  CHECK(fs::exists(folder / "a" / "rtl" / "tiny.v"));
  CHECK_FALSE(fs::exists(folder / "a" / "rtl" / "mlp_small.v"));
  fs::create_directories(folder / "mine");
  test::write_text(folder / "mine" / "thesis.tex", "years of work");
  CHECK(test::says(test::error_of([&] { export_folder(graph, vectors, options, folder / "mine"); }),
                   "not an earlier export"));
  CHECK(io::read_file(folder / "mine" / "thesis.tex") == "years of work");
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}) == 3);
}

TEST_CASE("an export that fails leaves the earlier one untouched and nothing beside it") {
  const TempFolder folder;
  const Graph graph = test::tiny_net();
  ExportOptions options;
  export_folder(graph, stimulus(graph, 5, 1), options, folder / "design");
  const std::string before = folder_bytes(folder / "design");
  Vectors outside;
  outside.width = 2;
  outside.data = {100, 0};
  CHECK(test::error_of([&] { export_folder(graph, outside, options, folder / "design"); }));
  CHECK(test::error_of([&] { export_folder(graph, Vectors{2, {}}, options, folder / "design"); }));
  CHECK(folder_bytes(folder / "design") == before);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}) == 1);
}

TEST_CASE("[HW-31] the cell counts of Yosys stand in the report, and the listing is read as it is written") {
  const Area area = parse_area(
      "=== top ===\n   Number of cells:   9\n     CARRY4    3\n     DSP48E1   2\n     FDRE     11\n     FDSE      1\n  "
      "   LUT2      5\n     LUT6      7\n     RAMB36E1  4\n");
  CHECK(area.lut == 12);
  CHECK(area.ff == 12);
  CHECK(area.carry4 == 3);
  CHECK(area.dsp == 2);
  CHECK(area.ramb36 == 4);
  CHECK(test::error_of([] { parse_area(""); }));
  if (!test::installed({"yosys"})) return;
  const TempFolder folder;
  const fs::path path = test::exported(folder, test::tiny_net(), Timing::parallel, 5);
  CHECK(usual_metric(path) == "m1");
  const Area measured = measure_area(path, "m1");
  CHECK(measured.lut > 0);
  CHECK(measured.ff > 0);
  CHECK(read_report(path)["synthesis"]["m1"]["lut"] == measured.lut);
  CHECK(io::read_file(path / "report.md").find("## Area") != std::string::npos);
}

TEST_CASE("[HW-03] the report tells the exact range and the bits saved against generic growth") {
  const TempFolder folder;
  const nlohmann::json report = read_report(test::exported(folder, test::tiny_net(), Timing::parallel, 5));
  const nlohmann::json& y = report["tensors"][1];
  CHECK(y["name"] == "y");
  CHECK(y["lo"] == 3 * -8 - 5 * 7 + 7);
  CHECK(y["hi"] == 3 * 7 + 5 * 8 + 7);
  CHECK(y["bits"] == 8);
  CHECK(y["generic_bits"] == 4 + 4 + 1 + 1);  // input, weight, two terms, bias
  CHECK(y["bits_saved"] == 2);
  CHECK(report_text(report).find("latency") != std::string::npos);
}

TEST_CASE("an outside program that hangs is ended after its time, output and children included") {
  if (!test::installed({"sleep", "sh"})) return;
  ProcessOptions options;
  options.seconds = 0.3;
  const ProcessResult run = run_process({program_path("sleep"), "30"}, options);
  CHECK(run.timed_out);
  CHECK_FALSE(run.ok());
  CHECK(run.seconds < 20);
  const ProcessResult shell = run_process({program_path("sh"), "-c", "echo out; echo err >&2; exit 3"});
  CHECK(shell.exit_code == 3);
  CHECK(shell.output == "out\nerr\n");
  CHECK(test::error_of([] { run_process({"/no/such/program"}); }));
}
