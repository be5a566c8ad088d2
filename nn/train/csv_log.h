#pragma once
// Numbers of a training as text tables that pandas, gnuplot and spreadsheets open as they are.

#include "core/io/atomic_file.h"

#include "nn/train/callback.h"

#include <chrono>

namespace thimble::nn {

/// metrics.csv: `epoch,step,loss,<columns>`, one row per event, empty where there is no value. After every `log_every`
/// steps a row with the loss of that step, after every epoch a row with its metrics. No wall times: equal trainings
/// give equal files. Its length stands in checkpoints and a resumed training cuts it there.
class MetricsCsv : public Callback {
 public:
  /// `columns`: metrics of an epoch that are written; others are left out. An older content is cut by restore() to the
  /// length in the checkpoint, or dropped when the training starts anew.
  MetricsCsv(const std::filesystem::path& file, std::vector<std::string> columns, std::int64_t log_every = 30);

  void on_start(const TrainingView& view) override;
  void on_step(const TrainingView& view) override;
  void on_epoch(const TrainingView& view) override;
  void on_end(const TrainingView& view) override;
  std::string state_name() const override { return "metrics_csv"; }
  void save(State& state) override;
  void restore(const State& state) override;

 private:
  void row(const TrainingView& view, const double* loss);

  io::AppendFile file_;
  std::vector<std::string> columns_;
  std::int64_t log_every_;
  bool begun_ = false;
};

/// timing.csv: `epoch,step,seconds,rows_per_second` per epoch, seconds since the start of this process' training.
class TimingCsv : public Callback {
 public:
  explicit TimingCsv(const std::filesystem::path& file);
  void on_start(const TrainingView& view) override;
  void on_epoch(const TrainingView& view) override;
  void on_end(const TrainingView& view) override;

 private:
  io::AppendFile file_;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace thimble::nn
