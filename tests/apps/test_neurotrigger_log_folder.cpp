// What a run leaves on disk: exact lists of files, their content, several runs at once, repositories, names of the
// original trainer.

#include "core/io/tfevents.h"

#include "apps/neurotrigger/data/dataset.h"
#include "apps/neurotrigger/train/weights_file.h"

#include <doctest/doctest.h>

#include <sstream>

#include "tests/apps/neurotrigger_program.h"
#include "tests/support/program.h"

using namespace thimble;
using namespace thimble::test::neurotrigger_program;

namespace {

using Names = std::set<std::string>;

/// Files below `folder`, without those below plots/ (figures of the report); the clock and the process number in names
/// of event files become "*".
Names files_below(const fs::path& folder) {
  Names names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() && !entry.is_symlink()) continue;
    std::string name = entry.path().lexically_relative(folder).string();
    if (const std::size_t at = name.find("events.out.tfevents."); at != std::string::npos)
      name = name.substr(0, at) + "events.out.tfevents.*";
    if (name.find("/plots/") == std::string::npos) names.insert(name);
  }
  return names;
}

/// What one list has and the other has not; empty when they are equal.
std::string difference(const Names& found, const Names& expected) {
  std::string out;
  for (const std::string& name : found)
    if (expected.count(name) == 0) out += " +" + name;
  for (const std::string& name : expected)
    if (found.count(name) == 0) out += " -" + name;
  return out;
}

Names with_prefix(const std::string& prefix, const Names& names) {
  Names out;
  for (const std::string& name : names) out.insert(prefix + name);
  return out;
}

void add(Names& to, const Names& more) {
  to.insert(more.begin(), more.end());
}

Names files_of_expert(const std::string& last_checkpoint) {
  Names names{"checkpoints/" + last_checkpoint};
  for (const char* name :
       {"checkpoints/best.h5", "checkpoints/last.h5", "checkpoints/index.json", "csv/version_0/metrics.csv",
        "csv/version_0/hparams.yaml", "tb/version_0/hparams.yaml", "tb/version_0/events.out.tfevents.*",
        "train_result.json", "val_result.json", "test_result.json"})
    names.insert(name);
  return names;
}

/// The plots of one network without an old one.
Names plots_of_network() {
  Names names;
  for (const char* plot : {"z-plot", "z-hist", "z-diff", "z-std", "z-shallow-diff", "z-hist-gt"})
    for (const char* ending : {".png", ".csv", ".json"})
      if (ending != std::string(".png") || test::has_program("gnuplot"))
        names.insert(std::string("post_training_plots/") + plot + ending);
  return names;
}

Names files_of_run(const std::vector<int>& experts) {
  Names names;
  for (const char* name : {"config.yaml", "manifest.json", "log.txt", "run.lock", "git_id.txt", "git_diff.txt",
                           "summary.json", "metrics.csv", "reference_statistics.json", "weights.json", "report.html",
                           "prediction_random1.h5", "prediction_random2.h5", "pred_data_random1.csv",
                           "pred_data_random2.csv", "mean_expert/version_0/events.out.tfevents.*"})
    names.insert(name);
  for (const int expert : experts) names.insert("expert_" + std::to_string(expert) + ".log");
  return names;
}

const Words kQuick{"data.simulate.train=2000", "data.simulate.val=600", "data.simulate.test=0"};

Words joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string text_of(const fs::path& path) {
  return test::read_text(path);
}

}  // namespace

TEST_CASE("A production run leaves the files of its log folder and nothing else [NT F15] [NT F18]") {
  const test::TempFolder folder;
  const test::Ended ended =
      test::run_program(kProgram,
                        joined({config("demo"), "-p", "-d", "two experts", "-m", "experts=[0,3]",
                                "filter=DuplicateEventsFilter()", "epochs=2", "expert_3.batch_size=2048"},
                               kQuick),
                        folder.path());
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  CHECK(contains(ended.err, "same as: thimble-neurotrigger train"));
  Names expected{"log.txt", "demo/latest"};
  Names run = files_of_run({0, 3});
  add(run, {"prediction_random1_filtered.h5", "prediction_random2_filtered.h5", "pred_data_random1_filtered.csv",
            "pred_data_random2_filtered.csv"});
  for (const char* expert : {"expert_0/", "expert_3/"}) {
    add(run, with_prefix(expert, files_of_expert("epoch-0002-step-000002.h5")));
    add(run, with_prefix(expert, plots_of_network()));
  }
  add(run, with_prefix("mean_expert/", plots_of_network()));
  add(expected, with_prefix("demo/version_0/", run));
  CHECK(difference(files_below(folder.path() / "runs/neurotrigger"), expected) == "");
  Names beside;
  for (const auto& entry : fs::directory_iterator(folder.path())) beside.insert(entry.path().extension().string());
  CHECK(beside == Names{"", ".err", ".out"});  // runs, and what the test itself keeps
  const fs::path made = run_folder(folder);
  const nlohmann::json summary = io::read_json(made / "summary.json");
  CHECK(summary.at("run_description") == "two experts");
  CHECK(contains(run_well({"runs"}, folder).out, "two experts"));
  CHECK(summary.at("status") == "ok");
  CHECK(summary.at("config").at("epochs") == 2);
  CHECK(contains(text_of(folder.path() / "runs/neurotrigger/log.txt"), ": runs/neurotrigger/demo/version_0\n"));
  CHECK(contains(text_of(made / "expert_3/tb/version_0/hparams.yaml"), "run_description: two experts\n"));
  CHECK(same_bytes(made / "expert_3/tb/version_0/hparams.yaml", made / "expert_3/csv/version_0/hparams.yaml"));
}

