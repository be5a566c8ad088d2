#pragma once
// The discrete Fourier transform of a power of two. Source: Cooley and Tukey, "An algorithm for the machine
// calculation of complex Fourier series", Mathematics of Computation 19, 1965.

#include <cstddef>
#include <span>
#include <vector>

namespace thimble::linalg {

/// Transforms of one size; the tables are built once.
class Fft {
 public:
  /// Throws Error(value) unless the size is a power of two from 2 on.
  explicit Fft(std::size_t size);
  std::size_t size() const { return cosine_.size() * 2; }
  /// In place: X[k] = sum over n of x[n] exp(-2 pi i k n / size). Both spans have size() elements.
  void forward(std::span<double> real, std::span<double> imaginary) const;
  /// In place, the other sign and without a factor: forward and backward give size() times the input.
  void backward(std::span<double> real, std::span<double> imaginary) const { forward(imaginary, real); }

 private:
  std::vector<double> cosine_, sine_;  // of 2 pi k / size, k below size / 2
};

}  // namespace thimble::linalg
