// Mean over the experts while they train.

#include "core/io/tfevents.h"

#include "apps/neurotrigger/train/mean_log.h"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "tests/apps/neurotrigger_program.h"

using namespace thimble;
using namespace thimble::neurotrigger;
namespace program = thimble::test::neurotrigger_program;

namespace {

/// Epochs 1..rows; every metric is `level` plus the epoch.
EpochTable steady(std::int64_t rows, double level) {
  EpochTable table;
  table.columns.resize(epoch_columns().size());
  for (std::int64_t epoch = 1; epoch <= rows; ++epoch) {
    table.epoch.push_back(static_cast<double>(epoch));
    table.step.push_back(static_cast<double>(10 * epoch));
    for (auto& column : table.columns) column.push_back(level + static_cast<double>(epoch));
  }
  return table;
}

std::string event_file(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (program::contains(entry.path().string(), "events.out.tfevents.")) return entry.path().string();
  return "";
}

}  // namespace

TEST_CASE("A mean is written when all who are still to report have the epoch, who has ended keeps the last value") {
  MeanLog log({0, 3, 4}, "");
  log.report(0, steady(2, 0));
  log.report(3, steady(1, 100));
  CHECK(log.mean().rows() == 0);  // expert 4 has yet to report
  log.report(4, steady(3, 200));
  CHECK(log.mean().rows() == 1);
  CHECK(log.mean().columns[1] == std::vector<double>{(1 + 101 + 201) / 3.0});
  log.finish(3);  // ended after one epoch
  CHECK(log.mean().rows() == 2);
  log.report(0, steady(4, 0));
  log.finish(4);  // ended after three
  CHECK(log.mean().rows() == 4);
  CHECK(log.mean().columns[1].back() == (4 + 101 + 203) / 3.0);
  CHECK(log.mean().step.back() == 40);
  log.finish(0);
  CHECK(log.mean().rows() == 4);
}

TEST_CASE("An expert that never has a value is left out of the mean, and the files do not depend on who was first") {
  std::string first;
  for (const bool forward : {true, false}) {
    const test::TempFolder folder;
    MeanLog log({0, 1, 2}, folder.path().string());
    log.finish(2);  // no tracks
    const auto slow = [&] { log.report(0, steady(2, 0)), log.report(0, steady(3, 0)), log.finish(0); };
    const auto fast = [&] { log.report(1, steady(2, 10)), log.finish(1); };
    forward ? slow() : fast();
    forward ? fast() : slow();
    const std::string csv = test::read_text(folder.path() / "metrics.csv");
    CHECK(program::contains(csv, "\n1,10,6,6,6,6,6\n2,20,7,7,7,7,7\n3,30,7.5,7.5,7.5,7.5,7.5\n"));
    if (first.empty()) first = csv;
    CHECK(csv == first);
    const std::vector<io::Event> events = io::read_events(event_file(folder.path() / "mean_expert/version_0"));
    REQUIRE(events.size() == 1 + 3 * epoch_columns().size());
    CHECK(events.back().step == 3);
    CHECK(events.back().values.front().scalar == 7.5F);
  }
}

TEST_CASE("The mean over the experts grows while they train and is the mean of their own files [NT F25] [NT F26]") {
  const test::TempFolder folder;
  const program::Words words = program::training({"epochs=300", "expert_3.epochs=200", "plots.every=0"});
  const test::Process process(program::kProgram, words, folder.path());
  const std::filesystem::path run = program::run_folder(folder);
  std::int64_t seen = 0;
  for (int i = 0; i < 12000 && seen < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    seen = program::lines(test::read_text(run / "metrics.csv"));
  }
  const bool over = std::filesystem::exists(run / "weights.json");
  CHECK(seen >= 20);
  CHECK_MESSAGE(!over, "the rows must be there before training is over");
  const test::Ended ended = process.wait();
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  // validation loss by epoch of each file; the last one of an expert stands on
  const auto column = [&](const std::string& file, std::size_t at) {
    std::map<int, double> values;
    std::istringstream text(test::read_text(run / file));
    for (std::string line; std::getline(text, line);) {
      const std::vector<std::string> cells = text::split(line, ',');
      double value = 0;
      if (cells.size() > at && text::parse(cells[at], value)) values[std::stoi(cells[0])] = value;
    }
    return values;
  };
  std::set<std::string> tags;
  for (const io::Event& event : io::read_events(event_file(run / "expert_0/tb/version_0")))
    for (const io::EventValue& value : event.values)
      if (value.scalar) tags.insert(value.tag);
  CHECK(tags == std::set<std::string>{"hp_metric", "epoch", "loss", "train_loss", "val_loss", "val_z_diff_std"});
  const auto mean = column("metrics.csv", 3);
  const auto zero = column("expert_0/csv/version_0/metrics.csv", 4);
  const auto three = column("expert_3/csv/version_0/metrics.csv", 4);
  REQUIRE(mean.size() == 300);
  REQUIRE(three.size() == 200);
  for (const auto& [epoch, value] : mean)
    REQUIRE(value == doctest::Approx((zero.at(epoch) + three.at(std::min(epoch, 200))) / 2).epsilon(1e-12));
}
