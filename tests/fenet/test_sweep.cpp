// Sweeps of FENets: published sweep files, whole sweeps as a user starts and kills them, charts, the best of a folder.

#include "apps/fenet/settings.h"
#include "apps/fenet/sweep/best_of.h"
#include "apps/fenet/sweep/sweep_report.h"

#include <doctest/doctest.h>

#include <csignal>
#include <thread>

#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

namespace thimble::fenet {
namespace {

const std::string kConfigs = text::cat("THIMBLE_CONFIG_PATH=", THIMBLE_SOURCE_DIR, "/configs/fenet");

/// A sweep of six tiny arms of three folds.
const std::string kTiny =
    "base: demo\nmethod: bayes\nrun_cap: 6\nmetric: {name: cross-validation-avg-r2, goal: maximize}\n"
    "search: {batch: 2}\nparameters:\n  n_feat_layers: {values: [3, 4]}\n"
    "  kernel1: {distribution: q_uniform, min: 2, max: 20, q: 2}\n  stride1: {min: 2, max: 6}\n"
    "  kernel3: {values: [4, 8]}\n  relu1: {value: 0}\n  pls_dims: {value: 2}\n  decoder: {value: 0}\n"
    "  random_seed: {value: 10}\n  optim.lr: {value: 0.00125}\nset:\n"
    "  synth: {sessions: 3, segments: 40, channels: 2}\n"
    "  train: {folds: 3, fold: null, epochs: 2, eval_steps: 1}\n  eval.folds: 4\n";

app::ConfigApp app_here() {
  app::ConfigApp app = config_app();
  app.load.folders = {std::string(THIMBLE_SOURCE_DIR) + "/configs/fenet"};
  app.sweep_base = "demo";
  return app;
}

std::string table_in(const std::filesystem::path& folder, const std::string& name) {
  return test::read_text(folder / "runs/fenet" / name / "version_0/runs.tsv");
}

test::Ended fenet(const std::filesystem::path& folder, const std::vector<std::string>& words) {
  return test::run_program("thimble-fenet", words, folder, {kConfigs});
}

SweepArm made_arm(std::size_t number, double score, double macs, const std::string& levels, const std::string& third) {
  SweepArm arm;
  arm.number = number;
  arm.name = text::cat("arm", number);
  arm.settings = {{"layers", levels}, {"kernel3", third}};
  arm.metrics = {{kSweepScore, score}, {"exact-macs", macs}, {"operations-per-eval", macs}, {"weight-bits", macs}};
  return arm;
}

}  // namespace

TEST_CASE("The published sweep file loads with its flat keys and every value is checked [FN F19]") {
  const app::Sweep sweep =
      app::read_sweep(std::string(THIMBLE_SOURCE_DIR) + "/configs/fenet/sweeps/published.yaml", {}, app_here());
  CHECK(sweep.method == app::SearchMethod::bayes);
  CHECK(sweep.batch == 1);
  CHECK(sweep.parameters.size() == 15);
  const auto strategy = network_search(sweep, nn::Goal::max);
  for (const auto& values : strategy->propose({}, 30)) {
    const Settings settings = settings_of(sweep, values, 0);
    const Architecture a = architecture_of(settings.model);
    CHECK(a.kernels.size() + 1 == static_cast<std::size_t>(*settings.model.n_feat_layers));
    for (const int kernel : a.kernels) CHECK(kernel % 2 == 0);
    for (const auto& [key, value] : values)  // levels that are not there count as their least value
      if (key.starts_with("kernel") && key.back() - '0' >= *settings.model.n_feat_layers) CHECK(value.number() == 2.0);
    CHECK(settings.optim.adamw_wd == 1.5e-5);
    CHECK(settings.decoder.kind == "linear");
  }
}

TEST_CASE("A wrong sweep of networks is refused before anything is written [FN F19]") {
  const test::TempFolder folder;
  const auto refused = [&](const std::string& more, const std::string& part) {
    test::write_text(folder.path() / "bad.yaml", kTiny + more);
    const test::Ended ended = fenet(folder.path(), {"sweep", "bad.yaml"});
    CHECK(ended.code == 2);
    CHECK(ended.err.find(part) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "runs"));
  };
  refused("vary: {train.folds: [2, 3]}\n", "cannot be searched");
  refused("early_terminate: {type: hyperband}\n", "needs either min_iter");
  refused("vary: {kernle2: [2, 3]}\n", "kernel2");
  test::write_text(folder.path() / "one.yaml", kTiny);
  const test::Ended one = fenet(folder.path(), {"sweep", "one.yaml", "train.folds=1"});
  CHECK(one.code == 2);
  CHECK(one.err.find("judged on dev days") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "runs"));
}

