#pragma once
// A callback watches a training. It sees everything read-only, may ask for a stop, and may keep a state that is stored
// in checkpoints.

#include "nn/optim/schedule.h"
#include "nn/parameter.h"
#include "nn/train/metrics.h"

#include <atomic>
#include <functional>
#include <string>

namespace thimble::nn {

class State;

/// What callbacks see. Counters count what is done: step is 1 after the first optimiser step.
struct TrainingView {
  Progress at;                 // steps and epochs done
  std::int64_t epochs = 0;     // planned
  std::int64_t rows_seen = 0;  // rows trained on in this epoch
  std::int64_t rows = 0;       // rows of an epoch
  double rate = 0;             // learning rate of the last step
  double loss = 0;             // of the last step
  Metrics metrics;             // of the epoch that has just ended; empty before
  const Parts* model = nullptr;

  /// Asks the trainer to end after this step or epoch; the first reason is kept.
  void request_stop(const std::string& reason) const {
    if (stop_reason.empty()) stop_reason = reason;
  }
  mutable std::string stop_reason;
};

class Callback {
 public:
  virtual ~Callback() = default;
  /// Before the first step, also of a resumed run.
  virtual void on_start(const TrainingView&) {}
  /// After every optimiser step. Must not allocate: it runs in the hot loop.
  virtual void on_step(const TrainingView&) {}
  /// After the validation of an epoch.
  virtual void on_epoch(const TrainingView&) {}
  /// After the last epoch or a stop.
  virtual void on_end(const TrainingView&) {}

  /// Key of the state in a checkpoint; empty: this callback keeps none.
  virtual std::string state_name() const { return {}; }
  virtual void save(State&) {}
  /// Takes back what save() stored. Throws Error(data) if it does not fit.
  virtual void restore(const State&) {}
};

}  // namespace thimble::nn
