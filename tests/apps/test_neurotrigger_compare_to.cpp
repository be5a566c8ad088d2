// compare_to: outputs of an earlier run in place of the old network.

#include "apps/neurotrigger/run/old_outputs.h"

#include <doctest/doctest.h>

#include "tests/apps/neurotrigger_program.h"
#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::test::neurotrigger_program;

TEST_CASE("A run compared with itself has ratios of exactly 1, with one and with two outputs [NT F20]") {
  for (const char* outputs : {"out_size=2", "out_size=1"}) {
    CAPTURE(outputs);
    const test::TempFolder folder;
    run_well(training({outputs}), folder);
    // simulated tracks have no old network: without compare_to there is no ratio
    CHECK(result_of(run_folder(folder), "expert_0").at("loss_vs_old_loss").is_null());
    run_well(training({outputs, "compare_to=demo/version_0"}), folder);
    for (const char* expert : {"expert_0", "expert_3"}) {
      const nlohmann::json result = result_of(run_folder(folder, "demo", 1), expert);
      CHECK(result.at("loss_vs_old_loss") == 1.0);
      CHECK(result.at("z_diff_std_vs_old") == 1.0);
      CHECK(result.at("loss_old") == result.at("loss"));
    }
    const std::string again = run_well({"evaluate", "demo/1", "compare_to=demo/version_1"}, folder).out;
    CHECK(contains(again, " 1.00"));
    const nlohmann::json stored = io::read_json(run_folder(folder, "demo", 1) / "summary.json");
    CHECK(stored.at("config").at("compare_to") == "demo/version_0");
  }
}

TEST_CASE("compare_to names a run by number, by path or as the latest, and the run keeps which one it was [NT F20]") {
  const test::TempFolder folder;
  run_well(training(), folder);
  const Words names{"demo/0", "latest", "runs/neurotrigger/demo/version_0"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    run_well(training({"compare_to=" + names[i], "epochs=1"}), folder);
    const fs::path run = run_folder(folder, "demo", static_cast<int>(i) + 1);
    const nlohmann::json kept = io::read_json(run / "summary.json").at("config").at("compare_to");
    CHECK(kept == (i == 1 ? "demo/version_1" : "demo/version_0"));
    CHECK(result_of(run, "expert_0").at("loss_vs_old_loss").is_number());
  }
}

TEST_CASE("A run to compare with that is missing, unfinished or on other tracks is refused before training [NT F20]") {
  const test::TempFolder folder;
  run_well(training(), folder);
  fs::create_directories(folder.path() / "runs/neurotrigger/empty/version_0");
  const std::vector<std::pair<Words, std::string>> bad{
      {{"compare_to=demo/version_4"}, "no run 'demo/version_4'"},
      {{"compare_to=nothing/version_0"}, "no run 'nothing/version_0'"},
      {{"compare_to=empty/version_0"}, "no stored outputs"},
      {{"compare_to=demo/version_0", "data.simulate.val=1600"}, "made on other tracks"},
      {{"compare_to=demo/version_0", "seed=2"}, "made on other tracks"},
      {{"compare_to=demo/version_0", "experts=[0,1]"}, "no old network"}};
  for (const auto& [words, message] : bad) {
    const test::Ended ended = test::run_program(kProgram, training(words), folder.path());
    CHECK(ended.code == 2);
    CHECK_MESSAGE(contains(ended.err, message), ended.err);
    CHECK_FALSE(fs::exists(run_folder(folder, "demo", 1)));
  }
  // a damaged file is told, not trusted
  const fs::path file = run_folder(folder) / "prediction_random2.h5";
  std::string bytes = test::read_text(file);
  bytes[bytes.size() / 2] ^= 1;
  test::write_text(file, bytes);
  const test::Ended damaged = test::run_program(kProgram, training({"compare_to=demo/version_0"}), folder.path());
  CHECK(damaged.code == 2);
  CHECK_MESSAGE(contains(damaged.err, "prediction_random2.h5"), damaged.err);
}

TEST_CASE("Rows that the compared run lacks keep the old network of the track file, with a warning [NT F20]") {
  THIMBLE_SHARED(data, "data/neurotrigger/test_data_filter.csv");
  const test::TempFolder folder;
  const Words files{"data.train=" + data.string(), "data.val=" + data.string(), "epochs=2", "plots.final=false",
                    "plots.every=0"};
  Words first{"train", config("baseline_v2"), "experts=[0]"}, second{"train", config("baseline_v1"), "experts=[0,3]"};
  first.insert(first.end(), files.begin(), files.end());
  second.insert(second.end(), files.begin(), files.end());
  run_well(first, folder);
  run_well(second, folder);
  const fs::path plain = run_folder(folder, "baseline_v1");
  second.emplace_back("compare_to=baseline_v2/version_0");
  const test::Ended ended = run_well(second, folder);
  CHECK(contains(ended.err, "nothing for 6 train tracks"));
  const fs::path compared = run_folder(folder, "baseline_v1", 1);
  // expert 3 keeps ScaleZ and ScaleTheta, expert 0 is measured against the other run
  CHECK(result_of(compared, "expert_3").at("loss_old") == result_of(plain, "expert_3").at("loss_old"));
  CHECK(result_of(compared, "expert_0").at("loss_old") ==
        result_of(run_folder(folder, "baseline_v2"), "expert_0").at("loss"));
}
