// thimble-hw as people run it: exit codes, messages, files.
#include "core/io/json.h"

#include "hw/ir/json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/hw/reference_nets.h"
#include "tests/hw/rtl_support.h"
#include "tests/support/hostile.h"

using namespace thimble;
using test::TempFolder;
namespace fs = std::filesystem;

namespace {

hw::ProcessResult thimble_hw(std::vector<std::string> words) {
  words.insert(words.begin(), THIMBLE_BINARY_DIR "/bin/thimble-hw");
  return hw::run_process(words, {{}, 120});
}

bool holds(const hw::ProcessResult& run, const std::string& part) {
  return run.output.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "[HW-30] thimble-hw exports and verifies a network, a flipped weight ends with exit code 1 and the node's name") {
  if (!test::installed({"iverilog", "vvp", "cc"})) return;
  const TempFolder folder;
  const std::string out = (folder / "with space").string();
  const std::string net = test::test_data("hardware/mlp_small.fxir.json").string();
  hw::ProcessResult run = thimble_hw({"export", net, "--out", out, "--vectors", "200", "--schedule", "serial:4"});
  INFO(run.output);
  REQUIRE(run.exit_code == 0);
  CHECK(holds(run, "serial schedule"));
  run = thimble_hw({"verify", out, "--sim", "interpreter,c,icarus"});
  INFO(run.output);
  CHECK(run.exit_code == 0);
  for (const char* engine : {"interpreter", "c", "icarus"}) {
    CHECK(holds(run, text::cat(engine, ": 0 mismatches of 200")));
  }
  CHECK(io::read_json(out + "/report.json")["verification"]["verdict"] == "proven");
  test::edit(fs::path(out) / "rtl" / "mlp_small_rom_layer_1.mem", "\n", "0\n");
  run = thimble_hw({"verify", out, "--sim", "icarus", "--json"});
  INFO(run.output);
  CHECK(run.exit_code == 1);
  CHECK(holds(run, "\"exit\":1"));
  run = thimble_hw({"explain", out});
  CHECK(run.exit_code == 1);
  CHECK(holds(run, "node 'acc1'"));
}

TEST_CASE("[R41] hostile integer graphs end thimble-hw with exit code 2 and a message, or load, nothing is written") {
  for (const test::HostileCase& item : test::hostile_cases("fxir")) {
    const TempFolder folder;
    CAPTURE(item.name);
    const hw::ProcessResult run =
        thimble_hw({"export", item.file.string(), "--out", (folder / "out").string(), "--vectors", "10"});
    INFO(run.output);
    CHECK(run.exit_code == (item.accept ? 0 : 2));
    CHECK(holds(run, "error:") == !item.accept);
    CHECK(fs::exists(folder / "out") == item.accept);
    CHECK(run.seconds < 30);
  }
}

TEST_CASE("thimble-hw refuses what it cannot do with exit code 2 and the remedy") {
  const TempFolder folder;
  const std::string net = test::test_data("hardware/mlp_small.fxir.json").string();
  const auto refused = [&](const std::vector<std::string>& words, const std::string& part) {
    const hw::ProcessResult run = thimble_hw(words);
    INFO(run.output);
    CHECK(run.exit_code == 2);
    CHECK(holds(run, part));
  };
  refused({"export", net}, "--out");
  refused({"export", net, "--out", (folder / "x").string(), "--schedule", "sideways"}, "serial:R");
  refused({"export", net, "--out", (folder / "x").string(), "--target", "vhdl"}, "rtl, c or rtl,c");
  refused({"export", net, "--out", (folder / "x").string(), "--vectors", "0"}, "at least 1");
  refused({"verify", (folder / "nothing").string()}, "no such folder");
  refused({"verify", folder.path().string(), "--sim", "modelsim"}, "engines are");
  refused({"check", (folder / "none.json").string()}, "none.json");
  refused({"report", folder.path().string()}, "report.json");
  CHECK_FALSE(fs::exists(folder / "x"));
}

TEST_CASE("[HW-29] diff names vector, node and element of the first difference of two traces") {
  const TempFolder folder;
  test::write_text(folder / "a", "0 x 1 2\n0 y -7\n1 x 3 4\n");
  test::write_text(folder / "b", "0 x 1 2\n0 y -7\n1 x 3 5\n");
  const hw::ProcessResult run = thimble_hw({"diff", (folder / "a").string(), (folder / "b").string()});
  CHECK(run.exit_code == 1);
  CHECK(holds(run, "vector 1, node 'x'[1]: 4 and 5"));
  CHECK(thimble_hw({"diff", (folder / "a").string(), (folder / "a").string()}).exit_code == 0);
}

TEST_CASE("check prints formats and exact ranges, vectors writes the four files with their identity") {
  const TempFolder folder;
  const std::string net = test::test_data("hardware/mlp_small.fxir.json").string();
  const hw::ProcessResult run = thimble_hw({"check", net});
  CHECK(run.exit_code == 0);
  CHECK(holds(run, "fx<"));
  CHECK(holds(run, hw::hash_of(hw::read_graph(net))));
  CHECK(thimble_hw({"vectors", net, "--vectors", "30", "--out", (folder / "vec").string()}).exit_code == 0);
  for (const char* name : {"stim.txt", "expect.txt", "stim.mem", "expect.mem"}) {
    const std::string text = io::read_file(folder / "vec" / name);
    CHECK(std::count(text.begin(), text.end(), '\n') == 30);
  }
}
