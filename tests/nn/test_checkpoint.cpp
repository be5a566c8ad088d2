#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/parallel/blocks.h"

#include "nn/train/csv_log.h"
#include "nn/train/keep_best.h"
#include "nn/train/tensorboard.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/nn/toy.h"
#include "tests/support/error_of.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::nn;
using test::TempFolder;
using test::Toy;

namespace {

namespace fs = std::filesystem;

/// A training with everything that keeps a state, in a folder.
struct Training {
  fs::path folder;
  Toy toy;
  Trainer& trainer;
  CheckpointStore store;
  KeepBest& best;

  explicit Training(const fs::path& where, std::int64_t epochs = 12, std::size_t keep = 3, std::uint64_t seed = 1,
                    const std::atomic<bool>* interrupt = nullptr)
      : folder(where),
        trainer(prepare(epochs, seed, interrupt)),
        store(where / "checkpoints", keep),
        best(trainer.add(std::make_unique<KeepBest>("val_loss"))) {
    trainer.add(std::make_unique<EarlyStop>("val_loss", Goal::min, 30));
    trainer.add(
        std::make_unique<MetricsCsv>(where / "metrics.csv", std::vector<std::string>{"train_loss", "val_loss"}, 3));
    trainer.add(
        std::make_unique<TensorBoard>(where / "tb", TensorBoard::Options{.log_every = 4, .histograms_every = 5}));
    trainer.save_to(store, {{"app", "toy"}, {"seed", std::to_string(seed)}}, &best);
  }
  Trainer& prepare(std::int64_t epochs, std::uint64_t seed, const std::atomic<bool>* interrupt) {
    toy.options.epochs = epochs;
    toy.options.save_every_epochs = 1;
    toy.options.interrupt = interrupt;
    toy.rule = parse_rule("Adam", 1e-5);
    toy.seed = seed;
    return toy.trainer();
  }
  /// Takes up the newest checkpoint, if there is one.
  void resume() {
    const CheckpointStore::Found found = store.newest();
    if (!found.file.empty()) trainer.restore(found.checkpoint, found.file.string());
  }
  std::string metrics() const { return io::read_file(folder / "metrics.csv"); }
  std::string last() const { return io::read_file(folder / "checkpoints" / "last.h5"); }
  std::string best_file() const { return io::read_file(folder / "checkpoints" / "best.h5"); }
};

/// "step tag value" of every event: what must not depend on kills. Wall times do.
std::string events_in(const fs::path& folder) {
  std::string all;
  for (const auto& file : fs::directory_iterator(folder))
    for (const io::Event& event : io::read_events(file.path()))
      for (const io::EventValue& value : event.values)
        all += text::cat(event.step, " ", value.tag, " ", value.scalar.value_or(0), "\n");
  return all;
}

struct Ending {
  std::string metrics, last, best, events;
  bool operator==(const Ending&) const = default;
};

Ending ending(const Training& run) {
  return {run.metrics(), run.last(), run.best_file(), events_in(run.folder / "tb")};
}

Ending uninterrupted(std::int64_t epochs = 12) {
  const TempFolder folder;
  Training run(folder.path(), epochs);
  run.trainer.fit();
  return ending(run);
}

void flip_byte(const fs::path& file, std::size_t at) {
  std::string bytes = io::read_file(file);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  io::atomic_replace(file, bytes);
}

}  // namespace

TEST_CASE("equal trainings write equal checkpoints, byte for byte") {
  CHECK(uninterrupted(3) == uninterrupted(3));
}

TEST_CASE("[R06] [R09] a training resumed from each of its checkpoints ends identically") {
  const std::int64_t epochs = 8;
  const TempFolder whole;
  Training reference(whole.path(), epochs, 100);
  reference.trainer.fit();
  const Ending wanted = ending(reference);
  for (const auto& entry : fs::directory_iterator(whole / "checkpoints")) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("epoch-", 0) != 0) continue;
    CAPTURE(name);
    const TempFolder folder;
    fs::create_directories(folder / "checkpoints");
    fs::copy_file(entry.path(), folder.path() / "checkpoints" / name);
    fs::copy(whole / "tb", folder / "tb");
    fs::copy_file(whole / "metrics.csv", folder / "metrics.csv");  // longer than at that moment: it is cut
    Training resumed(folder.path(), epochs, 100);
    resumed.resume();
    resumed.trainer.fit();
    CHECK(ending(resumed) == wanted);
  }
}

TEST_CASE("a training interrupted in the middle of an epoch goes on with the same bits") {
  const Ending wanted = uninterrupted();
  const TempFolder folder;
  std::atomic<bool> stop{false};
  {
    struct StopAt : Callback {
      std::atomic<bool>* stop;
      void on_step(const TrainingView& view) override { *stop = view.at.step == 17; }  // 5 steps an epoch
    };
    Training first(folder.path(), 12, 3, 1, &stop);
    auto callback = std::make_unique<StopAt>();
    callback->stop = &stop;
    first.trainer.add(std::move(callback));
    const TrainResult result = first.trainer.fit();
    CHECK(result.interrupted);
    CHECK(result.at.step == 17);
    CHECK(result.at.epoch == 3);
  }
  Training second(folder.path());
  second.resume();
  second.trainer.fit();
  CHECK(ending(second) == wanted);
}

