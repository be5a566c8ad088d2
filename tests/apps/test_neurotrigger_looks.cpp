// Looking at networks again: evaluate, predict, plots, compare, the tracks with the highest loss.

#include "core/io/file.h"
#include "core/io/json.h"

#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_text.h"
#include "apps/neurotrigger/look/comparison.h"
#include "apps/neurotrigger/run/run_files.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/apps/neurotrigger_networks.h"
#include "tests/apps/neurotrigger_program.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;
using namespace thimble::test::neurotrigger_program;

namespace {

/// Fields of every line behind the header of a prediction file.
std::vector<std::vector<std::string>> prediction_rows(const std::string& content) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : text::split(content.substr(content.find("\n\n") + 2), '\n'))
    if (!line.empty()) rows.push_back(text::split(line, '\t'));
  return rows;
}

/// Everything but the two outputs byte for byte; those within the summation order of 32-bit floats.
void check_predictions(const std::string& ours, const std::string& expected) {
  CHECK(ours.substr(0, ours.find('\n')) == expected.substr(0, expected.find('\n')));
  const auto a = prediction_rows(ours), b = prediction_rows(expected);
  REQUIRE(a.size() == b.size());
  for (std::size_t row = 0; row < a.size(); ++row) {
    REQUIRE(a[row].size() == 44);
    CHECK(std::equal(a[row].begin(), a[row].begin() + 42, b[row].begin()));
    for (std::size_t c = 42; c < 44; ++c) {
      CHECK((a[row][c] == "0.0000000000000000") == (b[row][c] == "0.0000000000000000"));
      CHECK(std::abs(std::stod(a[row][c]) - std::stod(b[row][c])) < 2e-6);
    }
  }
}

/// Simulated tracks as all three splits' rows: only the validation split has any.
Splits simulated_validation(std::int64_t tracks) {
  Splits splits;
  splits[Split::train] = splits[Split::test] = empty_dataset(0);
  splits[Split::val] = simulate_tracks(simulation_preset("ideal"), 3, "val", tracks);
  return splits;
}

/// Outputs that miss the targets by a chosen scaled amount in z and not at all in theta.
RowOutputs off_by(const Dataset& data, float z) {
  RowOutputs out{data.targets.clone(), keep_all(data), 2};
  for (std::int64_t i = 0; i < data.rows(); ++i) out.y_hat.mut<float>()[2 * i] += z;
  return out;
}

}  // namespace

TEST_CASE("Networks from a file give the original's prediction files, unfiltered and filtered [NT F19] [NT F29]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  std::map<int, nn::Graph> models = test::reference_networks(folder / "weights_ref.json");
  models.erase(1);
  models.erase(2);
  Splits splits;
  splits[Split::train] = read_tracks(folder / "test_data_filter.csv");
  splits[Split::val] = splits[Split::test] = empty_dataset(0);
  Settings settings = test::plain_settings();
  settings.filter = "dataset_filters.DuplicateEventsFilter()";
  const RunResult run = evaluate_experts(test::plain_run({0, 3, 4}, settings), splits, models);
  const Dataset& data = splits[Split::train];
  const auto content = [&](bool filtered) {
    return prediction_text(data, outputs_in_order(splits, run, Split::train, filtered), HeaderStyle::spaces);
  };
  check_predictions(content(false), io::read_file(folder / "expected_pred_data_random1.csv"));
  check_predictions(content(true), io::read_file(folder / "expected_pred_data_random1_filtered.csv"));
  // the original's prediction tensor: the 48 predicted rows alone, in the order of the file
  std::vector<double> expected;
  for (const std::string& line : text::split(io::read_file(folder / "expected_prediction_random1.csv"), '\n')) {
    const std::vector<std::string> fields = text::split(line, ',');
    double value = 0;
    if (fields.size() != 2 || !text::parse(fields[0], value)) continue;  // header, end of the file
    for (const std::string& field : fields) expected.push_back(std::stod(field));
  }
  REQUIRE(expected.size() == 96);
  std::vector<std::pair<std::int64_t, std::vector<double>>> ours;
  for (const ExpertResult& expert : run.experts) {
    const SplitOutput& output = expert.outputs[0];
    for (std::size_t i = 0; i < output.rows.size(); ++i) {
      const float* y = output.y_hat.data<float>() + 2 * static_cast<std::int64_t>(i);
      ours.push_back({output.rows[i], {static_cast<double>(y[0]), static_cast<double>(y[1])}});
    }
  }
  std::sort(ours.begin(), ours.end());
  REQUIRE(ours.size() == 48);
  for (std::size_t i = 0; i < ours.size(); ++i)
    for (std::size_t c = 0; c < 2; ++c) CHECK(std::abs(ours[i].second[c] - expected[2 * i + c]) < 2e-6);
}

