// Looking at many runs: runs list --where and --sort, compare --fail-if.

#include "apps/common/run/run_columns.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace thimble::app {
namespace {

/// Three runs of the demo program with train.lr 0.5, 0.2 and 0.3, which is their val_loss as well.
struct ThreeRuns {
  test::TempFolder folder;
  ThreeRuns() {
    test::write_text(folder / "small.yaml", "train: {lr: 0.5, steps: 3}\n");
    for (const char* rate : {"0.5", "0.2", "0.3"})
      REQUIRE(run({"train", "small.yaml", std::string("train.lr=") + rate}).code == 0);
  }
  test::Ended run(const std::vector<std::string>& words) const {
    return test::run_program("thimble-demo", words, folder.path());
  }
  /// Names of the runs that the words list, in order.
  std::vector<std::string> listed(std::vector<std::string> words) const {
    words.insert(words.begin(), {"runs", "list", "--json"});
    const test::Ended ended = run(words);
    REQUIRE_MESSAGE(ended.code == 0, ended.err);
    const nlohmann::json document = nlohmann::json::parse(ended.out);
    std::vector<std::string> names;
    for (const nlohmann::json& row : document.at("runs")) {
      const std::string path = row.at("run");
      names.push_back(path.substr(path.rfind('_') + 1));
    }
    return names;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("Runs are listed by a condition over metrics, settings and state, and sorted by a metric [NT N15]") {
  const ThreeRuns three;
  CHECK(three.listed({}) == Names{"0", "1", "2"});
  CHECK(three.listed({"--where", "expert_0.val_loss < 0.4"}) == Names{"1", "2"});
  CHECK(three.listed({"--where", "train.lr == 0.5 and status == \"ok\" and config == \"small\""}) == Names{"0"});
  CHECK(three.listed({"--where", "status == \"failed\""}).empty());
  CHECK(three.listed({"--sort", "expert_0.val_loss"}) == Names{"1", "2", "0"});
  CHECK(three.listed({"--sort", "0 - train.lr", "--where", "version > 0"}) == Names{"2", "1"});
  CHECK(three.run({"runs", "list", "--sort", "train.lr"}).out.find("train.lr") != std::string::npos);
  const test::Ended unknown = three.run({"runs", "list", "--where", "expert_0.val_los < 1"});
  CHECK(unknown.code == 2);
  CHECK(unknown.err.find("expert_0.val_loss") != std::string::npos);
}

TEST_CASE("compare ends with code 1 when the condition holds for a later run [NT N15]") {
  const ThreeRuns three;
  const auto code = [&](const std::string& condition) {
    return three.run({"compare", "small/1", "small/2", "--fail-if", condition}).code;  // 0.2, then 0.3
  };
  CHECK(code("expert_0.val_loss > +40%") == 1);
  CHECK(code("expert_0.val_loss > +60%") == 0);
  CHECK(code("expert_0.val_loss > 40%") == 1);
  CHECK(code("expert_0.val_loss >= +0.2") == 0);
  CHECK(code("expert_0.val_loss > +0.05") == 1);
  CHECK(code("expert_0.val_loss < -1%") == 0);
  CHECK(code("expert_0.val_loss > 0.25") == 1);  // no sign: the value itself
  CHECK(code("expert_0.val_loss > 0.35 or status != \"ok\"") == 0);
  CHECK(code("nothing > +1%") == 2);
  CHECK(code("expert_0.val_loss >") == 2);
  CHECK(three.run({"compare", "small/1", "small/2", "--fail-if", "train.lr > +1%"}).out.find("fails: small/") !=
        std::string::npos);
}

TEST_CASE("Columns of runs hold what each run has, and a metric stands before a setting of its name") {
  const auto first = nlohmann::json::parse(
      R"({"seconds": 2.5, "metrics": {"loss": 0.5, "e": {"z": 1}}, "config": {"loss": "MSE", "act": "tanh", "list": [1]}})");
  const auto second = nlohmann::json::parse(R"({"metrics": {"loss": null}, "config": {"act": 3}})");
  const expr::Columns columns = columns_of(
      {{"a/0", "a", "ok", "", 0, &first}, {"a/1", "a", "ok", "", 1, &second}, {"b/0", "b", "killed", "", 0, nullptr}});
  CHECK(columns.rows == 3);
  CHECK(columns.numbers.at("loss")[0] == 0.5);
  CHECK(std::isnan(columns.numbers.at("loss")[1]));
  CHECK(columns.numbers.at("e.z")[0] == 1);
  CHECK(std::isnan(columns.numbers.at("e.z")[2]));
  CHECK(columns.texts.at("act") == std::vector<std::string>{"tanh", "3", ""});
  CHECK(columns.texts.at("list")[0] == "[1]");
  CHECK(columns.numbers.at("seconds")[0] == 2.5);
  CHECK(columns.texts.at("status")[2] == "killed");
  const FailCondition change("loss > +1%", columns);
  CHECK(test::says(test::error_of([&] { change.met(columns); }), "a/1 has no value of 'loss'"));
}

}  // namespace thimble::app
