#pragma once
// The wavelet chain in the integers of the chip. Exact sums, one rounding per pass output and feature, intermediate
// results on request. Values are stored integers q of value q * 2^-f throughout.

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
  /// Fraction bits of the pooled sums of a level: those of the sums and relu_power. The final feature takes the last
  /// level's.
  int pool_bits(std::size_t level) const;
  /// Throws Error(value): types not signed or wider than 31 bits, a filter of the wrong length, a weight outside its
  /// type, sums that could leave 62 bits.
  void check(std::int64_t samples) const;
  /// Whether every partial sum provably stays below 2^24 (float lanes are exact) or 2^53 (doubles are).
  bool exact_in_float() const;
  bool exact_in_double() const;
};

/// Filters rounded to `weights` (nearest, halves to even, saturating at both ends of the type). Throws Error(value).
QuantisedChain quantise_chain(const WaveletChain& chain, std::span<const Tensor> filters, const fixed::FxType& weights,
                              const fixed::FxType& activations);
/// x [..., T] f32 or f64 as integers i32 of the same shape, rounded like pass outputs. Throws Error(value) if not
/// finite.
Tensor quantise_input(const Tensor& x, const fixed::FxType& activations);

/// What the chip shows on the way, of all windows.
struct WaveletTrace {
  std::vector<Tensor> pass;  // per level i32 [windows, L'], rounded
  std::vector<Tensor> sums;  // per level and of the final feature f64 [windows, features]: pooled sums, exact
  std::vector<std::vector<std::int64_t>>
      activated;  // the same levels, [windows * L']: |sum| with relu_power in front of the pool
};

/// Features i32 [windows, features()] of x_int i32 [..., T]. Takes float lanes where they are provably exact, else
/// doubles, else 64-bit integers; all give the same integers. Throws Error(value) as check().
Tensor quantised_features(const QuantisedChain& chain, const Tensor& x_int);
/// The same in 64-bit integers, with everything in between.
Tensor quantised_features(const QuantisedChain& chain, const Tensor& x_int, WaveletTrace& trace);

}  // namespace thimble::kernels