TEST_SUITE("slow") {
  TEST_CASE("A weights file alone is evaluated on a track file: numbers, plots, worst tracks [NT F29] [NT F32]") {
    THIMBLE_SHARED(shared, "data/neurotrigger");
    const test::TempFolder folder;
    Networks networks = read_weights(shared / "weights_ref.json");
    std::erase_if(networks, [](const auto& one) { return one.first != 0; });
    test::write_text(folder / "w.json", weights_json(networks));
    const test::Ended ended =
        test::run_program(kProgram,
                          {"evaluate", "--weights", "w.json", "--data", (shared / "test_data.csv.gz").string(),
                           "--worst", "3", "--to", "seen"},
                          folder.path());
    REQUIRE_MESSAGE(ended.code == 0, ended.err);
    CHECK(contains(ended.out, "Tracks with the highest loss"));
    const nlohmann::json expected = io::read_json(shared / "metrics.json").at("full_file_all_experts").at("unfiltered");
    const nlohmann::json losses = io::read_json(folder / "seen/metrics.json").at("test").at("unfiltered");
    CHECK(losses.at("loss").at("0").get<double>() ==
          doctest::Approx(expected.at("loss").at("0").get<double>()).epsilon(1e-5));
    CHECK(losses.at("std").at("0").get<double>() ==
          doctest::Approx(expected.at("std").at("0").get<double>()).epsilon(1e-5));
    for (const char* file : {"report.html", "worst.csv", "expert_0/z-diff.csv", "expert_0/z-diff-old.csv",
                             "expert_0/z-hist-both.csv", "expert_0/z-std-scatter.csv", "expert_0/z-hist-gt.json"})
      CHECK_MESSAGE(fs::exists(folder.path() / "seen" / file), file);
    const std::vector<std::string> worst = text::split(test::read_text(folder / "seen/worst.csv"), '\n');
    REQUIRE(worst.size() == 102);  // header, 100 tracks, end
    double before = 1e9;
    for (std::size_t i = 1; i <= 100; ++i) {
      const std::vector<std::string> fields = text::split(worst[i], ',');
      REQUIRE(fields.size() == 11);
      CHECK(fields[4] == "0");
      CHECK(std::stod(fields[5]) <= before);
      before = std::stod(fields[5]);
    }
  }
}

TEST_CASE("Without a run both networks and tracks must be named, a file without fitting networks is refused") {
  const test::TempFolder folder;
  const auto refused = [&](const Words& words, const std::string& reason) {
    const test::Ended ended = test::run_program(kProgram, words, folder.path());
    CHECK(ended.code == 2);
    CHECK_MESSAGE(contains(ended.err, reason), ended.err);
  };
  refused({"evaluate"}, "which run?");
  refused({"evaluate", "--weights", "w.json"}, "--data");
  refused({"predict", "--weights", "none.json", "--data", "none.csv"}, "none.json");
  refused({"plots", "latest", "--what", "z-dif"}, "z-diff");
  refused({"compare", "latest"}, "RUN");
}

TEST_CASE("The tracks with the highest loss are those of a full sort, equal losses in row order [NT F32]") {
  const Splits splits = simulated_validation(3000);
  const Dataset& data = splits[Split::val];
  RowOutputs outputs = off_by(data, 0.0F);
  const unsigned seed = 20'26;
  MESSAGE("seed " << seed);
  std::mt19937 generator(seed);
  std::vector<std::pair<double, std::int64_t>> all;
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const float error = static_cast<float>(generator() % 8) / 8.0F;  // many equal ones
    outputs.y_hat.mut<float>()[2 * row] += error;
    if (row % 5 == 0) outputs.predicted[static_cast<std::size_t>(row)] = 0;
    const double d = static_cast<double>(outputs.y_hat.data<float>()[2 * row]) -
                     static_cast<double>(data.targets.data<float>()[2 * row]);
    if (row % 5 != 0) all.emplace_back(-d * d / 2.0, row);
  }
  std::sort(all.begin(), all.end());
  const std::vector<WorstTrack> worst = worst_tracks(data, outputs, 40);
  REQUIRE(worst.size() == 40);
  for (std::size_t i = 0; i < worst.size(); ++i) {
    CHECK(worst[i].row == all[i].second);
    CHECK(worst[i].loss == -all[i].first);
  }
  CHECK(worst_tracks(data, outputs, 1'000'000).size() == all.size());
  const report::Table table = worst_table(data, outputs, worst);
  REQUIRE(table.rows.size() == 40);
  CHECK(table.rows[0][0].text == std::to_string(worst[0].row));
  CHECK(table.rows[0][2].text == std::to_string(data.origins[static_cast<std::size_t>(worst[0].row)].event));
  CHECK(table.rows[0].size() == table.columns.size());
}

