// Saved weights of a fold, and which sessions a fold holds out.

#include "core/io/json.h"

#include "apps/fenet/train/cross_validation.h"
#include "apps/fenet/train/saver.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>

#include "tests/support/process.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::fenet;

TEST_CASE("the saver accepts and keeps the files of the reference [FN F10]") {
  THIMBLE_SHARED(file, "data/fenet/metrics_and_utils.json");
  const nlohmann::json c = io::read_json(file)["best_saver"];
  const test::TempFolder folder;
  Saver saver(folder.path(), "run", c["n_saves"].get<std::size_t>());
  for (std::size_t i = 0; i < c["metrics"].size(); ++i) {
    const bool accepted = saver.offer(c["metrics"][i], c["steps"][i],
                                      [](const std::filesystem::path& path) { test::write_text(path, ""); });
    CAPTURE(i);
    CHECK(accepted == c["accepted"][i].get<bool>());
  }
  std::set<std::string> wanted, found;
  for (const auto& name : c["remaining_files"]) wanted.insert(name.get<std::string>() + ".h5");
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    found.insert(entry.path().filename().string());
  CHECK(found == wanted);
}

TEST_CASE("the saver rejects what is no number and removes what came after its last checkpoint [FN F10]") {
  const test::TempFolder folder;
  const auto write = [](const std::filesystem::path& path) { test::write_text(path, ""); };
  Saver saver(folder.path(), "v-demo-fold1-step{step}", 2);
  CHECK(!saver.offer(std::nan(""), 0, write));
  CHECK(saver.offer(0.25, 8, write));
  CHECK(saver.offer(0.25, 16, write));
  CHECK(saver.best()->step == 16);
  CHECK(std::filesystem::exists(folder.path() / "v-demo-fold1-step8_step-8_perf-0.2500.h5"));
  Saver resumed(folder.path(), "v-demo-fold1-step{step}", 2);
  resumed.restore({{0.25, 8, {}}});
  CHECK(std::filesystem::exists(folder.path() / "v-demo-fold1-step8_step-8_perf-0.2500.h5"));
  CHECK(!std::filesystem::exists(folder.path() / "v-demo-fold1-step16_step-16_perf-0.2500.h5"));
}

TEST_CASE("folds of sessions are contiguous and the first ones are larger [FN F10]") {
  THIMBLE_SHARED(file, "data/fenet/metrics_and_utils.json");
  for (const auto& c : io::read_json(file)["kfold"])
    for (std::int64_t fold = 0; fold < c["folds"].get<std::int64_t>(); ++fold)
      CHECK(held_out_sessions(c["n"], c["folds"], fold) ==
            c["val"][static_cast<std::size_t>(fold)].get<std::vector<std::int64_t>>());
}
