#pragma once
// The wavelet chain in the integers of the chip: exact sums, one rounding per pass output and feature, everything in
// between on request. Values are stored integers q of value q * 2^-f throughout.

#include "core/fixed/type.h"
#include "core/kernels/wavelet_conv.h"

#include <cstdint>
#include <span>
#include <vector>

namespace thimble::kernels {

/// A chain whose filters are integers. Pass outputs and features are rounded to `activations`: nearest, halves to even,
/// saturating symmetrically at +-(2^(w-1) - 1).
struct QuantisedChain {
  WaveletChain chain;
  fixed::FxType weights{9, true, 6}, activations{9, true, 6};
  std::vector<std::vector<std::int32_t>> filters;  // feature, then pass filter of every level

  /// Fraction bits of all sums.
  int sum_bits() const { return weights.f + activations.f; }
  /// Fraction bits of the pooled sums: those of the sums and relu_power. `level` = number of levels: the final feature,
  /// which takes the last level's.
  int pool_bits(std::size_t level) const;
  /// Throws Error(value): types not signed or wider than 31 bits, a filter of the wrong length, a weight outside its
  /// type, pooled sums over windows of `samples` that could leave 62 bits.
  void check(std::int64_t samples) const;
};

/// Filters rounded to `weights`: nearest, halves to even, saturating at both ends of the type. Throws Error(value).
QuantisedChain quantise_chain(const WaveletChain& chain, std::span<const Tensor> filters, const fixed::FxType& weights,
                              const fixed::FxType& activations);
/// x f32 or f64 as integers i32 of the same shape, rounded like pass outputs. Throws Error(value) if not finite.
Tensor quantise_input(const Tensor& x, const fixed::FxType& activations);

/// What the chip shows on the way.
struct WaveletTrace {
  std::vector<std::vector<std::int32_t>> pass;  // per level [windows * L']: rounded pass outputs
  /// Per level and of the final feature [windows * L']: folded sums in front of the pool, pool_bits fraction bits.
  std::vector<std::vector<std::int64_t>> folded;
  std::vector<std::vector<std::int64_t>> pooled;  // the same [windows * features]: their sums, not divided
};

/// Which arithmetic of quantised_features is taken.
enum class IntegerRoute : std::uint8_t {
  fastest,  // the first of the others that the weights and types prove exact
  f32,      // float lanes: every partial sum below 2^24; pooled sums in double
  f64,      // below 2^53
  i64,      // 64-bit integers by the definition
};
/// The route that `fastest` stands for.
IntegerRoute fastest_route(const QuantisedChain& chain, std::int64_t samples);

/// Features i32 [windows, features()] of x [..., T]: integers (i32, within `activations`), or f32, which are rounded
/// like pass outputs. All routes give the same integers. Throws Error(value) as check(), and for a route that is not
/// exact.
Tensor quantised_features(const QuantisedChain& chain, const Tensor& x, IntegerRoute route = IntegerRoute::fastest);
/// By the definition, with everything in between.
Tensor quantised_features(const QuantisedChain& chain, const Tensor& x, WaveletTrace& trace);

}  // namespace thimble::kernels
