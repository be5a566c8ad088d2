// Ways to start a training, what its settings do, where it starts from and when it stops.

#include "apps/neurotrigger/settings.h"
#include "apps/neurotrigger/train/weights_file.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "tests/apps/neurotrigger_program.h"

using namespace thimble;
using namespace thimble::test::neurotrigger_program;

namespace {

/// Validation loss by finished epoch from metrics.csv of an expert.
std::map<int, double> validation_losses(const fs::path& run, const std::string& expert) {
  std::map<int, double> losses;
  std::istringstream text(test::read_text(run / expert / "csv/version_0/metrics.csv"));
  std::string line;
  std::getline(text, line);
  while (std::getline(text, line)) {
    const std::vector<std::string> cells = text::split(line, ',');
    double value = 0;
    if (cells.size() > 4 && text::parse(cells[4], value)) losses[std::stoi(cells[0])] = value;
  }
  return losses;
}

std::pair<int, double> best_of(const std::map<int, double>& losses) {
  std::pair<int, double> best{0, 1e300};
  for (const auto& entry : losses)
    if (entry.second < best.second) best = entry;
  return best;
}

/// Runs the program with a pseudo terminal as standard input and standard error; `typed` is what the person types.
/// Returns the exit code and what the terminal showed.
std::pair<int, std::string> at_terminal(const Words& words, const fs::path& folder, const std::string& typed) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(master >= 0);
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  const std::string slave = ::ptsname(master), out = (folder / "terminal.out").string();
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addchdir_np(&files, folder.c_str());
  posix_spawn_file_actions_addopen(&files, 0, slave.c_str(), O_RDWR, 0);
  posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&files, 0, 2);
  Words all{(fs::path(THIMBLE_BINARY_DIR) / "bin" / kProgram).string()};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/bin:/bin", term = "TERM=xterm";
  char* environment[] = {path.data(), term.data(), nullptr};
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, arguments[0], &files, nullptr, arguments.data(), environment) == 0);
  posix_spawn_file_actions_destroy(&files);
  REQUIRE(::write(master, typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()));
  std::string shown;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(master, buffer, sizeof buffer)) > 0;)
    shown.append(buffer, static_cast<std::size_t>(got));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(master);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, shown};
}

std::string description_of(const test::TempFolder& folder, int version) {
  return io::read_json(run_folder(folder, "demo", version) / "summary.json").at("run_description");
}

}  // namespace

TEST_CASE("A production run at a terminal asks for one line, without a terminal nothing is asked [NT F16]") {
  const test::TempFolder folder;
  const Words quick{"experts=[3]",   "epochs=1",         "plots.final=false",     "data.simulate.train=2000",
                    "plots.every=0", "predictions=none", "data.simulate.val=600", "data.simulate.test=0"};
  const auto words = [&](Words first) {
    first.insert(first.begin(), config("demo"));
    first.insert(first.end(), quick.begin(), quick.end());
    return first;
  };
  const auto ended = at_terminal(words({"-p", "-m"}), folder.path(), "night shift\n");
  const std::string& shown = ended.second;
  CHECK_MESSAGE(ended.first == 0, shown);
  CHECK(contains(shown, "one line to remember this run by"));
  CHECK(description_of(folder, 0) == "night shift");
  const auto [given, nothing] = at_terminal(words({"-p", "-d", "it's given", "-m"}), folder.path(), "");
  CHECK(given == 0);
  CHECK_FALSE(contains(nothing, "one line"));
  CHECK(description_of(folder, 1) == "it's given");
  run_well(words({"-p", "-m"}), folder);  // standard input is no terminal
  CHECK(description_of(folder, 2).empty());
  Words modern = words({"--note", "by the verb"});
  modern.insert(modern.begin(), "train");
  run_well(modern, folder);
  CHECK(description_of(folder, 3) == "by the verb");
}

TEST_CASE("-s trains one network on the tracks of all experts, a list of experts trains those [NT F15]") {
  const test::TempFolder folder;
  run_well(training({"-s", "epochs=1"}), folder);
  run_well(training({"experts=[4,1]", "epochs=1"}), folder);
  const fs::path one = run_folder(folder), two = run_folder(folder, "demo", 1);
  CHECK(neurotrigger::read_weights(one / "weights.json").count(-1) == 1);
  CHECK_FALSE(fs::exists(one / "expert_0"));
  CHECK(result_of(one, "expert_-1").at("rows").get<int>() > result_of(two, "expert_1").at("rows").get<int>());
  CHECK(neurotrigger::read_weights(two / "weights.json").size() == 2);
  std::set<std::string> folders;
  for (const auto& entry : fs::directory_iterator(two))
    if (entry.path().filename().string().rfind("expert_", 0) == 0) folders.insert(entry.path().filename().string());
  CHECK(folders == std::set<std::string>{"expert_1", "expert_1.log", "expert_4", "expert_4.log"});
}

