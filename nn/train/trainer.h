#pragma once
// The training loop: epochs, batches, one captured program per batch size, validation, callbacks, checkpoints.

#include "autograd/program.h"

#include "nn/data/plan.h"
#include "nn/layers/pass.h"
#include "nn/optim/optimizer.h"
#include "nn/train/callback.h"
#include "nn/train/checkpoint.h"
#include "nn/train/keep_best.h"

#include <chrono>
#include <memory>
#include <optional>

namespace thimble::nn {

/// What a loss function gets. `weight` is undefined when the data set has none.
struct Batch {
  Var x, y, weight;
  Pass pass;
};

/// What is trained, on what, and how it is judged.
struct TrainTask {
  Parts model;                            // its structure must not change while it is trained
  std::function<Var(const Batch&)> loss;  // one element: the mean loss of the batch
  View train;                             // rows to train on
  Sampler sampler = Shuffle{};            // order of an epoch
  std::function<Metrics()> validate;      // after every epoch, with the weights of that moment; may be empty
  std::string arch = {};                  // description for checkpoints: JSON of the graph
};

struct TrainOptions {
  std::int64_t epochs = 10;
  std::int64_t batch = 2048;                          // the last partial batch of an epoch is kept
  bool replay = true;                                 // false: every step runs eagerly, with the same bits
  Layout layout = Layout::lanes;                      // of inputs and targets
  std::int64_t save_every_epochs = 0;                 // 0: not by epochs
  double save_every_seconds = 0;                      // 0: not by time
  const std::atomic<bool>* interrupt = nullptr;       // set by a signal: finish the step, save, end
  std::function<void(const std::string&)> warn = {};  // told what went wrong without ending the training
};

struct TrainResult {
  Progress at;
  std::string stop_reason;   // empty: all epochs done
  bool interrupted = false;  // by the signal; the state is saved
  Metrics metrics;           // of the last epoch
};

class Trainer {
 public:
  /// Moves the parameters of the model into flat storage. Throws Error(config) for impossible options and Error(data)
  /// for an empty view or numbers that are not finite.
  Trainer(TrainTask task, TrainOptions options, Rule rule, Schedule schedule, Stream stream);
  ~Trainer();

  /// Callbacks run in the order in which they were added. Returns the added one.
  template <class C>
  C& add(std::unique_ptr<C> callback) {
    C& added = *callback;
    callbacks_.push_back(std::move(callback));
    return added;
  }
  Optimizer& optimizer() { return *optimizer_; }
  /// Seconds of every kernel of the most recent captured step (Program::profile); empty without one. Repeats the step.
  std::string profile(int repeats);
  /// Checkpoints go there, by the options' rules and at the end. `about` stands in every file.
  /// With `best`, its first entry is kept as best.h5.
  void save_to(CheckpointStore& store, std::map<std::string, std::string> about, const KeepBest* best = nullptr);

  /// Trains until the last epoch or a stop. Throws Error(failed) naming step and operation when a NaN appears; the
  /// weights are then those before that step.
  TrainResult fit();

  /// Everything needed to go on, and back. After restore() fit() continues with the bits of the uninterrupted run.
  /// Throws Error(data) for a checkpoint of another network or training.
  Checkpoint checkpoint();
  void restore(const Checkpoint& checkpoint, const std::string& file);

 private:
  struct Slot;  // input tensors and program of one batch size

  Slot& slot_for(std::int64_t rows);
  void load(Slot& slot, std::span<const std::int64_t> rows) const;
  Var forward(Slot& slot);
  void compute(Slot& slot);
  void step(std::span<const std::int64_t> rows);
  [[noreturn]] void explain_nan(Slot& slot);
  void begin_epoch();
  void end_epoch();
  void save();
  void save_best();
  void save_if_due();
  bool stopped() const { return !view_.stop_reason.empty(); }

  TrainTask task_;
  TrainOptions options_;
  Schedule schedule_;
  Stream stream_;
  FlatParameters flat_;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<std::unique_ptr<Callback>> callbacks_;
  std::vector<std::unique_ptr<Slot>> slots_;  // most recently used first, at most kPrograms
  StepState state_;
  TrainingView view_;
  EpochWalk walk_;
  bool in_epoch_ = false;
  double loss_sum_ = 0;  // of this epoch, weighted by rows
  CheckpointStore* store_ = nullptr;
  const KeepBest* best_ = nullptr;
  std::int64_t best_step_ = -1;  // of the best.h5 on disk
  std::map<std::string, std::string> about_;
  std::chrono::steady_clock::time_point saved_at_;
  int failed_saves_ = 0;
};

}  // namespace thimble::nn
