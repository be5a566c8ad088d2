#pragma once
// SplitMix64: only where outside vectors fix it (hardware vectors, Ecoder's generator). Everything else uses Philox.

#include <cstdint>

namespace thimble {

class SplitMix64 {
 public:
  explicit constexpr SplitMix64(std::uint64_t seed) : state_(seed) {}
  constexpr std::uint64_t operator()() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// Uniform in [lo, hi]: lo + next mod (hi - lo + 1), the rule of the hardware vectors.
  constexpr std::int64_t uniform(std::int64_t lo, std::int64_t hi) {
    const auto count = static_cast<std::uint64_t>(hi - lo) + 1;
    return lo + static_cast<std::int64_t>((*this)() % count);
  }

 private:
  std::uint64_t state_;
};

}  // namespace thimble