TEST_CASE("A configuration by name, as YAML, as JSON, inline and by --config trains to the same bytes [NT F10]") {
  const test::TempFolder folder;
  const std::string keys =
      "experts: [0, 3], epochs: 2, act: softsign, expert_3: {batch_size: 64}, "
      "plots: {final: false}, data: {simulate: {train: 3000, val: 900, test: 0}}";
  test::write_text(folder.path() / "configs/neurotrigger/named.yaml", "{extends: baseline_v2, " + keys + "}\n");
  test::write_text(folder.path() / "mine.yaml",
                   "extends: baseline_v2\nexperts: [0, 3]\nepochs: 2\nact: softsign\nexpert_3:\n  batch_size: 64\n"
                   "plots: {final: false}\ndata:\n  simulate: {train: 3000, val: 900, test: 0}\n");
  test::write_text(folder.path() / "mine.json",
                   R"({"extends": "baseline_v2", "experts": [0, 3], "epochs": 2, "act": "softsign",
                       "expert_3": {"batch_size": 64}, "plots": {"final": false},
                       "data": {"simulate": {"train": 3000, "val": 900, "test": 0}}})");
  const std::string inline_map = "{extends: baseline_v2, " + keys + "}";
  const std::vector<std::pair<Words, fs::path>> forms{
      {{"train", "named"}, run_folder(folder, "named")},
      {{"train", "mine.yaml"}, run_folder(folder, "mine")},
      {{"train", "--config", "mine.json"}, run_folder(folder, "mine", 1)},
      {{"train", inline_map}, run_folder(folder, "inline")},
      {{"train", "--config", inline_map, "--name", "own"}, run_folder(folder, "own")}};
  for (const auto& [words, run] : forms) {
    run_well(words, folder, shipped());
    const std::string folder_of_run = run.string();
    CAPTURE(folder_of_run);
    CHECK(same_bytes(forms.front().second / "weights.json", run / "weights.json"));
  }
  // what is wrong inside is told like in a file
  const test::Ended bad = test::run_program(kProgram, {"train", "{extends: demo, epocs: 3}"}, folder.path(), shipped());
  CHECK(bad.code == 2);
  CHECK_MESSAGE(contains(bad.err, "did you mean 'epochs'"), bad.err);
}

TEST_CASE("Flags of train: data files, configurations listed and shown, contradictions refused") {
  const test::TempFolder folder;
  run_well({"simulate", config("demo"), "data.simulate.train=1500", "data.simulate.val=500", "data.simulate.test=300",
            "--out", "tracks"},
           folder);
  run_well({"train", config("demo"), "experts=[0]", "epochs=1", "plots.final=false", "--data",
            "train=tracks/random1.csv.gz,tracks/random3.csv.gz,val=tracks/random2.csv.gz"},
           folder);
  const auto track_file = [&](const char* name) { return (folder.path() / "tracks" / name).string(); };
  const nlohmann::json paths = io::read_json(run_folder(folder) / "summary.json").at("data_path");
  CHECK(paths.at("train") == nlohmann::json({track_file("random1.csv.gz"), track_file("random3.csv.gz")}));
  CHECK(paths.at("val") == nlohmann::json({track_file("random2.csv.gz")}));
  const nlohmann::json inputs = io::read_json(run_folder(folder) / "manifest.json").at("inputs");
  CHECK(inputs.at("data.train").at("path") == track_file("random1.csv.gz"));
  CHECK(inputs.at("data.train[1]").at("path") == track_file("random3.csv.gz"));
  CHECK(contains(run_well({"train", "--list-configs"}, folder, shipped()).out, "baseline_v2_norm_dist"));
  CHECK(contains(run_well({"--list-configs"}, folder, shipped()).out, "reweight_uniform"));
  const std::string shown =
      run_well({"train", "baseline_v4", "learning_rate=0.5", "--print-config"}, folder, shipped()).out;
  CHECK(contains(shown, "model: BaselineModelBN"));
  CHECK(contains(shown, "learning_rate: 0.5"));
  const std::string planned = run_well({"train", "baseline_v4", "--dry-run", "data.simulate.train=1000",
                                        "data.simulate.val=500", "data.simulate.test=0"},
                                       folder, shipped())
                                  .out;
  CHECK(contains(planned, "train: "));
  CHECK_FALSE(fs::exists(run_folder(folder, "baseline_v4")));
  const std::vector<std::pair<Words, std::string>> bad{{{"train", "demo", "--config", "base"}, "two configurations"},
                                                       {{"train", "demo", "--debug", "-p"}, "exclude each other"},
                                                       {{"train", "demo", "--data", "a.gz"}, "--data is 'a.gz'"},
                                                       {{"train", "demo", "--data", "train=,val=b.gz"}, "--data is"},
                                                       {{"train"}, "which configuration"},
                                                       {{"tran", "demo"}, "train"},
                                                       {{"demmo", "-p"}, "demo"}};
  for (const auto& [words, message] : bad) {
    const test::Ended ended = test::run_program(kProgram, words, folder.path(), shipped());
    CHECK(ended.code == 2);
    CHECK_MESSAGE(contains(ended.err, message), ended.err);
  }
}

