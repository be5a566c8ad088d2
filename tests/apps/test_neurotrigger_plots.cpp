// The plots of section 3.7: their numbers against the reference, their files, their images in TensorBoard.

#include "core/io/json.h"
#include "core/io/png.h"
#include "core/io/tfevents.h"
#include "core/report/plotter.h"

#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/look/plots.h"
#include "apps/neurotrigger/train/models.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/apps/neurotrigger_networks.h"
#include "tests/support/process.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::neurotrigger;
namespace fs = std::filesystem;

namespace {

const Plot& plot_named(const std::vector<Plot>& plots, const std::string& name) {
  const auto found = std::find_if(plots.begin(), plots.end(), [&](const Plot& p) { return p.figure.name == name; });
  REQUIRE_MESSAGE(found != plots.end(), name);
  return *found;
}

double statistic(const Plot& plot, const std::string& name) {
  for (const auto& [key, value] : plot.statistics)
    if (key == name) return value;
  FAIL("no statistic " << name << " in " << plot.figure.name);
  return 0;
}

/// The reference was computed in 32-bit floats.
doctest::Approx near_json(const nlohmann::json& number) {
  return doctest::Approx(number.get<double>()).epsilon(3e-5);
}

/// At most one count per bin differs, and no more than three values changed their bin: 32-bit edges.
void check_bins(const Plot& plot, const nlohmann::json& expected, const nlohmann::json& range) {
  const report::Series& series = plot.figure.series.at(0);
  REQUIRE(series.y.size() == expected.size());
  CHECK(series.x.front() == near_json(range[0]));
  CHECK(series.x.back() == near_json(range[1]));
  double moved = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(series.y[i] - expected[i].get<double>());
    CHECK(difference <= 1);
    moved += difference;
  }
  CHECK(moved <= 6);
}

void check_legend(const Plot& plot, const nlohmann::json& group, const std::string& count, const std::string& prefix) {
  CHECK(statistic(plot, "count") == group.at(count).get<double>());
  CHECK(statistic(plot, "mean") == near_json(group.at(prefix + "mean")));
  CHECK(statistic(plot, "std") == near_json(group.at(prefix + "std")));
  CHECK(statistic(plot, "trimmed_std") == near_json(group.at(prefix + "trimmed_std")));
}

/// Plots of one network (suffix "" or "-old") against one group of plots.json.
void check_group(const std::vector<Plot>& plots, const std::string& suffix, const nlohmann::json& group) {
  CAPTURE(suffix);
  const Plot& map = plot_named(plots, "z-plot" + suffix);
  CHECK(statistic(map, "count_reco") == group.at("n").get<double>());
  CHECK(statistic(map, "mean_reco") == near_json(group.at("mean_x")));
  CHECK(statistic(map, "std_reco") == near_json(group.at("std_x")));
  CHECK(statistic(map, "mean_network") == near_json(group.at("mean_y")));
  CHECK(statistic(map, "std_network") == near_json(group.at("std_y")));
  const std::vector<double>& cells = map.figure.grid->values;
  REQUIRE(cells.size() == 200 * 200);
  const auto filled = std::count_if(cells.begin(), cells.end(), [](double n) { return n > 0; });
  CHECK(std::abs(filled - group.at("z_plot_nonzero_bins").get<std::int64_t>()) <= 5);
  CHECK(std::abs(*std::max_element(cells.begin(), cells.end()) - group.at("z_plot_max_bin").get<double>()) <= 1);
  const Plot& z = plot_named(plots, "z-hist" + suffix);
  CHECK(statistic(z, "mean") == near_json(group.at("mean_y")));
  CHECK(statistic(z, "std") == near_json(group.at("std_y")));
  check_bins(z, group.at("z_hist_counts"), group.at("z_hist_range"));
  const Plot& difference = plot_named(plots, "z-diff" + suffix);
  check_legend(difference, group, "n", "z_diff_");
  check_bins(difference, group.at("z_diff_counts"), group.at("z_diff_range"));
  CHECK(difference.figure.x.low == -100);
  CHECK(difference.figure.x.high == 100);
  check_legend(plot_named(plots, "z-shallow-diff" + suffix), group, "shallow_n", "shallow_");
  const Plot& spread = plot_named(plots, "z-std" + suffix);
  const report::Series& curve = spread.figure.series.at(0);
  REQUIRE(curve.x.size() == group.at("z_std_x").size());
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    CHECK(curve.x[i] == near_json(group.at("z_std_x")[i]));
    CHECK(curve.y[i] == near_json(group.at("z_std_y")[i]));
  }
  CHECK(statistic(spread, "count") == static_cast<double>(curve.x.size()));
  CHECK(statistic(spread, "minimum") == *std::min_element(curve.y.begin(), curve.y.end()));
}