TEST_CASE("[R01] a training killed with SIGKILL again and again ends like one that was left alone") {
  const Ending wanted = uninterrupted(40);
  const TempFolder folder;
  const Stream times = Rng(static_cast<std::uint64_t>(::getpid())).stream("kill");
  MESSAGE("seed " << ::getpid());
  int kills = 0;
  for (std::uint64_t round = 0; round < 60; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      set_threads(1);
      Training run(folder.path(), 40);
      run.resume();
      run.trainer.fit();
      ::_exit(0);
    }
    const bool let_finish = round >= 10;
    if (!let_finish) {
      ::usleep(static_cast<useconds_t>(2000 + times.below(40'000, 0, round)));
      ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) break;
    ++kills;
  }
  MESSAGE("killed " << kills << " times");
  Training last(folder.path(), 40);
  last.resume();
  CHECK(last.trainer.fit().at.epoch == 40);
  CHECK(ending(last) == wanted);
  for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
    CHECK(entry.path().filename().string().find(".tmp") == std::string::npos);
}

TEST_CASE("old checkpoints go, the newest three and the best stay, the index names them") {
  const TempFolder folder;
  Training run(folder.path(), 6);
  run.trainer.fit();
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"best.h5", "epoch-0004-step-000020.h5", "epoch-0005-step-000025.h5",
                                          "epoch-0006-step-000030.h5", "index.json", "last.h5"});
  CHECK(io::read_file(folder.path() / "checkpoints" / "index.json").find("epoch-0006-step-000030.h5") !=
        std::string::npos);
}

TEST_CASE("[R12] a damaged newest checkpoint is named and the one before it is taken") {
  const TempFolder folder;
  Training run(folder.path(), 6);
  run.trainer.fit();
  const fs::path checkpoints = folder / "checkpoints";
  flip_byte(checkpoints / "epoch-0006-step-000030.h5", 900);
  const auto found = run.store.newest();
  CHECK(found.file.filename() == "epoch-0005-step-000025.h5");
  REQUIRE(found.damaged.size() == 1);
  CHECK(found.damaged[0].find("epoch-0006-step-000030.h5: damaged") == 0);
  SUBCASE("and the resumed training ends as if nothing had happened") {
    const std::string wanted = run.metrics();
    Training again(folder.path(), 6);
    again.resume();
    again.trainer.fit();
    CHECK(again.metrics() == wanted);
  }
  SUBCASE("a missing or old index changes nothing") {
    fs::remove(checkpoints / "index.json");
    CHECK(run.store.newest().file == found.file);
    io::atomic_replace(checkpoints / "index.json", "{}");
    CHECK(run.store.newest().file == found.file);
  }
  SUBCASE("a truncated one counts as damaged") {
    io::atomic_replace(checkpoints / "epoch-0005-step-000025.h5",
                       io::read_file(checkpoints / "epoch-0005-step-000025.h5").substr(0, 3000));
    CHECK(run.store.newest().file.filename() == "epoch-0004-step-000020.h5");
    flip_byte(checkpoints / "epoch-0004-step-000020.h5", 100);
    const auto error = test::error_of([&] { run.store.newest(); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::data);
    CHECK(test::says(error, "epoch-0004"));
    CHECK(test::says(error, "epoch-0006"));
  }
}

TEST_CASE("a folder without checkpoints is no error") {
  const TempFolder folder;
  CHECK(CheckpointStore(folder / "new").newest().file.empty());
}

TEST_CASE("a checkpoint of another network is refused with both shapes, and the model stays as it was") {
  const TempFolder folder;
  Training run(folder.path(), 1);
  run.trainer.fit();
  const auto found = run.store.newest();
  Graph other(Shape{3});
  other.add("hidden", Linear(3, 8)).add("output", Linear(8, 2));
  const auto error = test::error_of([&] { load_model(found.checkpoint, parts_of(other), "old.h5"); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::data);
  CHECK(test::says(error, "hidden.weight: file f32 [16, 3], model f32 [8, 3]"));
  CHECK(test::says(error, "output.weight: file f32 [2, 16], model f32 [2, 8]"));
  for_each_parameter(other, [](const std::string&, const Parameter& p) {
    for (const double v : p.value.to_vector()) CHECK(v == 0);
  });
}

TEST_CASE("a checkpoint of another seed or other data is refused") {
  const TempFolder folder;
  Training run(folder.path(), 1);
  run.trainer.fit();
  const auto found = run.store.newest();
  Toy toy;
  toy.seed = 2;
  CHECK(test::says(test::error_of([&] { toy.trainer().restore(found.checkpoint, "a.h5"); }), "another seed"));
  Toy fewer;
  fewer.rows = all_rows(200);
  CHECK(test::says(test::error_of([&] { fewer.trainer().restore(found.checkpoint, "a.h5"); }), "300 rows"));
}

TEST_CASE("best.h5 holds the best weights, not the last ones") {
  const TempFolder folder;
  Training run(folder.path(), 5);
  run.toy.validate = {};
  run.trainer.fit();
  Graph model = Toy::make_model(9);
  const Checkpoint best = read_checkpoint(folder.path() / "checkpoints" / "best.h5");
  load_model(best, parts_of(model), "best.h5");
  CHECK(best.about.at("epoch") == std::to_string(run.best.best().at.epoch));
  run.best.best().weights.restore(parts_of(run.toy.model));
  CHECK(parts_of(model).find("hidden.weight")->value.to_vector() ==
        parts_of(run.toy.model).find("hidden.weight")->value.to_vector());
}

TEST_CASE("a sealed file that is no checkpoint is refused") {
  const fs::path file = fs::path(THIMBLE_SOURCE_DIR) / "tests/data/hostile/checkpoint/sealed_ok.h5";
  const auto error = test::error_of([&] { read_checkpoint(file); });
  CHECK(test::says(error, "checkpoint"));
  CHECK(error->place().file.find("sealed_ok.h5") != std::string::npos);
}