TEST_CASE("A debug run is ten epochs with a profile, below the temporary folder alone [NT F16] [NT F18]") {
  const test::TempFolder folder, temporary;
  const test::Ended ended = test::run_program(
      kProgram,
      joined({config("demo"), "-s", "-m", "epochs=2", "expert_-1.epochs=30", "--hparams", "plots.final=false"}, kQuick),
      folder.path(), {"TMPDIR=" + temporary.path().string()});
  REQUIRE_MESSAGE(ended.code == 0, ended.err);
  CHECK_FALSE(fs::exists(folder.path() / "runs"));
  Names run = files_of_run({-1});
  add(run, with_prefix("expert_-1/", files_of_expert("epoch-0010-step-000010.h5")));
  run.insert("expert_-1/profile.txt");
  Names expected{"nt_pytorch_debug_log/log.txt", "nt_pytorch_debug_log/demo/latest"};
  add(expected, with_prefix("nt_pytorch_debug_log/demo/version_0/", run));
  CHECK(difference(files_below(temporary.path()), expected) == "");
  const fs::path made = temporary.path() / "nt_pytorch_debug_log/demo/version_0";
  CHECK(lines(text_of(made / "metrics.csv")) == 11);
  CHECK(contains(text_of(made / "expert_-1/profile.txt"), " us  linear"));
  CHECK(text_of(made / "expert_-1.log").empty());  // one network trains under the log of the run
  CHECK(contains(text_of(made / "log.txt"), "expert -1: trained after 10 epochs"));
  CHECK(neurotrigger::read_weights(made / "weights.json").size() == 1);
}

TEST_CASE("Runs started at the same instant have folders of their own and leave what is there alone [NT F17]") {
  const test::TempFolder folder;
  test::write_text(run_folder(folder) / "mine.txt", "do not touch");
  test::write_text(run_folder(folder, "demo", 2) / "mine.txt", "nor this");
  const Words words = training({"epochs=2", "expert_3.batch_size=2048"});
  std::vector<std::unique_ptr<test::Process>> together;
  for (int i = 0; i < 3; ++i) together.push_back(std::make_unique<test::Process>(kProgram, words, folder.path()));
  for (const auto& process : together) {
    const test::Ended ended = process->wait();
    CHECK_MESSAGE(ended.code == 0, ended.err);
  }
  Names run = files_of_run({0, 3});
  add(run, with_prefix("expert_0/", files_of_expert("epoch-0002-step-000004.h5")));
  add(run, with_prefix("expert_3/", files_of_expert("epoch-0002-step-000002.h5")));
  Names expected{"log.txt", "demo/latest", "demo/version_0/mine.txt", "demo/version_2/mine.txt"};
  for (const int version : {3, 4, 5}) add(expected, with_prefix("demo/version_" + std::to_string(version) + "/", run));
  CHECK(difference(files_below(folder.path() / "runs/neurotrigger"), expected) == "");
  CHECK(text_of(run_folder(folder) / "mine.txt") == "do not touch");
  CHECK(lines(text_of(folder.path() / "runs/neurotrigger/log.txt")) == 3);
  CHECK(same_bytes(run_folder(folder, "demo", 3) / "weights.json", run_folder(folder, "demo", 5) / "weights.json"));
}

