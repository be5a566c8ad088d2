#pragma once

#include "autograd/tape.h"

#include "nn/layers/pass.h"
#include "nn/parameter.h"

namespace thimble::nn {

/// y = (x - mean) / sqrt(variance + eps) * weight + bias per channel;  x [B, C, ...]. In training with the statistics
/// of the batch (divisor n), which also move the running ones; else with the running ones. Ioffe and Szegedy, ICML
/// 2015.
struct BatchNorm {
  static constexpr const char* kKind = "batch_norm";

  std::int64_t channels = 0;
  double eps = 1e-5;
  double share_of_new = 0.1;  // running = (1 - share) * running + share * batch
  bool affine = true;         // with weight and bias
  bool running = true;        // false: the statistics of the batch are used in evaluation too
  bool unbiased = true;       // the running variance takes the divisor n-1
  Parameter weight, bias;     // [C], start 1 and 0
  Buffer mean, variance;      // [C], start 0 and 1

  BatchNorm() = default;
  explicit BatchNorm(std::int64_t channel_count, DType dtype = DType::f32) : channels(channel_count) { make(dtype); }

  static void fields(auto& self, auto&& visit) {
    visit("channels", self.channels);
    visit("eps", self.eps);
    visit("share_of_new", self.share_of_new);
    visit("affine", self.affine);
    visit("running", self.running);
    visit("unbiased", self.unbiased);
  }
  static void members(auto& self, auto&& visit) {
    if (self.affine) {
      visit("weight", self.weight);
      visit("bias", self.bias);
    }
    visit("running_mean", self.mean);
    visit("running_var", self.variance);
  }

  void make(DType dtype);
  /// Throws Error(value) in training on a batch with one value per channel.
  Var operator()(const Var& x, const Pass& pass) const;
  Shape output_shape(const Shape& sample) const;
  std::int64_t macs(const Shape&) const { return 0; }
};

}  // namespace thimble::nn
