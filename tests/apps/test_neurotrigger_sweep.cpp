// Sweeps: files and words into spaces, and whole sweeps as a user starts them.

#include "core/io/json.h"

#include "apps/neurotrigger/settings.h"
#include "apps/neurotrigger/sweep/sweep_view.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/apps/neurotrigger_program.h"
#include "tests/support/error_of.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace thimble::neurotrigger {
namespace {

using SweepWords = std::vector<std::string>;
namespace search = nn::search;

app::ConfigApp sweep_app() {
  app::ConfigApp config = config_app();
  config.load.folders = {std::string(THIMBLE_SOURCE_DIR) + "/configs/neurotrigger"};
  return config;
}

app::Override setting(const std::string& key, const std::string& value) {
  return {app::Override::Kind::set, key, value, key + "=" + value};
}

/// A sweep file with this content, read.
app::Sweep sweep_of(const std::string& yaml, const std::vector<app::Override>& words = {}) {
  const test::TempFolder folder;
  test::write_text(folder / "own.yaml", yaml);
  return app::read_sweep((folder / "own.yaml").string(), words, sweep_app());
}

std::vector<std::string> arms_of(const app::Sweep& sweep) {
  std::vector<std::string> out;
  for (const auto& values : app::strategy_of(sweep)->propose({}, 1000)) out.push_back(search::str(values));
  return out;
}

/// All errors of a sweep file.
std::vector<Error> problems_of(const std::string& yaml) {
  const test::TempFolder folder;
  test::write_text(folder / "bad.yaml", yaml);
  try {
    app::strategy_of(app::read_sweep((folder / "bad.yaml").string(), {}, sweep_app()));
  } catch (const Errors& errors) {
    return errors.list();
  } catch (const Error& error) {
    return {error};
  }
  return {};
}

bool tells(const std::vector<Error>& problems, const std::string& part, long line) {
  return std::any_of(problems.begin(), problems.end(), [&](const Error& e) {
    const bool said = (e.message() + e.hint()).find(part) != std::string::npos;
    return said && (line == 0 || e.place().line == line);
  });
}

/// Four short arms of two experts on few tracks.
SweepWords small_sweep(const SweepWords& more = {}) {
  SweepWords words{"sweep",
                   "config=[baseline_v2,baseline_v2_softsign]",
                   "learning_rate=[1e-3,1e-2]",
                   "experts=[0,3]",
                   "epochs=3",
                   "data.simulate.train=3000",
                   "data.simulate.val=1500",
                   "data.simulate.test=800",
                   "--threads",
                   "1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

test::Ended run_sweep_in(const test::TempFolder& folder, const SweepWords& words) {
  return test::run_program("thimble-neurotrigger", words, folder.path(), test::neurotrigger_program::shipped());
}

std::string ranking_in(const test::TempFolder& folder, const std::string& name = "sweep") {
  return test::read_text(folder.path() / "runs/neurotrigger" / name / "version_0/ranking.csv");
}

search::Arm arm_with(const std::vector<std::map<std::string, double>>& repeats) {
  search::Arm arm;
  for (const auto& metrics : repeats) {
    arm.outcomes.emplace_back();
    arm.outcomes.back().metrics = metrics;
  }
  return arm;
}

}  // namespace

TEST_CASE("A W&B sweep file becomes the grid that W&B enumerates [NT N15]") {
  // parameters sorted by name, product with the last one fastest, single values fixed: the W&B `sweeps` package 0.2
  const app::Sweep sweep = sweep_of(
      "program: train.py\nmethod: grid\nmetric: {name: loss, goal: maximize, target: 0.5}\nbase: baseline_v2\n"
      "run_cap: 7\nparameters:\n"
      "  optim: {values: [SGD, Adam]}\n"
      "  batch_size: {min: 3, max: 5}\n"
      "  epochs: {value: 4}\n"
      "  dist: {parameters: {n_buckets: {values: [5]}, norm: {parameters: {std: {values: [0.5, 1]}}}}}\n"
      "  clip_grad: {distribution: q_uniform, min: 0, max: 1, q: 0.5}\n");
  CHECK(sweep.metric == "loss");
  CHECK(sweep.goal == nn::Goal::max);
  CHECK(sweep.goal_value == 0.5);
  CHECK(sweep.most_arms == 7);
  const std::vector<std::string> arms = arms_of(sweep);
  REQUIRE(arms.size() == 3 * 2 * 1 * 2 * 2);
  CHECK(arms[0] == "batch_size=3 clip_grad=0 dist.n_buckets=5 dist.norm.std=0.5 optim=SGD");
  CHECK(arms[1] == "batch_size=3 clip_grad=0 dist.n_buckets=5 dist.norm.std=0.5 optim=Adam");
  CHECK(arms[2] == "batch_size=3 clip_grad=0 dist.n_buckets=5 dist.norm.std=1 optim=SGD");
  CHECK(arms[4] == "batch_size=3 clip_grad=0.5 dist.n_buckets=5 dist.norm.std=0.5 optim=SGD");
  CHECK(arms.back() == "batch_size=5 clip_grad=0.5 dist.n_buckets=5 dist.norm.std=1 optim=Adam");
  REQUIRE(sweep.fixed.size() == 1);
  CHECK(sweep.fixed[0].word == "epochs=4");
}

TEST_CASE("Every distribution of W&B is read with its bounds [NT N15]") {
  const app::Sweep sweep = sweep_of(
      "method: random\nrun_cap: 3\nbase: baseline_v2\nparameters:\n"
      "  learning_rate: {distribution: log_uniform, min: -7, max: -3}\n"
      "  weight_decay: {distribution: inv_log_uniform, min: 1, max: 9}\n"
      "  clip_grad: {distribution: q_log_uniform_values, min: 1, max: 64, q: 2}\n"
      "  patience: {distribution: int_uniform, min: 5, max: 9}\n"
      "  act: {values: [tanh, relu], probabilities: [0.25, 0.75]}\n"
      "  version: {distribution: normal, mu: 3, sigma: 0.5}\n"
      "  dist.norm.std: {min: 0.1, max: 2.0}\n");
  const std::string space = search::Space(sweep.parameters).description();
  CHECK(space ==
        "act in [\"tanh\",\"relu\"] 0.25 0.75; clip_grad log_uniform(1, 64) step 2 whole; "
        "dist.norm.std uniform(0.1, 2); learning_rate log_uniform(" +
            text::to_text(std::exp(-7.0)) + ", " + text::to_text(std::exp(-3.0)) +
            "); patience in 5..9; version normal(3, 0.5); weight_decay log_uniform(" + text::to_text(std::exp(-9.0)) +
            ", " + text::to_text(std::exp(-1.0)) + ")");
  CHECK(arms_of(sweep).size() == 1000);
}

TEST_CASE("A written sweep reads back to the same sweep [NT N15]") {
  const std::vector<std::string> texts{
      "method: random\nrun_cap: 9\nbase: baseline_v2\nname: mine\nreference: baseline_v3\nseeds: [3, 4]\n"
      "metric: {name: efficiency, goal: maximize}\nsearch: {batch: 5, seed: 8, replacement: true, patience: 6}\n"
      "parameters:\n  learning_rate: {distribution: log_uniform_values, min: 1.0e-4, max: 0.1}\n"
      "  clip_grad: {distribution: q_uniform, min: 0, max: 4, q: 1}\n  act: {values: [tanh/2, 'tanh'], "
      "probabilities: [1, 2]}\n  version: {distribution: log_normal, mu: 0, sigma: 1}\nset: {epochs: 3, filter: "
      "'ExpertFilter(0)'}\n",
      "vary:\n  config: [baseline_v2, baseline_v3]\n  experts: [[0], [0, 1]]\nsearch: {shuffle: true}\n",
      "method: bayes\nrun_cap: 9\nbase: baseline_v2\nmetric: {name: z_cm}\nvary: {batch_size: [32, 64, 96, 128]}\n"
      "early_terminate: {type: hyperband, max_iter: 27, s: 2, eta: 2.5, strict: true}\n"};
  for (const std::string& text : texts) {
    const app::Sweep first = sweep_of(text);
    const std::string written = app::sweep_yaml(first);
    CAPTURE(written);
    const app::Sweep again = sweep_of(written);
    CHECK(app::sweep_yaml(again) == written);
    CHECK(app::identity_of(again, "") == app::identity_of(first, ""));
    CHECK(arms_of(again) == arms_of(first));
  }
}

TEST_CASE("Lists on the command line vary settings, other words are the same in all arms [NT N15]") {
  const app::Sweep sweep = app::read_sweep(
      "baseline_v2",
      {setting("act", "[tanh,tanh/2]"), setting("experts", "[0,1]"), setting("lr", "[1e-3]"), setting("epochs", "2"),
       setting("seeds", "[1,2]"), setting("metric.name", "loss"), setting("reference", "baseline_v3")},
      sweep_app());
  CHECK(sweep.base == "baseline_v2");
  CHECK(sweep.name == "baseline_v2");
  CHECK(arms_of(sweep) == std::vector<std::string>{"act=tanh lr=0.001", "act=tanh/2 lr=0.001"});
  CHECK(sweep.seeds == std::vector<std::int64_t>{1, 2});
  CHECK(sweep.metric == "loss");
  CHECK(sweep.reference == "baseline_v3");
  REQUIRE(sweep.fixed.size() == 2);
  CHECK(sweep.fixed[0].word == "experts=[0, 1]");
  const auto first = app::strategy_of(sweep)->propose({}, 1).front();
  const app::ArmConfig arm = app::config_of(sweep, first, 1);
  CHECK(arm.config == "baseline_v2");
  CHECK(arm.overrides.back().word == "seed=2");
  const app::Sweep lists = app::read_sweep("baseline_v2", {setting("experts", "[[0],[0,1]]")}, sweep_app());
  CHECK(arms_of(lists) == std::vector<std::string>{"experts=[0]", "experts=[0, 1]"});
  // words stand in place of what a file says
  const app::Sweep changed = sweep_of("base: baseline_v2\nvary: {act: [tanh, relu]}\nset: {epochs: 9}\n",
                                      {setting("act", "[softsign]"), setting("epochs", "1")});
  CHECK(arms_of(changed) == std::vector<std::string>{"act=softsign"});
  CHECK(changed.fixed.size() == 1);
}

TEST_CASE("The shipped sweeps can be read, and every arm of theirs has settings [NT N15]") {
  const auto known = app::known_sweeps(sweep_app());
  CHECK(std::any_of(known.begin(), known.end(), [](const auto& sweep) { return sweep.name == "documented"; }));
  for (const app::KnownConfig& each : known) {
    CAPTURE(each.name);
    app::Sweep sweep = app::read_sweep(each.path, {}, sweep_app());
    CHECK_FALSE(sweep.description.empty());
    const std::vector<std::string> arms = arms_of(sweep);
    CHECK(std::find(arms.begin(), arms.end(), "config=" + sweep.reference) != arms.end());
  }
}

TEST_CASE("A bad sweep file is refused with the place of every fault [NT N15]") {
  const auto bad = problems_of(
      "method: grid\n"                                     // 1
      "base: baseline_v2\n"                                // 2
      "parameters:\n"                                      // 3
      "  lerning_rate: {values: [0.1]}\n"                  // 4
      "  batch_size: {values: [16, many]}\n"               // 5
      "  epochs: {min: 1, max: 4, stepp: 2}\n"             // 6
      "  act: {values: [tanh, tanhh]}\n"                   // 7
      "  patience: {min: 9, max: 3}\n"                     // 8
      "  optim: Adam\n"                                    // 9
      "  clip_grad: {distribution: unifrm, min: 0}\n"      // 10
      "  weight_decay: {distribution: uniform, min: 0}\n"  // 11
      "  version: {values: [{a: 1}]}\n"                    // 12
      "early_terminate: {type: hyperband}\n"               // 13
      "serach: {batch: 2}\n");                             // 14
  CHECK(tells(bad, "learning_rate", 4));
  CHECK(tells(bad, "batch_size", 5));
  CHECK(tells(bad, "stepp", 6));
  CHECK(tells(bad, "did you mean 'tanh'", 7));
  CHECK(tells(bad, "above the greatest", 8));
  CHECK(tells(bad, "no parameter", 9));
  CHECK(tells(bad, "did you mean 'uniform'", 10));
  CHECK(tells(bad, "needs 'max'", 11));
  CHECK(tells(bad, "not a block", 12));
  CHECK(tells(bad, "needs either min_iter", 13));
  CHECK(tells(bad, "did you mean 'search'", 14));
  CHECK(tells(bad, "early_terminate needs a metric", 0));
  CHECK(bad.size() == 12);
}

TEST_CASE("A sweep that cannot be run says why and what to do [NT N15]") {
  CHECK(tells(problems_of("method: bayes\nbase: baseline_v2\nvary: {act: [tanh]}\n"), "run_cap", 0));
  CHECK(tells(problems_of("method: bays\nrun_cap: 3\nbase: baseline_v2\nvary: {act: [tanh]}\n"), "'bayes'", 1));
  CHECK(tells(problems_of("method: random\nbase: baseline_v2\nvary: {act: [tanh]}\n"), "run_cap", 0));
  CHECK(tells(problems_of("vary: {act: [tanh]}\n"), "which configuration", 0));
  CHECK(tells(problems_of("base: baseline_v2\nvary: {}\n"), "nothing to vary", 0));
  CHECK(tells(problems_of("base: baseline_v22\nvary: {act: [tanh]}\n"), "baseline_v2", 0));
  CHECK(tells(problems_of("vary: {config: [baseline_v2, nothing_like_it]}\n"), "nothing_like_it", 1));
  CHECK(tells(problems_of("base: baseline_v2\nparameters: {learning_rate: {min: 0.1, max: 0.2}}\n"), "grid", 0));
  CHECK(tells(problems_of("base: baseline_v2\nseeds: [1, 2]\nvary: {seed: [1]}\n"), "keep one", 0));
  const auto neither = test::error_of([] { app::read_sweep("documentedd", {}, sweep_app()); });
  CHECK(test::says(neither, "neither a sweep nor a configuration"));
  const auto append = test::error_of([] {
    app::read_sweep("baseline_v2", {{app::Override::Kind::append, "experts", "1", "experts+=1"}}, sweep_app());
  });
  CHECK(test::says(append, "key=value"));
}

TEST_CASE("Trainings of several experts refuse to be ended early and search with a Gaussian process [NT N15] [FN N4]") {
  const test::TempFolder folder;
  const std::string begin =
      "method: bayes\nrun_cap: 7\nbase: baseline_v2\nmetric: {name: z_cm}\n"
      "vary: {learning_rate: {min: 0.001, max: 0.1}}\n";
  test::write_text(folder.path() / "early.yaml", begin + "early_terminate: {type: hyperband, min_iter: 2}\n");
  const test::Ended early = run_sweep_in(folder, {"sweep", "early.yaml", "--dry-run"});
  CHECK(early.code == 2);
  CHECK(early.err.find("no one value on the way") != std::string::npos);
  test::write_text(folder.path() / "whole.yaml", begin + "program: train.py\n");
  const test::Ended whole = run_sweep_in(folder, {"sweep", "whole.yaml", "--dry-run"});
  CHECK(whole.code == 0);
  CHECK(whole.out.find("bayes: 7 arms") != std::string::npos);
  CHECK(whole.err.find("no server starts") != std::string::npos);
}

TEST_CASE("Paired differences take every expert and seed of both arms, in percent [NT N15]") {
  const search::Arm other = arm_with(
      {{{"expert_0.z_cm", 2}, {"expert_1.z_cm", 4}, {"z_cm", 3}}, {{"expert_0.z_cm", 2}, {"expert_1.z_cm", 5}}});
  const search::Arm arm = arm_with({{{"expert_0.z_cm", 2.2}, {"expert_1.z_cm", 4.8}, {"z_cm", 3.5}},
                                    {{"expert_0.z_cm", 2.6}, {"expert_4.z_cm", 9}}});
  const auto difference = paired_difference(arm, other, "z_cm");
  REQUIRE(difference);
  CHECK(difference->pairs == 3);  // +10 %, +20 %, +30 %
  CHECK(difference->percent == doctest::Approx(20));
  // Student's t with 2 degrees of freedom: 4.302653 (any table), times 10 / sqrt 3
  CHECK(difference->interval->high == doctest::Approx(20 + 4.302653 * 10 / std::sqrt(3.0)));
  CHECK_FALSE(difference->clear());
  CHECK_FALSE(paired_difference(arm, arm_with({{{"z_cm", 1}}}), "z_cm"));
  // two seeds of two experts: +10 %, +12 % and +50 %, +52 %; the experts differ, but each of them is sure
  const search::Arm sure =
      arm_with({{{"expert_0.z_cm", 2.2}, {"expert_1.z_cm", 6}}, {{"expert_0.z_cm", 2.24}, {"expert_1.z_cm", 7.6}}});
  const auto within = paired_difference(sure, other, "z_cm");
  REQUIRE(within);
  CHECK(within->percent == doctest::Approx(31));
  // each mean has variance 1, their mean 0.5; 2 degrees of freedom: 31 +- 4.302653 * sqrt(0.5)
  CHECK(within->interval->low == doctest::Approx(31 - 4.302653 * std::sqrt(0.5)));
  CHECK(within->clear());
  CHECK_FALSE(paired_difference(other, other, "z_cm")->clear());
}

TEST_CASE("The recommendation names the best arm in hardware and what better ones would bring [NT N15]") {
  app::Sweep sweep;
  sweep.parameters = {{"config", search::Choice{{std::string("baseline_v2"), std::string("baseline_v2_softsign"),
                                                 std::string("baseline_v2_tanh")},
                                                {}}}};
  search::StudyResult result;
  const auto add = [&](const std::string& config, double z, double hardware, double macs) {
    search::Arm arm = arm_with({{{"z_cm", z},
                                 {"expert_0.z_cm", z},
                                 {"expert_1.z_cm", 1.1 * z},
                                 {"efficiency", 0.9},
                                 {"feed_down_cm", 3},
                                 {"hardware", hardware},
                                 {"macs", macs}}});
    arm.number = result.arms.size();
    arm.values = {{"config", config}};
    result.arms.push_back(std::move(arm));
  };
  add("baseline_v2", 3.2, 1, 2349);
  add("baseline_v2_softsign", 2.9, 0, 2349);
  add("baseline_v2_tanh", 3.0, 1, 9000);
  search::StudyOptions options;
  options.metric = "z_cm";
  // the shipped configurations are looked up where the program would find them
  ::setenv("THIMBLE_CONFIG_PATH", (std::string(THIMBLE_SOURCE_DIR) + "/configs/neurotrigger").c_str(), 1);
  const SweepView view = view_of(sweep, options, result);
  ::unsetenv("THIMBLE_CONFIG_PATH");
  CHECK(view.arms[0].name == "baseline_v2_softsign");
  CHECK(view.arms[0].front);
  CHECK_FALSE(view.arms[1].front);  // softsign is better and smaller
  CHECK_FALSE(view.arms[2].front);
  CHECK(view.arms[0].settings.at("act") == "softsign");
  CHECK(view.reference == 2);
  const std::vector<std::string> advice = recommendation(view);
  CHECK(advice.front().find("Take baseline_v2_tanh") == 0);
  const std::string all = text::join(advice, "\n");
  CHECK(all.find("Better still is baseline_v2_softsign") != std::string::npos);
  CHECK(all.find("+3.4 %") != std::string::npos);
  CHECK(all.find("Against the reference baseline_v2: -6.2 %") != std::string::npos);
}

TEST_CASE("Importance is that of the setting that decides, and a sweep's figures hold all its arms [NT N15]") {
  app::SweepPicture picture;
  picture.metric = "std z";
  picture.unit = "cm";
  app::SweptSetting deciding{"act", {}}, idle{"batch_size", {}};
  for (int i = 0; i < 24; ++i) {
    picture.names.push_back("arm " + std::to_string(i));
    deciding.values.emplace_back(i % 3 == 0 ? "relu" : i % 3 == 1 ? "tanh" : "softsign");
    idle.values.emplace_back(i / 3 % 2 == 0 ? "64" : "2048");
    picture.values.emplace_back(i == 5 ? std::nullopt : std::optional(i % 3 + 0.001 * (i % 5)));
  }
  picture.settings = {idle, deciding};
  const auto importance = app::permutation_importance(picture);
  REQUIRE(importance.size() == 2);
  CHECK(importance[0].key == "act");
  CHECK(importance[0].low > 0.5);
  CHECK(importance[1].high < 0.2);
  CHECK(app::permutation_importance(picture)[0].mean == importance[0].mean);
  CHECK(idle.levels() == std::vector<std::string>{"64", "2048"});
  CHECK(app::best_so_far(picture).series[0].x.size() == 23);
  CHECK(app::strip_of(picture, deciding).series[0].y.size() == 23);
  std::size_t points = 0;
  for (const auto& series : app::parallel_coordinates(picture).series) points += series.x.size();
  CHECK(points == 23 * 4);  // two settings, the metric and the gap behind each line
  picture.settings = {deciding};
  CHECK(app::permutation_importance(picture).empty());
}

TEST_SUITE("slow") {
  TEST_CASE(
      "A sweep trains every arm, ranks them, leaves its files, and is the same with 1, 2 and 4 threads "
      "[NT N15]") {
    std::string first;
    for (const char* threads : {"1", "2", "4"}) {
      const test::TempFolder folder;
      SweepWords words = small_sweep({"seeds=[1,2]"});
      words[9] = threads;
      const test::Ended ended = run_sweep_in(folder, words);
      REQUIRE_MESSAGE(ended.code == 0, ended.err);
      const std::string ranking = ranking_in(folder);
      if (first.empty()) first = ranking;
      const bool same = ranking == first;
      CHECK(same);
      if (std::string(threads) != "1") continue;
      CHECK(ended.out.find("Take ") != std::string::npos);
      const auto run = folder.path() / "runs/neurotrigger/sweep/version_0";
      for (const char* file : {"journal.jsonl", "sweep.yaml", "ranking.json", "report.html", "summary.json",
                               "manifest.json", "arms/003-seed_2/weights.json", "arms/000-seed_1/summary.json"})
        CHECK_MESSAGE(std::filesystem::exists(run / file), file);
      const nlohmann::json table = io::read_json(run / "ranking.json");
      CHECK(table.at("arms").size() == 4);
      double before = 0;
      for (const auto& arm : table.at("arms")) {
        const double z = arm.at("metrics").at("z_cm");
        CHECK(z >= before);
        const double mean = 0.5 * (arm.at("metrics").at("expert_0.z_cm").get<double>() +
                                   arm.at("metrics").at("expert_3.z_cm").get<double>());
        CHECK(z == doctest::Approx(mean).epsilon(1e-12));
        const bool softsign = arm.at("values").at("config") == "baseline_v2_softsign";
        CHECK((arm.at("metrics").at("hardware") == 0.0) == softsign);
        CHECK(arm.at("metrics").at("macs") == 2349.0);  // 27*81 + 81*2, section 8.4
        before = z;
      }
      // an arm is a run like any other
      const test::Ended look = run_sweep_in(folder, {"evaluate", (run / "arms/000-seed_1").string()});
      CHECK_MESSAGE(look.code == 0, look.err);
    }
  }

  TEST_CASE("A sweep killed at several points goes on to the same ranking [NT N15]") {
    const test::TempFolder whole;
    const SweepWords words = small_sweep({"epochs=200"});
    REQUIRE(run_sweep_in(whole, words).code == 0);
    const std::string expected = ranking_in(whole);
    int killed = 0;
    for (const std::size_t records : {0U, 1U, 3U}) {  // killed while so many trials stand in the journal
      const test::TempFolder folder;
      const auto journal = folder.path() / "runs/neurotrigger/sweep/version_0/journal.jsonl";
      const test::Process process("thimble-neurotrigger", words, folder.path(), test::neurotrigger_program::shipped());
      for (int i = 0; i < 20'000; ++i) {
        const std::string text = std::filesystem::exists(journal) ? test::read_text(journal) : "";
        if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) > records) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20 * records));  // into the next training
      process.send(SIGKILL);
      // the last training may have ended before the signal came; going on from a whole journal must work as well
      if (process.wait().signal == SIGKILL) ++killed;
      const test::Ended ended = run_sweep_in(folder, {"sweep", "--resume", "sweep/0", "--threads", "2"});
      REQUIRE_MESSAGE(ended.code == 0, ended.err);
      const bool same = ranking_in(folder) == expected;
      CHECK_MESSAGE(same, records);
    }
    CHECK(killed > 0);
  }

  TEST_CASE(
      "Ctrl-C saves a sweep, ends with 130 and tells how to go on, and a failing arm is ranked last with code 1 "
      "[NT N15]") {
    const test::TempFolder folder;
    const SweepWords words =
        small_sweep({"epochs=200", "expert_3.learning_rate=[1e30,1e-3]", "config=[base]", "act=leaky_relu"});
    const auto journal = folder.path() / "runs/neurotrigger/sweep/version_0/journal.jsonl";
    const test::Process process("thimble-neurotrigger", words, folder.path(), test::neurotrigger_program::shipped());
    for (int i = 0; i < 20'000; ++i) {
      const std::string text = std::filesystem::exists(journal) ? test::read_text(journal) : "";
      if (std::count(text.begin(), text.end(), '\n') > 1) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process.send(SIGINT);
    const test::Ended stopped = process.wait();
    CHECK(stopped.code == 130);
    CHECK(stopped.err.find("sweep --resume runs/neurotrigger/sweep/version_0") != std::string::npos);
    const test::Ended ended = run_sweep_in(folder, {"sweep", "--resume", "latest"});
    CHECK_MESSAGE(ended.code == 1, ended.err);
    const nlohmann::json table =
        io::read_json(folder.path() / "runs/neurotrigger/sweep/version_0/ranking.json").at("arms");
    REQUIRE(table.size() == 4);
    CHECK(table[1].at("failed") == false);
    CHECK(table[2].at("failed") == true);
    CHECK(table[3].at("reason").get<std::string>().find("expert 3") != std::string::npos);
  }
}

TEST_CASE("A sweep refuses bad words before anything is written [NT N15]") {
  const test::TempFolder folder;
  const std::vector<SweepWords> bad{{"sweep"},
                                    {"sweep", "no_such_thing"},
                                    {"sweep", "baseline_v2", "act=[tanh,tanhh]"},
                                    {"sweep", "baseline_v2", "act=[tanh]", "metric.name=z_mm"},
                                    {"sweep", "baseline_v2", "lerning_rate=[1,2]"},
                                    {"sweep", "baseline_v2", "epochs=3"},
                                    {"sweep", "--resume", "latest"}};
  for (const SweepWords& words : bad) {
    CAPTURE(text::join(words, " "));
    const test::Ended ended = run_sweep_in(folder, words);
    CHECK(ended.code == 2);
    CHECK(ended.err.find("error:") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "runs"));
  }
  const test::Ended plan = run_sweep_in(folder, {"sweep", "documented", "--dry-run"});
  CHECK(plan.code == 0);
  CHECK(plan.out.find("23 arms of 2 trainings") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "runs"));
}

}  // namespace thimble::neurotrigger
