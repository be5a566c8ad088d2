#include "nn/train/keep_best.h"

#include "core/base/error.h"

#include "nn/train/state.h"

#include <algorithm>
#include <cmath>

namespace thimble::nn {
namespace {

bool better(double a, double b, Goal goal) {
  return goal == Goal::min ? a < b : a > b;
}

}  // namespace

KeepBest::KeepBest(std::string metric, Goal goal, std::size_t keep, Ties ties, OnEntry on_entry)
    : metric_(std::move(metric)), goal_(goal), keep_(keep), ties_(ties), on_entry_(std::move(on_entry)) {
  THIMBLE_CHECK(keep >= 1, config, "keep best: 0 entries asked for, at least 1 is needed");
}

void KeepBest::on_epoch(const TrainingView& view) {
  const double value = view.metrics.at(metric_);
  if (!std::isfinite(value)) return;
  const auto behind = [&](const Entry& entry) {
    return better(value, entry.value, goal_) || (ties_ == Ties::newer && value == entry.value);
  };
  const auto place = std::find_if(entries_.begin(), entries_.end(), behind);
  const auto rank = static_cast<std::size_t>(place - entries_.begin());
  if (rank >= keep_) return;
  entries_.insert(place, Entry{value, view.at, Snapshot(*view.model)});
  if (entries_.size() > keep_) entries_.pop_back();
  if (on_entry_) on_entry_(entries_[rank], rank, view);
}

void KeepBest::save(State& state) {
  state.set("count", entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::string prefix = text::cat(i, ".");
    state.set(prefix + "value", entries_[i].value);
    state.set(prefix + "epoch", entries_[i].at.epoch);
    state.set(prefix + "step", entries_[i].at.step);
    std::size_t k = 0;
    for (const Tensor& t : entries_[i].weights.tensors()) state.tensors[prefix + std::to_string(k++)] = t;
  }
}

void KeepBest::restore(const State& state) {
  entries_.clear();
  for (std::int64_t i = 0; i < state.integer("count"); ++i) {
    const std::string prefix = text::cat(i, ".");
    std::vector<Tensor> weights;
    while (state.tensors.count(prefix + std::to_string(weights.size())))
      weights.push_back(state.tensor(prefix + std::to_string(weights.size())));
    const Progress at{state.integer(prefix + "step"), state.integer(prefix + "epoch")};
    entries_.push_back({state.number(prefix + "value"), at, Snapshot(std::move(weights))});
  }
}

EarlyStop::EarlyStop(std::string metric, Goal goal, std::int64_t patience)
    : metric_(std::move(metric)), goal_(goal), patience_(patience) {
  THIMBLE_CHECK(patience >= 1, config, "early stop: patience is ", patience, ", it must be 1 or more");
}

void EarlyStop::on_epoch(const TrainingView& view) {
  const double value = view.metrics.at(metric_);
  if (!std::isfinite(value)) return view.request_stop(text::cat(metric_, " is ", value));
  if (!seen_ || better(value, best_, goal_)) {
    best_ = value;
    seen_ = true;
    waited_ = 0;
  } else if (++waited_ >= patience_) {
    view.request_stop(text::cat(metric_, " has not improved for ", waited_, " epochs"));
  }
}

void EarlyStop::save(State& state) {
  state.set("waited", waited_);
  state.set("seen", seen_ ? 1 : 0);
  state.set("best", best_);
}

void EarlyStop::restore(const State& state) {
  waited_ = state.integer("waited");
  seen_ = state.integer("seen") != 0;
  best_ = state.number("best");
}

StopWhenWorse::StopWhenWorse(std::string metric, Goal goal, std::int64_t window)
    : metric_(std::move(metric)), goal_(goal), window_(static_cast<std::size_t>(window)) {
  THIMBLE_CHECK(window >= 1, config, "stop when worse: the window is ", window, " epochs, it must be 1 or more");
}

void StopWhenWorse::on_epoch(const TrainingView& view) {
  const double value = view.metrics.at(metric_);
  if (!std::isfinite(value)) return view.request_stop(text::cat(metric_, " is ", value));
  if (values_.size() == window_) {
    if (better(values_.front(), value, goal_))
      view.request_stop(text::cat(metric_, " is worse than ", window_, " epochs earlier"));
    values_.erase(values_.begin());
  }
  values_.push_back(value);
}

void StopWhenWorse::save(State& state) {
  if (!values_.empty()) state.tensors["values"] = Tensor::from(values_);
}

void StopWhenWorse::restore(const State& state) {
  values_ = state.tensors.count("values") != 0 ? state.tensor("values").to_vector() : std::vector<double>();
}

}  // namespace thimble::nn
