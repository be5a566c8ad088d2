#include "core/linalg/fft.h"

#include "core/base/error.h"

#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

namespace thimble::linalg {
namespace {

/// Swaps elements whose indices are each other's bits reversed.
void reverse_bits(std::span<double> real, std::span<double> imaginary) {
  const std::size_t n = real.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    std::swap(real[i], real[j]);
    std::swap(imaginary[i], imaginary[j]);
  }
}

}  // namespace

Fft::Fft(std::size_t size) : cosine_(size / 2), sine_(size / 2) {
  THIMBLE_CHECK(size >= 2 && std::has_single_bit(size), value, "a transform of ", size,
                " points: a power of two is needed");
  for (std::size_t k = 0; k < size / 2; ++k) {
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size);
    cosine_[k] = std::cos(angle);
    sine_[k] = std::sin(angle);
  }
}

void Fft::forward(std::span<double> real, std::span<double> imaginary) const {
  const std::size_t n = size();
  THIMBLE_CHECK(real.size() == n && imaginary.size() == n, shape, "a transform of ", n, " points got ", real.size());
  reverse_bits(real, imaginary);
  for (std::size_t half = 1; half < n; half *= 2) {
    const std::size_t step = n / (2 * half);
    for (std::size_t start = 0; start < n; start += 2 * half)
      for (std::size_t k = 0; k < half; ++k) {
        const double c = cosine_[k * step], s = -sine_[k * step];
        const std::size_t a = start + k, b = a + half;
        const double re = c * real[b] - s * imaginary[b], im = c * imaginary[b] + s * real[b];
        real[b] = real[a] - re, imaginary[b] = imaginary[a] - im;
        real[a] += re, imaginary[a] += im;
      }
  }
}

}  // namespace thimble::linalg