TEST_CASE("Charts of a sweep drop runs that lack the level and mark the published network [FN F26]") {
  SweepView view;
  view.metric = kSweepScore;
  view.arms = {made_arm(2, 0.5, 90, "3", "40"), made_arm(0, 0.45, 50, "3", "20"), made_arm(1, 0.4, 20, "2", "-"),
               made_arm(3, 0.3, 60, "3", "20")};
  const app::SweepPicture picture = picture_of(view);
  REQUIRE(picture.settings.size() == 2);
  CHECK(picture.settings[0].key == "layers");
  const app::SweepPicture third = app::arms_with(picture, picture.settings[1]);
  CHECK(third.values.size() == 3);
  const report::Figure boxes = app::box_chart(third, third.settings[0]);
  REQUIRE(boxes.boxes.size() == 2);
  CHECK(boxes.boxes[0].median == doctest::Approx(0.375));
  const report::Figure strip = app::quartile_strip(third, third.settings[0]);
  CHECK(strip.series[0].x.size() == 3);
  CHECK(strip.series[1].y[3] == doctest::Approx(0.375));  // median of 20 taps
  const report::Figure means = app::mean_chart(third, third.settings[0]);
  const linalg::Interval interval = linalg::t_interval(std::vector<double>{0.45, 0.3});
  CHECK(means.series[0].low[0] == doctest::Approx(interval.low));
  const report::Figure tried = app::value_histogram(third, third.settings[0]);
  CHECK(tried.series[0].y == std::vector<double>{2, 1});
  CHECK(tried.rules[0].at == doctest::Approx(80.0 / 3));
  const report::Figure cost = sweep_figures(view).front().figures[1];
  CHECK(cost.series[1].y == std::vector<double>{0.4, 0.4, 0.45, 0.45, 0.45, 0.5});
  CHECK(cost.series[2].x == std::vector<double>{85360});
  CHECK(cost.series[2].y == std::vector<double>{0.535});
  const std::string tsv = runs_tsv(view);
  CHECK(tsv.substr(0, 10) == "arm\tstate\t");
  CHECK(tsv.find("\n1\tdone\t0.4\t") != std::string::npos);
}

TEST_CASE("The best of saved weights is picked by the metric in their names [FN F19]") {
  const test::TempFolder folder;
  CHECK(test::says(test::error_of([&] { best_of(folder.path() / "no", nn::Goal::max); }), "no such folder"));
  test::write_text(folder.path() / "x_step-1_perf-0.9000.h5", "no weights");
  CHECK(test::says(test::error_of([&] { best_of(folder.path(), nn::Goal::max); }), "no weights file"));
  THIMBLE_SHARED(weights, "data/fenet/weights_efficient_volcanic486.h5");
  for (const char* name : {"a_step-8_perf-0.3886.h5", "sub/b_step-9_perf-0.4021.h5", "c_step-1_perf--0.1000.h5"}) {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    std::filesystem::copy_file(weights, folder.path() / name);
  }
  const BestOf found = best_of(folder.path(), nn::Goal::max);
  REQUIRE(found.files.size() == 3);
  CHECK(found.files[0].performance == 0.4021);
  CHECK(found.files[0].operations == 17880);
  CHECK(found.files[2].performance == -0.1);
  CHECK(found.unreadable.size() == 1);
  const test::Ended ended = fenet(folder.path(), {"sweep", "--best-of", "."});
  CHECK(ended.code == 0);
  CHECK(ended.out.find("b_step-9_perf-0.4021.h5") != std::string::npos);
}

