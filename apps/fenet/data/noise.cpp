#include "apps/fenet/data/noise.h"

#include "core/linalg/fft.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace thimble::fenet {
namespace {

constexpr std::int64_t kCoarse = 4;            // samples for each coarse one
constexpr double kCoarseRate = 30000.0 / 4.0;  // hertz
constexpr std::int64_t kWindow = 32768, kHop = kWindow / 2;
constexpr double kLowest = 0.5, kHighest = 2000.0;  // hertz; above, nothing is left

/// Standard deviation of every harmonic of a window; the variances add up to 1.
std::vector<double> harmonics() {
  std::vector<double> sigma(kWindow / 2, 0.0);
  double sum = 0.0;
  for (std::size_t k = 1; k < sigma.size(); ++k) {
    const double f = static_cast<double>(k) * kCoarseRate / static_cast<double>(kWindow);
    if (f < kLowest || f > kHighest) continue;
    sigma[k] = std::pow(f, -1.5) / (1.0 + std::pow(f / 300.0, 8.0));
    sum += sigma[k];
  }
  for (double& s : sigma) s = std::sqrt(s / sum);
  return sigma;
}

struct Pair {
  float a, b;
};

/// Two standard normal numbers from two random words (Box and Muller).
Pair normal_pair(std::uint32_t first, std::uint32_t second) {
  const float radius = std::sqrt(-2.0F * std::log((static_cast<float>(first >> 8) + 0.5F) * 0x1p-24F));
  const float angle = 2.0F * std::numbers::pi_v<float> * (static_cast<float>(second >> 8) * 0x1p-24F);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

void add_white_noise(const Stream& stream, std::uint64_t step, double sigma, std::span<float> out) {
  const auto s = static_cast<float>(sigma);
  const std::uint64_t key = stream.key();
  const std::array<std::uint32_t, 2> keys{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const std::uint64_t block = i / 4;
    const auto words = philox4x32({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                                   static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)},
                                  keys);
    const Pair one = normal_pair(words[0], words[1]), two = normal_pair(words[2], words[3]);
    const float values[4] = {one.a, one.b, two.a, two.b};
    for (std::size_t j = 0; j < 4 && i + j < out.size(); ++j) out[i + j] += s * values[j];
  }
}

void FieldPotential::make_window(std::int64_t window, std::vector<float>& out) const {
  static const std::vector<double> sigma = harmonics();
  static const linalg::Fft fft(static_cast<std::size_t>(kWindow));
  std::vector<double> real(static_cast<std::size_t>(kWindow), 0.0), imaginary(real.size(), 0.0);
  const auto step = static_cast<std::uint64_t>(window);
  for (std::size_t k = 1; k < sigma.size(); ++k) {
    if (sigma[k] <= 0.0) continue;
    real[k] = sigma[k] * stream_.normal(step, 2 * k);
    imaginary[k] = sigma[k] * stream_.normal(step, 2 * k + 1);
  }
  fft.backward(real, imaginary);
  out.assign(real.begin(), real.end());
}

void FieldPotential::go_to(std::int64_t hop) {
  if (hop == hop_) return;
  if (hop == hop_ + 1 && hop_ >= 0)
    std::swap(early_, later_);
  else
    make_window(hop, early_);
  make_window(hop + 1, later_);
  values_.resize(static_cast<std::size_t>(kHop + 1));
  for (std::int64_t i = 0; i <= kHop; ++i) {
    const double turn = 0.5 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(kHop);
    values_[static_cast<std::size_t>(i)] = static_cast<float>(
        std::cos(turn) * static_cast<double>(early_[static_cast<std::size_t>((kHop + i) % kWindow)]) +
        std::sin(turn) * static_cast<double>(later_[static_cast<std::size_t>(i)]));
  }
  hop_ = hop;
}

void FieldPotential::add(std::int64_t first, double amplitude, std::span<float> out) {
  const auto scale = static_cast<float>(amplitude);
  for (std::size_t i = 0; i < out.size();) {
    const std::int64_t sample = first + static_cast<std::int64_t>(i);
    go_to(sample / (kCoarse * kHop));
    const std::int64_t within = sample % (kCoarse * kHop);
    const std::int64_t most = std::min(kCoarse * kHop - within, static_cast<std::int64_t>(out.size() - i));
    for (std::int64_t j = within; j < within + most; ++j, ++i) {
      const auto at = static_cast<std::size_t>(j / kCoarse);
      const float part = static_cast<float>(j % kCoarse) / static_cast<float>(kCoarse);
      out[i] += scale * (values_[at] + part * (values_[at + 1] - values_[at]));
    }
  }
}

}  // namespace thimble::fenet
