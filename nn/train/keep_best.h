#pragma once
// Best weights of a training by one metric, and the rule that ends it when nothing improves any more.

#include "nn/train/callback.h"

namespace thimble::nn {

/// Which of two equal values is the better one.
enum class Ties { older, newer };

/// Keeps the weights of the best epochs. `keep` > 1 keeps a ranked list; the first entry is the best.
class KeepBest : public Callback {
 public:
  struct Entry {
    double value = 0;
    Progress at;
    Snapshot weights;
  };
  /// Told after an epoch that entered the list: rank 0 is the new best.
  using OnEntry = std::function<void(const Entry&, std::size_t rank, const TrainingView&)>;

  explicit KeepBest(std::string metric, Goal goal = Goal::min, std::size_t keep = 1, Ties ties = Ties::older,
                    OnEntry on_entry = {});

  void on_epoch(const TrainingView& view) override;
  std::string state_name() const override { return "keep_best." + metric_; }
  void save(State& state) override;
  void restore(const State& state) override;

  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  const Entry& best() const { return entries_.front(); }

 private:
  std::string metric_;
  Goal goal_;
  std::size_t keep_;
  Ties ties_;
  OnEntry on_entry_;
  std::vector<Entry> entries_;  // best first
};

/// Ends the training after `patience` epochs in a row without a strictly better value (min delta 0), or at the first
/// value that is not finite.
class EarlyStop : public Callback {
 public:
  EarlyStop(std::string metric, Goal goal, std::int64_t patience);
  void on_epoch(const TrainingView& view) override;
  std::string state_name() const override { return "early_stop." + metric_; }
  void save(State& state) override;
  void restore(const State& state) override;
  std::int64_t waited() const { return waited_; }

 private:
  std::string metric_;
  Goal goal_;
  std::int64_t patience_;
  std::int64_t waited_ = 0;
  bool seen_ = false;
  double best_ = 0;
};

/// Ends the training when a metric is worse than it was `window` epochs earlier, or not finite. The rule of the trainer
/// that the FANN library gave the track trigger.
class StopWhenWorse : public Callback {
 public:
  StopWhenWorse(std::string metric, Goal goal, std::int64_t window);
  void on_epoch(const TrainingView& view) override;
  std::string state_name() const override { return "stop_when_worse." + metric_; }
  void save(State& state) override;
  void restore(const State& state) override;

 private:
  std::string metric_;
  Goal goal_;
  std::size_t window_;
  std::vector<double> values_;  // of the last `window` epochs, oldest first
};

}  // namespace thimble::nn