TEST_CASE("Runs are compared on the tracks that all have, the lowest value is marked [NT F31]") {
  const Splits splits = simulated_validation(4000);
  const Dataset& data = splits[Split::val];
  RowOutputs near = off_by(data, 0.01F), far = off_by(data, 0.05F), half = off_by(data, 0.02F);
  for (std::size_t i = 0; i < half.predicted.size(); i += 2) half.predicted[i] = 0;
  const Comparison comparison = compare_candidates(data, {{"near", near}, {"far", far}, {"half", half}});
  CHECK(comparison.names == std::vector<std::string>{"near", "far", "half"});
  CHECK_FALSE(comparison.first_is_old);
  const ComparedGroup& all = comparison.groups.back();
  CHECK(all.expert == -1);
  CHECK(all.rows == data.rows() / 2);
  std::int64_t sum = 0;
  for (std::size_t g = 0; g + 1 < comparison.groups.size(); ++g) sum += comparison.groups[g].rows;
  CHECK(sum == all.rows);
  CHECK(*all.merits[0].loss == doctest::Approx(0.01 * 0.01 / 2).epsilon(1e-4));
  CHECK(*all.merits[1].loss == doctest::Approx(0.05 * 0.05 / 2).epsilon(1e-4));
  CHECK(*all.merits[2].z_mean_cm == doctest::Approx(-2.0).epsilon(1e-4));
  const report::Table table = comparison_table(comparison);
  for (const std::vector<report::Cell>& row : table.rows)
    if (row[0].text == "loss") {
      CHECK(row[3].best);
      CHECK_FALSE(row[4].best);
    }
  half.predicted.assign(half.predicted.size(), 0);
  CHECK_THROWS_AS(compare_candidates(data, {{"near", near}, {"none", half}}), Error);
  Dataset old = data;
  old.has_old = true;
  old.old = data.targets;
  const Comparison with_old = compare_candidates(old, {{"near", near}});
  CHECK(with_old.names == std::vector<std::string>{"old network", "near"});
  CHECK(*with_old.groups.back().merits[0].loss == 0.0);
  const report::Report page = comparison_report(with_old);
  CHECK(contains(page.sentence, "old network"));
  REQUIRE(page.figures.size() == comparison.groups.size());
  CHECK(page.figures[0].figures[0].series.size() == 2);  // both in one figure
}

TEST_SUITE("slow") {
  TEST_CASE("A stored run is drawn again to the same numbers, and two runs stand side by side [NT F24] [NT F31]") {
    const test::TempFolder folder;
    const auto run = [&](const Words& words) {
      const test::Ended ended = test::run_program(kProgram, words, folder.path());
      REQUIRE_MESSAGE(ended.code == 0, ended.err);
      return ended.out;
    };
    run(training({"experts=[0]", "plots.final=true", "plots.every=0"}));
    run(training({"experts=[0]", "epochs=1", "plots.every=0"}));
    run({"plots", "demo/0", "--what", "z-diff,z-plot", "--to", "again"});
    const fs::path first = run_folder(folder) / "expert_0/post_training_plots";
    for (const char* file : {"z-diff.csv", "z-diff.json", "z-plot.csv", "z-plot.json"}) {
      CAPTURE(file);
      CHECK(same_bytes(first / file, folder.path() / "again/expert_0" / file));
    }
    CHECK_FALSE(fs::exists(folder.path() / "again/expert_0/z-std.csv"));
    const std::string told = run({"compare", "demo/0", "demo/1", "--to", "both"});
    CHECK(contains(told, "epochs"));  // the setting that differs
    CHECK(contains(told, "demo/1"));
    CHECK(contains(told, "lowest loss on"));
    const std::string csv = test::read_text(folder / "both/comparison.csv");
    CHECK(contains(csv, "figure of merit,tracks of,tracks,demo/0,demo/1"));
    CHECK(contains(csv, "\nstd z [cm],expert 0,"));
    CHECK(fs::exists(folder.path() / "both/report.html"));
    // every run against its own stored figure: the comparison has the loss of the run's result file
    const double loss = result_of(run_folder(folder), "expert_0").at("loss").get<double>();
    CHECK(contains(csv, text::cat("\nloss,expert 0,", result_of(run_folder(folder), "expert_0").at("rows").dump(), ",",
                                  text::fixed(loss, 5), ",")));
  }
}
