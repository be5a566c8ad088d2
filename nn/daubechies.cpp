#include "nn/daubechies.h"

#include "core/base/error.h"

#include <cmath>
#include <complex>

namespace thimble::nn {
namespace {

// The outer taps of db20 are 1e-10 of the inner ones and come out of sums of order one: 113 bits leave enough of them.
__extension__ using Quad = __float128;

struct QuadComplex {
  Quad re = 0, im = 0;
};
QuadComplex operator+(QuadComplex a, QuadComplex b) {
  return {a.re + b.re, a.im + b.im};
}
QuadComplex operator-(QuadComplex a, QuadComplex b) {
  return {a.re - b.re, a.im - b.im};
}
QuadComplex operator*(QuadComplex a, QuadComplex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
Quad square_of(QuadComplex a) {
  return a.re * a.re + a.im * a.im;
}
QuadComplex operator/(QuadComplex a, QuadComplex b) {
  const Quad n = square_of(b);
  return {(a.re * b.re + a.im * b.im) / n, (a.im * b.re - a.re * b.im) / n};
}

/// Square root: that of the double, then Newton steps, each of which doubles the right digits.
QuadComplex root_of(QuadComplex a) {
  const std::complex<double> start =
      std::sqrt(std::complex<double>(static_cast<double>(a.re), static_cast<double>(a.im)));
  QuadComplex x{static_cast<Quad>(start.real()), static_cast<Quad>(start.imag())};
  if (square_of(x) == 0) return x;
  for (int step = 0; step < 3; ++step) {
    const QuadComplex sum = x + a / x;
    x = {sum.re / 2, sum.im / 2};
  }
  return x;
}

/// All roots of a polynomial (coefficients of rising powers) at once: Durand and Kerner's iteration.
std::vector<QuadComplex> roots_of(const std::vector<Quad>& p) {
  const std::size_t degree = p.size() - 1;
  std::vector<QuadComplex> roots(degree);
  QuadComplex power{1, 0};
  for (QuadComplex& root : roots) root = power = power * QuadComplex{Quad{2} / 10, Quad{45} / 100};
  constexpr double kStill = 1e-60;
  Quad moved = 1;
  for (int step = 0; step < 500 && moved > static_cast<Quad>(kStill); ++step) {
    moved = 0;
    for (std::size_t i = 0; i < degree; ++i) {
      QuadComplex value{p[degree], 0}, others{p[degree], 0};
      for (std::size_t k = degree; k-- > 0;) value = value * roots[i] + QuadComplex{p[k], 0};
      for (std::size_t j = 0; j < degree; ++j)
        if (j != i) others = others * (roots[i] - roots[j]);
      const QuadComplex change = value / others;
      roots[i] = roots[i] - change;
      moved += square_of(change);
    }
  }
  return roots;
}

/// Sum over k < order of C(order - 1 + k, k) y^k: the part of |H|^2 that is not (1 - y)^order.
std::vector<Quad> half_band(int order) {
  std::vector<Quad> p{1};
  for (int k = 1; k < order; ++k) p.push_back(p.back() * (order - 1 + k) / k);
  return p;
}

/// The zero inside the unit circle that y = (2 - z - 1/z) / 4 stands for.
QuadComplex inner_zero(QuadComplex y) {
  const QuadComplex b{1 - 2 * y.re, -2 * y.im};
  const QuadComplex root = root_of(b * b - QuadComplex{1, 0});
  const QuadComplex z = b + root;
  return square_of(z) < 1 ? z : b - root;
}

/// Coefficients times (z - zero).
void multiply(std::vector<QuadComplex>& coefficients, QuadComplex zero) {
  coefficients.push_back({0, 0});
  for (std::size_t k = coefficients.size() - 1; k > 0; --k)
    coefficients[k] = coefficients[k] - zero * coefficients[k - 1];
}

}  // namespace

Wavelet daubechies(int order) {
  THIMBLE_CHECK(order >= 1 && order <= 20, value, "daubechies: order ", order, ", wanted 1 to 20");
  std::vector<QuadComplex> taps{{1, 0}};  // falling powers
  for (int k = 0; k < order; ++k) multiply(taps, {-1, 0});
  for (const QuadComplex& y : roots_of(half_band(order))) multiply(taps, inner_zero(y));
  Quad sum = 0;
  for (const QuadComplex& tap : taps) sum += tap.re;
  const Quad scale = root_of({2, 0}).re / sum;
  Wavelet wavelet;
  for (std::size_t k = taps.size(); k-- > 0;) wavelet.low.push_back(static_cast<double>(taps[k].re * scale));
  for (std::size_t k = 0; k < taps.size(); ++k) {
    const double mirrored = wavelet.low[taps.size() - 1 - k];
    wavelet.high.push_back(k % 2 == 0 ? -mirrored : mirrored);
  }
  return wavelet;
}

}  // namespace thimble::nn
