#pragma once
// The wavelet chain of FENet: per level two correlations (feature and pass filter) that read the input once; the
// feature branch is folded at zero and averaged, the pass branch is the next level's input. All levels are one kernel:
// windows are worked through in groups that stay in the cache, and the gradient recomputes the forward pass of its
// group. Source of the network: Haghi et al., Nature Biomedical Engineering 2024.

#include "core/kernels/into.h"
#include "core/random/philox.h"

#include <cstdint>
#include <span>
#include <vector>

namespace thimble::kernels {

/// How a feature is formed from the folded values of a level.
enum class WaveletPool : std::uint8_t {
  mean,      // sum / length
  bitshift,  // sum / 2^round(log2 length), halves of the logarithm to even: what the chip does
};

/// One level. Zero padding max(taps - stride, 0) before and taps - 1 behind.
struct WaveletLevel {
  int taps = 40, stride = 2;
  int relu_power = 0;  // y < 0 becomes -y / 2^relu_power (0: absolute value)
  int features = 1;    // bins of the adaptive average pool
  bool operator==(const WaveletLevel&) const = default;
};

/// The whole chain; behind its last level the folded pass output gives one feature more.
struct WaveletChain {
  std::vector<WaveletLevel> levels;
  WaveletPool pool = WaveletPool::mean;

  /// Features of a window: those of all levels, then the final one.
  std::int64_t features() const;
  /// Numbers in all filters, feature and pass.
  std::int64_t weights() const;
  /// Output lengths of all levels for a window of `samples`: floor((L + max(K - s, 0) - 1) / s) + 1.
  std::vector<std::int64_t> lengths(std::int64_t samples) const;
  /// Throws Error(value) naming level and field for what cannot be: no levels, taps or stride below 1, ...
  void check() const;
  bool operator==(const WaveletChain&) const = default;
};

/// Dropout of the pass outputs in training. Masks are addressed by (step, window, level, position), so a session may be
/// worked through in blocks of any size.
struct WaveletDropout {
  double share = 0;  // dropped; survivors are scaled by 1 / (1 - share)
  Stream random = Stream(0);
  std::uint64_t step = 0;
  std::int64_t first_window = 0;  // number of the first window of x within the session
};

/// Features of windows: x [..., T] -> out [windows, features()], windows = x.numel() / T, f32 (fast) or f64 (plain
/// loops). `weights`: feature filter, then pass filter of every level, each [taps]. Same bits for any number of threads
/// and any partition of the windows into calls.
void wavelet_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out,
                      const WaveletDropout& dropout = {});

/// Gradients for d_out [windows, features()]: d_weights, two targets per level like `weights`; d_x [..., T] if wanted.
/// At a folded value of exactly zero the negative branch counts. Sums over windows are formed per kWaveletBlock
/// windows and added in order: adding up calls over consecutive multiples of it gives the bits of one call.
inline constexpr std::int64_t kWaveletBlock = 512;
void wavelet_gradient(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& d_out,
                      const WaveletDropout& dropout, std::span<const Into> d_weights, Into d_x = {});

namespace reference {
/// The same by the definition, in double, one output at a time; what tests compare with.
void wavelet_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out);
}  // namespace reference

}  // namespace thimble::kernels
