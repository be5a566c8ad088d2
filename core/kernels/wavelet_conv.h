#pragma once
// The wavelet chain of FENet: per level two correlations (feature and pass filter) that read the input once; the
// feature branch is folded at zero and averaged, the pass branch is the next level's input. All levels are one kernel:
// windows are worked through in groups that stay in the cache, and the gradient recomputes the forward pass of its
// group unless the features kept it (wavelet_memory.h). Source of the network: Haghi et al., Nature Biomedical
// Engineering 2024.

#include "core/fixed/type.h"
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
  /// Multiply-adds of one window, both branches, padding zeros counted.
  std::int64_t macs(std::int64_t samples) const;
  /// Throws Error(value) naming level and field for what cannot be: no levels, taps or stride below 1, ...
  void check() const;
  bool operator==(const WaveletChain&) const = default;
};

/// At most so many levels; their number takes 6 bits of the address of a dropout draw.
inline constexpr std::int64_t kWaveletLevels = 32;

/// What the sum of `length` folded values is divided by.
std::int64_t wavelet_divisor(WaveletPool pool, std::int64_t length);

/// Dropout of the pass outputs in training. Masks are addressed by (step, window, level, position), so a session may be
/// worked through in blocks of any size.
struct WaveletDropout {
  double share = 0;  // dropped, in [0, 1), in steps of 2^-16; survivors are scaled by 1 / (1 - share)
  Stream random = Stream(0);
  std::uint64_t step = 0;
  std::int64_t first_window = 0;  // number of the first window of x within the session

  /// Whether this pass output is dropped: 16 bits of the stream, two positions per draw, eight per counter.
  bool drops(std::int64_t window, std::int64_t level, std::int64_t position) const;
  /// Draws below this are dropped.
  std::uint32_t threshold() const;
};

/// Rounding inside the chain, so that the network of floats is the integer one: pass outputs and features go onto the
/// grid of `activations` (nearest, halves to even, saturating symmetrically). x must lie on that grid already or be
/// rounded on its way in, and the filters must lie on the grid of `weights`. Sums are exact: in float where every
/// partial sum provably stays below 2^24 steps, else in double; Error(value) where 2^53 steps are not enough. Gradients
/// go straight through, and vanish where a value saturates.
struct WaveletGrid {
  bool on = false;
  bool round_input = false;
  fixed::FxType weights{9, true, 6}, activations{9, true, 6};
  bool operator==(const WaveletGrid&) const = default;
};

class WaveletMemory;  // wavelet_memory.h

/// Features of windows: x [..., T] -> out [windows, features()], windows = x.numel() / T, f32 (fast) or f64 (plain
/// loops). `weights`: feature filter, then pass filter of every level, each [taps]. Same bits for any number of threads
/// and any partition of the windows into calls. `memory` keeps what the gradient of this call would else recompute.
void wavelet_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out,
                      const WaveletDropout& dropout = {}, const WaveletGrid& grid = {},
                      WaveletMemory* memory = nullptr);

/// Gradients for d_out [windows, features()]: d_weights, two targets per level like `weights`; d_x [..., T] if wanted.
/// At a folded value of exactly zero the negative branch counts. Sums over windows are formed per kWaveletBlock
/// windows and added in order: adding up calls over consecutive multiples of it gives the bits of one call. `memory`:
/// of the wavelet_features call with the same operands, changes no bit; Error(value) when it is seen to be of another.
inline constexpr std::int64_t kWaveletBlock = 32;
void wavelet_gradient(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& d_out,
                      const WaveletDropout& dropout, std::span<const Into> d_weights, Into d_x = {},
                      const WaveletGrid& grid = {}, const WaveletMemory* memory = nullptr);

namespace reference {
/// One filter of one level over one window, before the activation.
std::vector<double> wavelet_level(const WaveletLevel& level, const std::vector<double>& x,
                                  const std::vector<double>& filter);
/// Features by the definition, in double, one output at a time; what tests compare with.
void wavelet_features(const WaveletChain& chain, const Tensor& x, std::span<const Tensor> weights, const Tensor& out);
}  // namespace reference

}  // namespace thimble::kernels
