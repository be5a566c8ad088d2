#include "core/io/json.h"

#include "apps/common/run/lock.h"
#include "apps/common/run/run_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <set>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::app;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSmall = "train: {lr: 0.5, steps: 3}\n";

std::string last_line(const std::string& text) {
  const std::string_view trimmed = text::trim(text);
  return std::string(trimmed.substr(trimmed.rfind('\n') + 1));
}

}  // namespace

TEST_CASE("versions count up and latest follows") {
  const test::TempFolder folder;
  const RunIdentity identity{(folder / "runs").string(), "demo", "small"};
  const std::string first = RunFolder::create(identity).path();
  const RunFolder second = RunFolder::create(identity);
  CHECK(first == (folder / "runs/demo/small/version_0").string());
  CHECK(second.version() == 1);
  CHECK(fs::read_symlink(folder / "runs/demo/small/latest") == "version_1");
  fs::create_directory(folder / "runs/demo/small/version_7");
  CHECK(RunFolder::create(identity).version() == 8);
}

TEST_CASE("a name that would leave the run root is refused and makes no folder [R13]") {
  const test::TempFolder folder;
  for (const char* name : {"../../outside", "/tmp/outside", "", ".", "..", "a/b", "-x", "</script>", "a\nb", "a..b"}) {
    CHECK_THROWS_AS(RunFolder::create({folder.path().string(), "demo", name}), Error);
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("the root of runs may be no file, no device, no link into nowhere [R32]") {
  const test::TempFolder folder;
  test::write_text(folder / "file", "x");
  fs::create_symlink("nowhere/at/all", folder / "dangling");
  fs::create_symlink("loop", folder / "loop");
  for (const std::string& root : {(folder / "file").string(), std::string("/dev/null"), (folder / "dangling").string(),
                                  (folder / "loop").string(), (folder / std::string(300, 'n')).string()}) {
    CHECK_MESSAGE(test::error_of([&] { RunFolder::create({root, "demo", "small"}); }), root);
  }
}

TEST_CASE("eight processes that start at once get eight folders [R30]") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", kSmall);
  std::set<std::string> runs;
  constexpr int kRounds = 3, kProcesses = 8;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<test::Process> started;
    for (int i = 0; i < kProcesses; ++i)
      started.emplace_back("thimble-demo", std::vector<std::string>{"train", "small.yaml", "--json", "-q"},
                           folder.path());
    for (const test::Process& process : started) {
      const test::Ended ended = process.wait();
      REQUIRE_MESSAGE(ended.code == 0, ended.err);
      runs.insert(nlohmann::json::parse(ended.out).at("run").get<std::string>());
    }
  }
  CHECK(runs.size() == kRounds * kProcesses);
  CHECK(fs::read_symlink(folder / "runs/demo/small/latest").string().starts_with("version_"));
  for (const auto& entry : fs::directory_iterator(folder / "runs/demo/small")) {
    CHECK_MESSAGE(!entry.path().filename().string().starts_with("."), entry.path());
  }
}

TEST_CASE("a run leaves its configuration, manifest, log and summary") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", kSmall);
  const test::Ended ended =
      test::run_program("thimble-demo", {"train", "small.yaml", "--note", "first try", "seed=5"}, folder.path());
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  const fs::path run = folder / "runs/demo/small/version_0";
  CHECK(test::read_text(run / "config.yaml").find("seed: 5") != std::string::npos);
  const nlohmann::json manifest = io::read_json(run / "manifest.json");
  CHECK(manifest.at("argv").at(1) == "train");
  CHECK(manifest.at("note") == "first try");
  CHECK(manifest.at("git_id").is_null());
  const nlohmann::json summary = io::read_json(run / "summary.json");
  CHECK(summary.at("schema") == "thimble.result/1");
  CHECK(summary.at("status") == "ok");
  CHECK(summary.at("config").at("train").at("lr") == 0.5);
  CHECK(summary.at("metrics").at("expert_0").at("val_loss") == 0.5);
  const std::string log = test::read_text(run / "log.txt");
  CHECK(log.find("Z note: training small") != std::string::npos);
  CHECK(log.find('\x1b') == std::string::npos);
  CHECK(test::run_program("thimble-demo", {"train", (run / "config.yaml").string(), "--out", "again"}, folder.path())
            .code == 0);
}