/// Simulated tracks with the outputs of an old network that is wrong by a tenth of z.
Dataset tracks_with_old(std::int64_t count, std::uint64_t seed = 1) {
  Dataset data = simulate_tracks(simulation_preset("ideal"), seed, "test", count);
  data.has_old = true;
  for (std::int64_t i = 0; i < data.old.numel(); ++i) data.old.mut<float>()[i] = 0.9f * data.targets.data<float>()[i];
  return data;
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

const char* const kEleven[] = {"z-plot",     "z-hist",     "z-diff",     "z-std",     "z-shallow-diff",    "z-hist-gt",
                               "z-plot-old", "z-hist-old", "z-diff-old", "z-std-old", "z-shallow-diff-old"};

}  // namespace

TEST_CASE("Every plot has the numbers of the original's plots, new and old network, all rows and expert 0 [NT F24]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const nlohmann::json expected = io::read_json(folder / "plots.json");
  const Splits splits = test::recorded_splits(folder / "test_data.csv.gz");
  const RunResult run = test::reference_run(folder / "weights_ref.json", splits);
  REQUIRE(run.experts.size() == 5);
  for (const char* rows : {"all_experts", "expert_0"}) {
    CAPTURE(rows);
    const Compared c = rows == std::string("expert_0")
                           ? compared_of(run.experts[0], splits, Split::val, keep_all(splits[Split::val]))
                           : compared_of(run, splits, Split::val);
    check_group(network_plots(c, "plots"), "", expected.at(rows).at("new"));
    check_group(baseline_plots(c, "plots"), "-old", expected.at(rows).at("old"));
    const Plot& truth = plot_named(baseline_plots(c, "plots"), "z-hist-gt");
    CHECK(statistic(truth, "mean") == near_json(expected.at(rows).at("new").at("mean_x")));
    CHECK(truth.figure.x.text() == "reco z [cm]");
  }
}

TEST_SUITE("slow") {
  TEST_CASE("After training eleven images per expert and for all rows are left, with their numbers beside [NT F24]") {
    if (!report::Plotter::shared().available()) {
      MESSAGE("skipped: gnuplot is not installed");
      return;
    }
    const test::TempFolder folder;
    Splits splits;
    splits[Split::train] = splits[Split::test] = empty_dataset(0);
    splits[Split::val] = tracks_with_old(2500);
    const RunResult run = test::run_of(test::fresh_networks({0, 3}), splits);
    const std::vector<fs::path> written = write_post_training_plots(folder.path(), splits, run);
    REQUIRE(written.size() == 3);
    for (const char* network : {"expert_0", "expert_3", "mean_expert"}) {
      CAPTURE(network);
      const fs::path own = folder.path() / network / "post_training_plots";
      std::set<std::string> expected;
      for (const std::string name : kEleven)
        for (const char* kind : {".png", ".csv", ".json"}) expected.insert(name + kind);
      CHECK(names_in(own) == expected);
      const io::PngSize size = io::png_size(test::read_text(own / "z-diff.png"));
      CHECK(size.width == 1280);
      CHECK(size.height == 960);
    }
    const nlohmann::json legend = io::read_json(folder.path() / "expert_3/post_training_plots/z-diff-old.json");
    const Compared c = compared_of(run.experts[1], splits, Split::val, keep_all(splits[Split::val]));
    CHECK(legend.at("statistics").at("count") == c.rows());
    CHECK(legend.at("statistics").at("trimmed_std").get<double>() == doctest::Approx(*merit_of(c).z_trimmed_old_cm));
  }
}