TEST_CASE("Epochs, batch, activation, optimiser, dist and filter of one expert are its own, as its log says [NT F11]") {
  const test::TempFolder folder;
  run_well(training({"epochs=4"}), folder);
  run_well(training({"epochs=4", "expert_3={epochs: 2, batch_size: 16, act: softsign, optim: SGD, learning_rate: 0.02}",
                     "expert_3.dist={n_buckets: 5, uniform: {lower: -0.5, upper: 0.5}}",
                     "expert_3.filter=RangeFilter(range(400))"}),
           folder);
  const fs::path plain = run_folder(folder), own = run_folder(folder, "demo", 1);
  const std::string log = test::read_text(own / "expert_3.log"), other = test::read_text(own / "expert_0.log");
  for (const char* part : {"softsign", "SGD", "learning rate 0.02", "batches of 16", "up to 2 epochs",
                           "rows drawn by z in 5 buckets", "filter RangeFilter(range(400))", "trained after 2 epochs"})
    CHECK_MESSAGE(contains(log, part), part);
  for (const char* part : {"tanh/2", "Adam", "learning rate 0.005", "batches of 2048", "up to 4 epochs",
                           "every row once", "trained after 4 epochs"})
    CHECK_MESSAGE(contains(other, part), part);
  CHECK_FALSE(contains(other, "expert 3"));
  CHECK(validation_losses(own, "expert_3").size() == 2);
  const auto before = neurotrigger::read_weights(plain / "weights.json"),
             after = neurotrigger::read_weights(own / "weights.json");
  const auto bits = [](const neurotrigger::State& state) {
    std::vector<double> all;
    for (const auto& [name, tensor] : state)
      for (const double value : tensor.to_vector()) all.push_back(value);
    return all;
  };
  const bool zero_same = bits(before.at(0)) == bits(after.at(0)), three_same = bits(before.at(3)) == bits(after.at(3));
  CHECK(zero_same);
  CHECK_FALSE(three_same);
}

TEST_CASE("Loaded weights begin with the loss that the stored run ended with, a missing expert is named [NT F21]") {
  const test::TempFolder folder;
  run_well(training({"epochs=6"}), folder);
  const std::string weights = "load_pre_trained_weights=" + (run_folder(folder) / "weights.json").string();
  run_well(training({weights, "epochs=1", "learning_rate=1e-5"}), folder);
  const nlohmann::json metrics = io::read_json(run_folder(folder, "demo", 1) / "summary.json").at("metrics");
  for (const char* expert : {"expert_0", "expert_3"}) {
    CAPTURE(expert);
    const double ended_with = best_of(validation_losses(run_folder(folder), expert)).second;
    CHECK(metrics.at(expert).at("start_val_loss") == ended_with);
    CHECK(contains(test::read_text(run_folder(folder, "demo", 1) / (std::string(expert) + ".log")),
                   "validation loss " + text::shortest(ended_with) + " before training"));
  }
  const test::Ended missing = test::run_program(kProgram, training({weights, "experts=[0,2]"}), folder.path());
  CHECK(missing.code == 2);
  CHECK_MESSAGE(contains(missing.err, "no weights of expert 2"), missing.err);
  const test::Ended other = test::run_program(kProgram, training({weights, "out_size=1"}), folder.path());
  CHECK(other.code == 2);
  CHECK_MESSAGE(contains(other.err, "another network"), other.err);
  CHECK_FALSE(fs::exists(run_folder(folder, "demo", 2)));
}

TEST_CASE("Training stops after so many epochs without a better loss and keeps the best weights [NT F22]") {
  const test::TempFolder folder;
  // few tracks and a fast optimiser: the networks learn them by heart and the validation loss turns
  run_well(training({"epochs=2000", "patience=7", "learning_rate=0.02", "learning_rate_stages={epochs: [], rates: []}",
                     "data.simulate.train=900", "plots.every=0"}),
           folder);
  const fs::path run = run_folder(folder);
  for (const char* expert : {"expert_0", "expert_3"}) {
    CAPTURE(expert);
    const std::map<int, double> losses = validation_losses(run, expert);
    const auto [epoch, loss] = best_of(losses);
    CHECK(losses.size() < 2000);
    CHECK(static_cast<int>(losses.size()) == epoch + 7);
    CHECK(losses.rbegin()->second > loss);
    // one batch holds all validation tracks, so the loss of the restored weights is that of the best epoch
    CHECK(result_of(run, expert).at("loss").get<double>() == doctest::Approx(loss).epsilon(1e-9));
  }
}
