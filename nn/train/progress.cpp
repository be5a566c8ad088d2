#include "nn/train/progress.h"

namespace thimble::nn {
namespace {

constexpr std::chrono::milliseconds kBetween{100};
constexpr std::int64_t kStepsPerLook = 16;  // asking the clock costs a tenth of the smallest step

}  // namespace

ProgressLine::ProgressLine(report::TrainProgress progress, int member, std::string shown, Goal goal)
    : progress_(std::move(progress)), member_(member), shown_(std::move(shown)), goal_(goal) {}

void ProgressLine::on_start(const TrainingView& view) {
  state_.epoch = static_cast<int>(view.at.epoch);
  state_.epochs = static_cast<int>(view.epochs);
}

void ProgressLine::on_step(const TrainingView& view) {
  if (view.at.step % kStepsPerLook != 0) return;
  if (std::chrono::steady_clock::now() - told_ >= kBetween) tell(view);
}

void ProgressLine::tell(const TrainingView& view) {
  told_ = std::chrono::steady_clock::now();
  state_.epoch = static_cast<int>(view.at.epoch);
  state_.samples = epochs_rows_ + static_cast<double>(view.rows_seen);
  state_.loss = view.loss;
  progress_.report(member_, state_);
}

void ProgressLine::on_epoch(const TrainingView& view) {
  if (const double* value = view.metrics.find(shown_)) {
    state_.val_loss = *value;
    const bool better = goal_ == Goal::min ? *value < state_.best : *value > state_.best;
    if (state_.best_epoch < 0 || better) {
      state_.best = *value;
      state_.best_epoch = static_cast<int>(view.at.epoch);
    }
  }
  if (std::chrono::steady_clock::now() - told_ >= kBetween) tell(view);
  epochs_rows_ += static_cast<double>(view.rows_seen);
}

void ProgressLine::on_end(const TrainingView& view) {
  state_.ended = true;
  tell(view);
}

}  // namespace thimble::nn