TEST_CASE("Plots without rows are left out: no track near the collision point, none within 75 cm, no old network") {
  Compared far;
  far.y = Tensor::full({40, 2}, 0.9);
  far.y_hat = Tensor::full({40, 1}, 0.85);
  far.y_old = Tensor::zeros({40, 2});
  std::set<std::string> names;
  for (const Plot& plot : network_plots(far, "far")) names.insert(plot.figure.name);
  CHECK(names == std::set<std::string>{"z-plot", "z-hist", "z-diff"});
  const std::vector<Plot> baseline = baseline_plots(far, "far");
  REQUIRE(baseline.size() == 1);
  CHECK(baseline[0].figure.name == "z-hist-gt");
}

TEST_CASE("The window of z-std counts every row closer than 1 cm, also beyond the last point, and tells how many") {
  // 7 rows at -75.5 cm (outside the curve), 3 at -74.8 cm: one point whose window holds all ten.
  std::vector<double> reco(7, -75.5), difference{0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  reco.insert(reco.end(), 3, -74.8);
  const SpreadCurve curve = spread_against_z(reco, difference);
  REQUIRE(curve.z_cm == std::vector<double>{-74.8});
  CHECK(curve.rows == std::vector<std::int64_t>{10});
  CHECK(curve.spread_cm[0] == doctest::Approx(std::sqrt(0.21)));  // share 0.3 of ones: sqrt(0.3 * 0.7)
  const Plot plot = scattered_spread_plot({reco, reco, difference}, "scatter");
  REQUIRE(plot.figure.series.size() == 1);
  const report::Series& points = plot.figure.series[0];
  CHECK(points.mark == report::Mark::error_bars);
  CHECK(points.high[0] - points.y[0] == doctest::Approx(std::sqrt(0.21 / 18.0)));
}

TEST_SUITE("slow") {
  TEST_CASE("TensorBoard gets the baseline once at step 0 and the five plots every other epoch [NT F24] [NT F25]") {
    if (!report::Plotter::shared().available()) {
      MESSAGE("skipped: gnuplot is not installed");
      return;
    }
    const test::TempFolder folder;
    Settings settings = test::plain_settings();
    settings.epochs = 4;
    settings.plots.every = 2;
    settings.plots.budget = 1.0;
    const Dataset data = tracks_with_old(1500);
    const std::vector<std::int64_t> own = data.rows_of(0);
    ExpertTask task;
    task.settings = &settings;
    task.train = test::training_table(data);
    task.train_rows = own;
    task.validation = data.select(own);
    task.folder = folder.path().string();
    CHECK(train_expert(task).status == ExpertStatus::trained);
    std::map<std::int64_t, std::set<std::string>> images;
    std::set<std::string> scalars;
    for (const auto& entry : fs::directory_iterator(folder.path() / "tb/version_0"))
      for (const io::Event& event : io::read_events(entry.path()))
        for (const io::EventValue& value : event.values) {
          if (value.scalar) scalars.insert(value.tag);
          if (value.png.empty()) continue;
          CHECK(images[event.step].insert(value.tag).second);
          CHECK(io::png_size(value.png).width > 100);
        }
    const std::set<std::string> five(kEleven, kEleven + 5), baseline(kEleven + 5, kEleven + 11);
    REQUIRE(images.size() == 3);
    CHECK(images.at(0) == baseline);
    CHECK(images.at(2) == five);
    CHECK(images.at(4) == five);
    for (const char* tag : {"val_loss", "val_loss_vs_old_loss", "val_z_diff_std", "val_z_diff_std_vs_old"})
      CHECK_MESSAGE(scalars.count(tag) == 1, tag);
  }
}
