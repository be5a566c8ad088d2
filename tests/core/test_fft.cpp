#include "core/base/error.h"
#include "core/linalg/fft.h"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

using thimble::linalg::Fft;

TEST_CASE("A Fourier transform equals the sum of its definition") {
  constexpr std::size_t n = 16;
  std::vector<double> re(n), im(n);
  for (std::size_t i = 0; i < n; ++i)
    re[i] = std::sin(1.0 + 0.7 * static_cast<double>(i * i)), im[i] = std::cos(3.0 * static_cast<double>(i));
  std::vector<double> a = re, b = im;
  Fft(n).forward(a, b);
  for (std::size_t k = 0; k < n; ++k) {
    std::complex<double> sum = 0.0;
    for (std::size_t i = 0; i < n; ++i)
      sum += std::complex<double>(re[i], im[i]) *
             std::polar(1.0, -2.0 * std::numbers::pi * static_cast<double>(k * i) / double{n});
    CHECK(a[k] == doctest::Approx(sum.real()).epsilon(1e-12));
    CHECK(b[k] == doctest::Approx(sum.imag()).epsilon(1e-12));
  }
}

TEST_CASE("A transform and the one back give the numbers times their count") {
  std::vector<double> re{1, 2, -3, 4, 0, 0.5, 7, -1}, im{0, 1, 0, -1, 2, 2, -2, 0};
  std::vector<double> a = re, b = im;
  const Fft fft(8);
  fft.forward(a, b);
  fft.backward(a, b);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(a[i] == doctest::Approx(8.0 * re[i]));
    CHECK(b[i] == doctest::Approx(8.0 * im[i]));
  }
}

TEST_CASE("A transform refuses sizes that are no power of two and numbers of another count") {
  CHECK_THROWS_AS(Fft(0), thimble::Error);
  CHECK_THROWS_AS(Fft(1), thimble::Error);
  CHECK_THROWS_AS(Fft(12), thimble::Error);
  std::vector<double> few(4);
  CHECK_THROWS_AS(Fft(8).forward(few, few), thimble::Error);
}