TEST_CASE("legacy_names gives the names and forms that scripts for the original trainer look for [NT F18]") {
  const test::TempFolder folder;
  run_well(training({"--legacy-names", "experts=[0]", "plots.final=true", "note=with 'quotes'"}), folder);
  const fs::path run = run_folder(folder);
  for (const char* name : {"app.log", "expert_0/1_result.json", "expert_0/ckpts/epoch=2-step=5.ckpt",
                           "expert_0/ckpts/last.ckpt", "expert_0/1_post_training_plots/z-plot.csv"})
    CHECK_MESSAGE(fs::exists(run / name), name);
  CHECK_FALSE(fs::exists(run / "expert_0/val_result.json"));
  CHECK(same_bytes(run / "expert_0/ckpts/last.ckpt", run / "expert_0/checkpoints/last.h5"));
  const nlohmann::json result = io::read_json(run / "expert_0/1_result.json");
  Names keys;
  for (const auto& item : result.items()) keys.insert(item.key());
  CHECK(keys == Names{"1_loss", "1_loss_old", "1_loss_vs_old_loss", "1_z_diff_std"});
  const std::string text = text_of(run / "summary.json");
  const nlohmann::json summary = nlohmann::json::parse(text);
  CHECK(text == summary.dump(2) + "\n");  // keys sorted, indent 2
  CHECK(summary.at("config") == "demo");
  CHECK(summary.at("act") == "tanh/2");
  CHECK(summary.at("run_description") == "with 'quotes'");
  CHECK(summary.at("loss").at("val").at("unfiltered").at("loss").at("0") == result.at("1_loss"));
  CHECK(summary.at("data_path").size() == 3);
  CHECK(text_of(run / "pred_data_random1.csv").rfind("Experiment  ", 0) == 0);
  CHECK(contains(run_well({"runs"}, folder).out, "ok"));
}

TEST_CASE("Text predictions hold every row of a split, zeros where no network speaks, a key leaves them out [NT F19]") {
  const test::TempFolder folder;
  run_well(training({"epochs=1"}), folder);
  std::istringstream text(text_of(run_folder(folder) / "pred_data_random2.csv"));
  std::string line;
  std::getline(text, line);
  CHECK(std::count(line.begin(), line.end(), '\t') == 43);
  std::getline(text, line);
  CHECK(line.empty());
  std::int64_t rows = 0, spoken = 0;
  while (std::getline(text, line)) {
    std::vector<std::string> cells = text::split(line, '\t');
    REQUIRE(cells.size() == 44);
    const bool trained = cells[6] == "0" || cells[6] == "3";
    CHECK((cells[42] != "0.0000000000000000") == trained);
    ++rows;
    spoken += trained ? 1 : 0;
  }
  CHECK(rows > spoken);
  CHECK(spoken == io::read_json(run_folder(folder) / "expert_0/val_result.json").at("rows").get<int>() +
                      io::read_json(run_folder(folder) / "expert_3/val_result.json").at("rows").get<int>());
  run_well(training({"epochs=1", "predictions=none"}), folder);
  CHECK_FALSE(fs::exists(run_folder(folder, "demo", 1) / "pred_data_random2.csv"));
  CHECK(fs::exists(run_folder(folder, "demo", 1) / "prediction_random2.h5"));
}

TEST_CASE(
    "The commit and the changes of the working tree are kept, without a repository the files are empty [NT F27]") {
  const test::TempFolder folder;
  run_well(training({"epochs=1"}), folder);
  CHECK(text_of(run_folder(folder) / "git_id.txt").empty());
  CHECK(text_of(run_folder(folder) / "git_diff.txt").empty());
  CHECK(contains(text_of(run_folder(folder) / "log.txt"), "not inside a git repository"));
  if (!test::has_program("git")) {
    MESSAGE("skipped: git is missing");
    return;
  }
  const auto git = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"git", "-c", "user.name=Test", "-c", "user.email=test@example.org"});
    const test::ProgramResult result = test::run_program(words, folder.path());
    REQUIRE_MESSAGE(result.exit_code == 0, result.output);
    return std::string(text::trim(result.output));
  };
  test::write_text(folder.path() / "analysis.txt", "one\n");
  git({"init", "-q"});
  git({"add", "analysis.txt"});
  git({"commit", "-q", "-m", "Begin"});
  test::write_text(folder.path() / "analysis.txt", "two\n");
  const std::string id = git({"rev-parse", "HEAD"});
  run_well(training({"epochs=1"}), folder);
  CHECK(text_of(run_folder(folder, "demo", 1) / "git_id.txt") == id + "\n");
  CHECK(contains(text_of(run_folder(folder, "demo", 1) / "git_diff.txt"), "-one\n+two\n"));
  CHECK(io::read_json(run_folder(folder, "demo", 1) / "summary.json").at("git_id") == id);
}

TEST_CASE("Tags of the configuration are listed by runs and choose among them") {
  const test::TempFolder folder;
  run_well(training({"epochs=1", "tags=[trial, low-pt]"}), folder);
  run_well(training({"epochs=1"}), folder);
  CHECK(contains(run_well({"runs"}, folder).out, "trial, low-pt"));
  const std::string chosen = run_well({"runs", "--tag", "low-pt"}, folder).out;
  CHECK(contains(chosen, "demo/0"));
  CHECK_FALSE(contains(chosen, "demo/1"));
  CHECK(contains(run_well({"runs", "--tag", "nothing"}, folder).out, "no runs"));
  const nlohmann::json listed = nlohmann::json::parse(run_well({"runs", "--json", "--tag", "trial"}, folder).out);
  CHECK(listed.at("runs").at(0).at("tags") == nlohmann::json({"trial", "low-pt"}));
}
