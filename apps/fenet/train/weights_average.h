#pragma once
// Mean of the weights of many steps. Izmailov et al., "Averaging weights leads to wider optima", 2018. Features are
// normalised with the statistics of the session at hand, so nothing has to be computed again afterwards.

#include "nn/optim/schedule.h"
#include "nn/train/state.h"

#include "apps/fenet/model/network.h"

#include <optional>
#include <vector>

namespace thimble::fenet {

class WeightsAverage {
 public:
  /// Every `every`-th step of the epochs from `from` on (counted from 0) counts; no epoch: nothing does.
  WeightsAverage(std::optional<std::int64_t> from, std::int64_t every) : from_(from), every_(every) {}
  /// After a step: `at` is what is done.
  void offer(const nn::Progress& at, const std::vector<Tensor>& weights);
  /// Puts the mean into the network; false if nothing counted.
  bool apply(Network& network) const;
  std::int64_t count() const { return count_; }
  void save(nn::State& state) const;
  void restore(const nn::State& state);

 private:
  std::optional<std::int64_t> from_;
  std::int64_t every_, count_ = 0;
  std::vector<Tensor> sums_;  // f64
};

}  // namespace thimble::fenet