TEST_CASE("A sweep with hyperband ends arms early and gives the same table with one and two threads [FN N4]") {
  const test::TempFolder folder;
  test::write_text(folder.path() / "band.yaml",
                   "base: demo\nmethod: random\nrun_cap: 8\nearly_terminate: {type: hyperband, min_iter: 1, eta: 2}\n"
                   "metric: {name: cross-validation-avg-r2, goal: maximize}\nsearch: {batch: 4}\nparameters:\n"
                   "  n_feat_layers: {values: [3, 4]}\n  stride1: {min: 2, max: 6}\n"
                   "  kernel1: {distribution: q_uniform, min: 2, max: 20, q: 2}\n"
                   "set:\n  synth: {sessions: 3, segments: 40, channels: 2, samples: 300}\n"
                   "  train: {folds: 3, fold: null, epochs: 4, eval_steps: 1}\n  eval.folds: 4\n");
  const test::Ended one = fenet(folder.path(), {"sweep", "band.yaml", "--name", "one", "--threads", "1"});
  INFO(one.err);
  REQUIRE(one.code == 0);
  CHECK(one.out.find("(ended early)") != std::string::npos);
  CHECK(fenet(folder.path(), {"sweep", "band.yaml", "--name", "two", "--threads", "2"}).code == 0);
  CHECK(table_in(folder.path(), "one") == table_in(folder.path(), "two"));
}

TEST_SUITE("slow") {
  TEST_CASE("A killed sweep of networks ends with the same table and so does one under mpirun [FN F19] [FN N4]") {
    const test::TempFolder folder;
    test::write_text(folder.path() / "tiny.yaml", kTiny);
    const test::Ended whole = fenet(folder.path(), {"sweep", "tiny.yaml", "--name", "whole", "--threads", "2"});
    INFO(whole.err);
    REQUIRE(whole.code == 0);
    const std::string table = table_in(folder.path(), "whole");
    CHECK(std::count(table.begin(), table.end(), '\n') == 7);
    const test::Process killed("thimble-fenet", {"sweep", "tiny.yaml", "--name", "killed", "--threads", "1"},
                               folder.path(), {kConfigs});
    const auto journal = folder.path() / "runs/fenet/killed/version_0/journal.jsonl";
    const auto lines = [&] {
      const std::string text = test::read_text(journal);
      return std::count(text.begin(), text.end(), '\n');
    };
    for (int i = 0; i < 6000 && lines() < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    killed.send(SIGKILL);
    killed.wait();
    CHECK(lines() >= 4);
    CHECK(fenet(folder.path(), {"sweep", "--resume", "runs/fenet/killed/version_0", "--threads", "2"}).code == 0);
    CHECK(table_in(folder.path(), "killed") == table);
    const auto mpi = std::filesystem::path(THIMBLE_BINARY_DIR) / "lib/thimble/libthimble-mpi.so";
    if (!std::filesystem::exists("/usr/bin/mpirun") || !std::filesystem::exists(mpi)) {
      MESSAGE("skipped: mpirun or the library for MPI is missing");
      return;
    }
    const test::Ended ranks =
        test::run_program("/usr/bin/mpirun",
                          {"--oversubscribe", "--allow-run-as-root", "-n", "2",
                           (std::filesystem::path(THIMBLE_BINARY_DIR) / "bin/thimble-fenet").string(), "sweep",
                           "tiny.yaml", "--name", "ranks"},
                          folder.path(), {kConfigs, "HOME=/tmp", "OMPI_MCA_btl_vader_single_copy_mechanism=none"});
    CHECK(ranks.code == 0);
    CHECK(table_in(folder.path(), "ranks") == table);
  }
}

}  // namespace thimble::fenet
