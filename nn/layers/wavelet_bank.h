#pragma once

#include "core/fixed/type.h"
#include "core/kernels/wavelet_conv.h"

#include "autograd/ops/wavelet.h"

#include "nn/layers/pass.h"
#include "nn/parameter.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace thimble::nn {

/// "mean" or "bitshift".
const char* name_of(kernels::WaveletPool pool);
/// Throws Error(value).
kernels::WaveletPool wavelet_pool(const std::string& name);

/// A chain of learnable wavelet filters, shared by all channels: x [B, T] -> [B, N], or x [B, C, T] -> [B, C * N],
/// channel by channel. With formats, input and filters are rounded on their way in and pass outputs and features on
/// theirs, so that the network computes the integers of the chip.
struct WaveletBank {
  static constexpr const char* kKind = "wavelet_bank";

  struct Filters {
    Parameter feat, pass;  // [taps]
    static void members(auto& self, auto&& visit) {
      visit("feat", self.feat);
      visit("pass", self.pass);
    }
  };

  std::vector<std::int64_t> taps, strides, relu_powers, features;  // one entry per level
  kernels::WaveletPool pool = kernels::WaveletPool::mean;
  double dropout = 0;                                                // of the pass outputs in training
  std::optional<fixed::Quantiser> weight_format, activation_format;  // both or none

  std::vector<Filters> filters;

  static void fields(auto& self, auto&& visit) {
    visit("taps", self.taps);
    visit("strides", self.strides);
    visit("relu_powers", self.relu_powers);
    visit("features", self.features);
    visit("pool", self.pool);
    visit("dropout", self.dropout);
    visit("weight_format", self.weight_format);
    visit("activation_format", self.activation_format);
  }
  static void members(auto& self, auto&& visit) {
    for (std::size_t level = 0; level < self.filters.size(); ++level) visit(std::to_string(level), self.filters[level]);
  }

  /// Throws Error(value) where the fields do not fit together.
  kernels::WaveletChain chain() const;
  void make(DType dtype);
  /// Throws Error(value) for formats changed behind make().
  Var operator()(const Var& x, const Pass& pass) const;
  /// Throws Error(shape) unless a sample is [T] or [C, T].
  Shape output_shape(const Shape& sample) const;
  std::int64_t macs(const Shape& sample) const;
  /// Feature and pass filter of every level, as the kernels take them.
  std::vector<Tensor> weights() const;

 private:
  std::shared_ptr<const WaveletSettings> settings_;  // what recorded operations point to
};

}  // namespace thimble::nn
