#pragma once
// Counter-based random numbers: a draw is a pure function of (seed, stream name, step, index), so threads, replay
// and resume cannot change it. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

#include <array>
#include <cstdint>
#include <string_view>

namespace thimble {

/// Philox 4x32-10: ten rounds on a 128-bit counter with a 64-bit key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// A named stream of draws. Copying is cheap; draws are addressed by (step, index), never by call order.
class Stream {
 public:
  explicit Stream(std::uint64_t key) : key_(key) {}
  /// Sub-stream: stream("expert/3").stream("shuffle").
  Stream stream(std::string_view name) const;

  std::uint32_t bits(std::uint64_t step, std::uint64_t index) const;
  std::uint64_t bits64(std::uint64_t step, std::uint64_t index) const;
  /// Uniform in [0, 1), 24 bits.
  float uniform(std::uint64_t step, std::uint64_t index) const;
  /// Uniform in [0, 1), 53 bits.
  double uniform64(std::uint64_t step, std::uint64_t index) const;
  /// Standard normal by Box-Muller, computed in double.
  double normal(std::uint64_t step, std::uint64_t index) const;
  /// Uniform integer in [0, n), without bias up to 2^-32 (multiply-shift on 64 bits).
  std::uint64_t below(std::uint64_t n, std::uint64_t step, std::uint64_t index) const;
  std::uint64_t key() const { return key_; }

 private:
  std::uint64_t key_;
};

/// Root of all streams of a run.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : root_(seed) {}
  Stream stream(std::string_view name) const { return root_.stream(name); }

 private:
  Stream root_;
};

}  // namespace thimble
