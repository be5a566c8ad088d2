#pragma once
// What a training step keeps of the wavelet chain between its features and its gradients.

#include "core/kernels/wavelet_conv.h"

#include <memory>

namespace thimble::kernels {

/// Filled by wavelet_features and read by the wavelet_gradient of the same call: pass outputs, signs of the feature
/// outputs, what was dropped or saturated. Costs 7 KB per window of 900 samples and seven levels of 40 taps, and
/// saves 14 to 25 % of a training step. Only the float kernels keep something; for the others it stays empty, and the
/// gradient recomputes. Its storage grows to the largest call and is used again by the next ones.
class WaveletMemory {
 public:
  /// What a call needs.
  static std::int64_t bytes(const WaveletChain& chain, std::int64_t samples, std::int64_t windows);

  /// Begins to fill it for a call, forgetting what it held.
  void begin(const WaveletChain& chain, std::int64_t samples, std::int64_t windows);
  /// Everything of the call that began was put; dropout and grid are what it was made with.
  void finish(const WaveletDropout& dropout, const WaveletGrid& grid);
  void forget() { filled_ = false; }
  /// Whether it holds something; throws Error(value) when that is of another call.
  bool holds(const WaveletChain& chain, std::int64_t samples, std::int64_t windows, const WaveletDropout& dropout,
             const WaveletGrid& grid) const;

  /// Of 16 windows: numbers with their zeros in the order of wavelet_lanes.cpp, and flags.
  float* numbers(std::int64_t group) const { return numbers_.mut<float>() + group * numbers_of_group_; }
  unsigned short* flags(std::int64_t group) const { return flags_.get() + group * flags_of_group_; }

 private:
  WaveletChain chain_;
  std::int64_t samples_ = 0, windows_ = 0, numbers_of_group_ = 0, flags_of_group_ = 0;
  WaveletDropout dropout_;
  WaveletGrid grid_;
  bool filled_ = false;
  Tensor numbers_;
  std::unique_ptr<unsigned short[]> flags_;
  std::int64_t flag_count_ = 0;
};

/// Vectors of 16 numbers, and flags, that a group of 16 windows keeps.
struct WaveletKept {
  std::int64_t vectors = 0, flags = 0;
};
WaveletKept wavelet_kept(const WaveletChain& chain, std::int64_t samples);

}  // namespace thimble::kernels
