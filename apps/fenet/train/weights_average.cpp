#include "apps/fenet/train/weights_average.h"

#include "core/base/text.h"

namespace thimble::fenet {

void WeightsAverage::offer(const nn::Progress& at, const std::vector<Tensor>& weights) {
  if (!from_ || at.epoch < *from_ || at.step % every_ != 0) return;
  if (sums_.empty())
    for (const Tensor& w : weights) sums_.push_back(Tensor::zeros(w.shape(), DType::f64));
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    double* sum = sums_[i].mut<double>();
    const Tensor now = weights[i].to(DType::f64);
    for (std::int64_t k = 0; k < now.numel(); ++k) sum[k] += now.data<double>()[k];
  }
  ++count_;
}

bool WeightsAverage::apply(Network& network) const {
  if (count_ == 0) return false;
  std::vector<Tensor> mean;
  for (const Tensor& sum : sums_) {
    mean.push_back(sum.clone());
    for (std::int64_t k = 0; k < sum.numel(); ++k) mean.back().mut<double>()[k] /= static_cast<double>(count_);
  }
  network.set_weights(mean);
  return true;
}

void WeightsAverage::save(nn::State& state) const {
  state.set("count", count_);
  for (std::size_t i = 0; i < sums_.size(); ++i) state.tensors[text::cat("sum.", i)] = sums_[i];
}

void WeightsAverage::restore(const nn::State& state) {
  count_ = state.integer("count");
  sums_.clear();
  for (std::size_t i = 0; state.tensors.count(text::cat("sum.", i)) != 0; ++i)
    sums_.push_back(state.tensor(text::cat("sum.", i)).clone());
}

}  // namespace thimble::fenet
