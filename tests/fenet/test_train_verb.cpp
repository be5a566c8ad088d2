// thimble-fenet train, evaluate, predict, baselines, report as a user starts them.

#include "core/io/json.h"
#include "core/io/npy.h"

#include "apps/fenet/model/weights_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/support/process.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const std::string kProgram = "thimble-fenet";

/// A training of two folds on tiny recordings; words behind come later and win.
Words tiny(const Words& more = {}) {
  Words words{"train",
              std::string(THIMBLE_SOURCE_DIR) + "/configs/fenet/demo.yaml",
              "synth.sessions=2",
              "synth.segments=60",
              "synth.channels=4",
              "synth.samples=200",
              "data.cache=false",
              "train.folds=2",
              "~train.fold",
              "train.epochs=4",
              "eval.folds=4"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

fs::path run_of(const test::TempFolder& folder, int version = 0) {
  return folder.path() / "runs/fenet/demo" / ("version_" + std::to_string(version));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

test::Ended well(const Words& words, const test::TempFolder& folder) {
  test::Ended ended = test::run_program(kProgram, words, folder.path());
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  return ended;
}

const Words kFiles{"weights.h5",     "fold_0/result.h5",           "fold_1/result.h5", "fold_0/metrics.csv",
                   "fold_1/last.h5", "fold_0/checkpoints/last.h5", "comparison.csv"};

void check_same_run(const test::TempFolder& a, const test::TempFolder& b) {
  for (const std::string& file : kFiles) {
    CAPTURE(file);
    REQUIRE(fs::exists(run_of(a) / file));
    const bool same = test::read_text(run_of(a) / file) == test::read_text(run_of(b) / file);
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("train writes a run folder with weights, curves, manifest and report [FN F19] [FN N1] [FN N12]") {
  const test::TempFolder folder;
  const test::Ended ended = well(tiny(), folder);
  for (const char* part : {"FENet", "wavelet start", "threshold crossings", "spiking-band power", "95 %", "next:"})
    CHECK(holds(ended.out, part));
  for (const std::string& file : kFiles) CHECK(fs::exists(run_of(folder) / file));
  for (const char* file : {"manifest.json", "summary.json", "config.yaml", "report.html", "fold_0/tb", "fold_1/saved"})
    CHECK(fs::exists(run_of(folder) / file));
  const nlohmann::json summary = io::read_json(run_of(folder) / "summary.json");
  CHECK(summary["status"] == "ok");
  CHECK(summary["metrics"].contains("cross-validation-avg-r2"));
  CHECK(holds(summary["metrics"]["comparison"].dump(), "tc"));
  const std::string saved = fs::directory_iterator(run_of(folder) / "fold_1/saved")->path().filename().string();
  CHECK(holds(saved, "version_0-demo-fold1-step"));
  CHECK(holds(saved, "_perf-"));
  CHECK(fenet::read_weights(run_of(folder) / "weights.h5").architecture.kernels == std::vector<int>(4, 20));
  const std::string page = test::read_text(run_of(folder) / "report.html");
  CHECK(!holds(page, "<script"));
}

TEST_CASE("looking back at a run gives its numbers again [FN F11] [FN N9] [FN N1]") {
  const test::TempFolder folder;
  well(tiny({"eval.permutations=9"}), folder);
  const std::string table = test::read_text(run_of(folder) / "comparison.csv");
  const test::Ended again = well({"evaluate", "latest", "--to", "again"}, folder);
  CHECK(test::read_text(folder / "again" / "comparison.csv") == table);
  CHECK(holds(again.out, "shifts of the labels"));
  CHECK(holds(again.out, "efficiency/operations-per-eval"));
  const test::Ended histogram =
      well({"evaluate", "latest", "eval.criteria=[r2,directional,histogram]", "eval.permutations=0"}, folder);
  CHECK(holds(histogram.out, "eval/timely/decoder-xy-avg-R2"));
  CHECK(holds(histogram.out, "timely/decoder-R2"));
  CHECK(!holds(histogram.out, "eval/decoder-MSE"));
  const nlohmann::json told =
      io::parse_json(well({"evaluate", "latest", "--json", "eval.permutations=0"}, folder).out, "");
  for (const char* name : {"eval/pearsonr2-x", "eval/decoder-MSE", "efficiency/operations-per-eval",
                           "unquantized-perf-cost-ratio", "unquantized-perf-cost-combo"})
    CHECK_MESSAGE(told.dump().find(name) != std::string::npos, name);
  fs::remove(run_of(folder) / "report.html");
  well({"report", "latest"}, folder);
  CHECK(fs::exists(run_of(folder) / "report.html"));
  well({"predict", "latest", "--what", "reduced", "--to", "reduced.npy"}, folder);
  CHECK(io::read_npy(folder / "reduced-simulated-0-1.npy").dims() == std::vector<std::int64_t>{60, 8});
  well({"predict", "latest", "--what", "predictions", "--to", "decoded.csv"}, folder);
  CHECK(holds(test::read_text(folder / "decoded-simulated-0-0.csv"), "segment,x,y\n0,"));
}

TEST_CASE("a reduction that is trained is judged, saved and read back by every verb [FN T5]") {
  const test::TempFolder folder;
  const Words learned{"model.normalize_at_end=true", "pls.learned=per_channel", "eval.baselines=false"};
  well(tiny(learned), folder);
  const std::string weights = (run_of(folder) / "weights.h5").string();
  CHECK(fenet::read_weights(weights).reduction.rank() == 3);
  CHECK(fenet::read_weights(run_of(folder) / "fold_0/checkpoints/last.h5", {{}, {}, true}).reduction.rank() == 3);
  const std::string table = test::read_text(run_of(folder) / "comparison.csv");
  well({"evaluate", "latest", "--to", "again"}, folder);
  CHECK(test::read_text(folder / "again" / "comparison.csv") == table);
  well({"predict", "latest", "--what", "reduced", "--to", "reduced.npy"}, folder);
  const test::Ended channels = test::run_program(
      kProgram, tiny({"model.weights=" + weights, "pls.learned=shared", "model.normalize_at_end=true"}), folder.path());
  CHECK(channels.code == 2);
  CHECK(holds(channels.err, "learned reduction of shape"));
  const test::Ended bare =
      test::run_program(kProgram, tiny({"pls.learned=shared", "model.normalize_at_end=false"}), folder.path());
  CHECK(bare.code == 2);
  CHECK(holds(bare.err, "model.normalize_at_end=true"));
}

TEST_CASE("presets and weights files are judged without a run and so are the baselines [FN F18] [FN N1] [FN F28]") {
  THIMBLE_SHARED(weights, "data/fenet/weights_efficient_volcanic486.h5");
  const test::TempFolder folder;
  const Words data{"synth.sessions=1",  "synth.segments=60", "synth.channels=4",
                   "synth.samples=200", "data.cache=false",  "eval.folds=4"};
  const auto with = [&data](Words words) {
    words.insert(words.end(), data.begin(), data.end());
    return words;
  };
  const std::string path = weights.string();
  const test::Ended file = well(with({"evaluate", "--weights", path, "eval.baselines=false"}), folder);
  CHECK(holds(file.out, "17880"));
  const test::Ended named = test::run_program(kProgram, with({"evaluate", "eval.baselines=false"}), folder.path(),
                                              {"FENET_MODEL_MODEL_SAVE_DIR=" + weights.parent_path().string() + "/",
                                               "FENET_MODEL_BEST_MODEL=" + weights.filename().string()});
  CHECK(named.code == 0);
  CHECK(named.out == file.out);
  CHECK(holds(well(with({"evaluate", "--weights", "genial-57", "eval.baselines=false"}), folder).out, "9088"));
  CHECK(holds(well(with({"baselines", "{}", "eval.compare=[" + path + "]"}), folder).out, "weights_efficient"));
}

TEST_CASE("one fold or several at a time and any number of threads give the same files [FN N12] [FN F28]") {
  const test::TempFolder one, two;
  well(tiny({"--threads", "1"}), one);
  const test::Ended ended =
      test::run_program(kProgram, tiny({"--threads", "3"}), two.path(), {"FENET_MODEL_MAX_POOL_WORKERS=1"});
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  check_same_run(one, two);
}

TEST_CASE("what cannot be is refused with exit code 2 before a run folder exists [FN F28]") {
  const test::TempFolder folder;
  const auto refused = [&](const Words& more, const std::string& part) {
    const test::Ended ended = test::run_program(kProgram, tiny(more), folder.path());
    CAPTURE(ended.err);
    CHECK(ended.code == 2);
    CHECK(holds(ended.err, part));
  };
  refused({"train.folds=9"}, "there are 2 sessions");
  refused({"kernel1=3"}, "even number of taps");
  refused({"lerning_rate=1"}, "unknown key");
  refused({"model.weights=nowhere.h5"}, "nowhere.h5");
  refused({"pls_dims=6"}, "a channel has 5 features");
  CHECK(!fs::exists(folder / "runs"));
  CHECK(test::run_program(kProgram, tiny({"--dry-run"}), folder.path()).code == 0);
  CHECK(!fs::exists(folder / "runs"));
  const test::Ended json = well(tiny({"--json", "train.epochs=1"}), folder);
  CHECK(io::parse_json(json.out, "result")["status"] == "ok");
}

TEST_CASE("one fold trains on all sessions and is judged on the dev and test days, if there are any [FN F19]") {
  const test::TempFolder folder;
  Words simulate{"simulate", "synth.days=3"};
  for (const std::string& word : tiny())
    if (word.starts_with("synth.")) simulate.push_back(word);
  simulate.insert(simulate.end(), {"--to", "days"});
  well(simulate, folder);
  const Words all{"train.folds=1", "train.epochs=2", "train.eval_steps=2", "data.train=[simulated-0.json]",
                  "data.dir=days"};
  const auto with = [&](const Words& more) {
    Words words = tiny(all);
    words.insert(words.end(), more.begin(), more.end());
    return well(words, folder);
  };
  const test::Ended judged = with({"data.dev=[simulated-1.json]", "data.test=[simulated-2.json]", "--json"});
  const auto metrics = io::parse_json(judged.out, "result")["metrics"];
  CHECK(metrics.contains("cross-validation-avg-r2"));
  CHECK(metrics["comparison"].contains("fenet.r2"));
  const test::Ended alone = with({"--json"});
  CHECK_FALSE(io::parse_json(alone.out, "result")["metrics"].contains("cross-validation-avg-r2"));
  CHECK(fs::exists(run_of(folder, 1) / "weights.h5"));
  CHECK(holds(with({}).out, "no day to judge the network on"));
}

TEST_SUITE("slow") {
  TEST_CASE("a training that was killed and resumed ends with the bytes of an uninterrupted one [FN N12] [FN F18]") {
    const Words more{"train.epochs=300", "checkpoint.every_epochs=5"};
    const test::TempFolder whole, cut;
    well(tiny(more), whole);
    const test::Process process(kProgram, tiny(more), cut.path());
    const fs::path saved = run_of(cut) / "fold_0/checkpoints/last.h5";
    for (int i = 0; i < 6000 && !fs::exists(saved); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    process.send(SIGKILL);
    const test::Ended killed = process.wait();
    REQUIRE_MESSAGE(killed.signal == SIGKILL, "the run was over before it was killed");
    well({"train", "--resume", "latest"}, cut);
    check_same_run(whole, cut);
  }

  TEST_CASE("Ctrl-C saves a training and says how to go on [FN N12]") {
    const Words more{"train.epochs=300"};
    const test::TempFolder whole, cut;
    well(tiny(more), whole);
    const test::Process process(kProgram, tiny(more), cut.path());
    const fs::path log = run_of(cut) / "fold_0/metrics.csv";
    for (int i = 0; i < 6000 && !fs::exists(log); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    process.send(SIGINT);
    const test::Ended stopped = process.wait();
    REQUIRE_MESSAGE(stopped.code == 130, stopped.err);
    CHECK(holds(stopped.err, "--resume"));
    well({"train", "--resume", "latest"}, cut);
    check_same_run(whole, cut);
  }
}