TEST_CASE("a run that is under way cannot be resumed by another process [R30]") {
  const test::TempFolder folder;
  const RunFolder mine = RunFolder::create({(folder / "runs").string(), "demo", "small"});
  const auto refused = test::error_of([&] { RunFolder::resume(mine.path()); });
  REQUIRE(refused);
  CHECK(test::says(refused, text::cat("another process works on this run: pid ", ::getpid())));
  CHECK(list_runs((folder / "runs").string(), "demo").at(0).status == "running");
}

TEST_CASE("a killed run is seen as killed, and can be resumed") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", "train: {steps: 100000}\n");
  const test::Process process("thimble-demo", {"train", "small.yaml", "--slow"}, folder.path());
  const fs::path run = folder / "runs/demo/small/version_0";
  for (int i = 0; i < 500 && !fs::exists(run / "manifest.json"); ++i) ::usleep(10000);
  process.send(SIGKILL);
  CHECK(process.wait().signal == SIGKILL);
  const std::string root = (folder / "runs").string();
  CHECK(list_runs(root, "demo").at(0).status == "killed");
  CHECK(find_run_to_resume("latest", root, "demo") == run.string());
  CHECK(RunFolder::resume(run.string()).version() == 0);
}

TEST_CASE("runs are found by path, number, name and latest") {
  const test::TempFolder folder;
  const std::string root = (folder / "runs").string();
  for (const char* config : {"a", "a", "b"}) RunFolder::create({root, "demo", config});
  CHECK(find_run("a/0", root, "demo") == root + "/demo/a/version_0");
  CHECK(find_run("a", root, "demo") == root + "/demo/a/version_1");
  CHECK(find_run("1", root, "demo") == root + "/demo/a/version_1");
  CHECK(find_run("latest", root, "demo") == root + "/demo/b/version_0");
  CHECK(find_run(root + "/demo/b/latest", root, "demo") == root + "/demo/b/latest");
  CHECK(test::says(test::error_of([&] { find_run("0", root, "demo"); }), "choose one: "));
  CHECK(test::says(test::error_of([&] { find_run("a/9", root, "demo"); }), "did you mean 'a/"));
}

TEST_CASE("the verb runs lists, notes and removes, and never removes anything else") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", kSmall);
  for (int i = 0; i < 2; ++i)
    REQUIRE(test::run_program("thimble-demo", {"train", "small.yaml"}, folder.path()).code == 0);
  const auto demo = [&](std::vector<std::string> words) {
    return test::run_program("thimble-demo", words, folder.path());
  };
  CHECK(demo({"runs", "note", "small/0", "keep this"}).code == 0);
  CHECK(demo({"runs"}).out.find("keep this") != std::string::npos);
  CHECK(demo({"runs", "show", "small/0"}).out.find("note: keep this") != std::string::npos);
  CHECK(demo({"runs", "rm", "small/1"}).code == 2);  // nobody can answer the question
  CHECK(demo({"runs", "rm", "small/1", "--yes"}).code == 0);
  CHECK(fs::read_symlink(folder / "runs/demo/small/latest") == "version_0");
  test::write_text(folder / "elsewhere/config.yaml", "x: 1\n");
  CHECK(demo({"runs", "rm", "elsewhere", "--yes"}).code == 2);
  CHECK(fs::exists(folder / "elsewhere/config.yaml"));
  CHECK(last_line(demo({"runs", "shwo"}).err) == "  help: did you mean 'show'?");
}

TEST_CASE("compare shows the settings that differ and the metrics of each run") {
  const test::TempFolder folder;
  test::write_text(folder / "small.yaml", kSmall);
  REQUIRE(test::run_program("thimble-demo", {"train", "small.yaml"}, folder.path()).code == 0);
  REQUIRE(test::run_program("thimble-demo", {"train", "small.yaml", "train.lr=0.25"}, folder.path()).code == 0);
  const std::string out = test::run_program("thimble-demo", {"compare", "small/0", "small/1"}, folder.path()).out;
  CHECK(out.find("train.lr") != std::string::npos);
  CHECK(out.find("train.batch") == std::string::npos);
  CHECK(out.find("expert_0.val_loss") != std::string::npos);
}
