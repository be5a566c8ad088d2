#pragma once

#include "core/report/progress.h"

#include "nn/train/callback.h"

#include <chrono>

namespace thimble::nn {

/// Tells the progress line how far this member (expert, fold) of a group has come; at most ten times a second.
class ProgressLine : public Callback {
 public:
  /// `shown`: metric that stands as the validation loss.
  ProgressLine(report::TrainProgress progress, int member, std::string shown = "val_loss", Goal goal = Goal::min);

  void on_start(const TrainingView& view) override;
  void on_step(const TrainingView& view) override;
  void on_epoch(const TrainingView& view) override;
  void on_end(const TrainingView& view) override;

 private:
  void tell(const TrainingView& view);

  report::TrainProgress progress_;
  int member_;
  std::string shown_;
  Goal goal_;
  report::TrainState state_;
  double epochs_rows_ = 0;  // rows of the epochs ended in this run
  std::chrono::steady_clock::time_point told_{};
};

}  // namespace thimble::nn
