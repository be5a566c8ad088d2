#pragma once
// Daubechies wavelets, computed and not tabulated. I. Daubechies, Ten Lectures on Wavelets, SIAM 1992, section 6.1:
// extremal phase, by spectral factorisation.

#include <vector>

namespace thimble::nn {

/// Analysis filters of db<order>, 2 * order taps, in the convention of PyWavelets: sum of `low` = sqrt(2),
/// high[k] = (-1)^(k+1) low[taps - 1 - k].
struct Wavelet {
  std::vector<double> low, high;
};

/// order 1 .. 20; Error(value) otherwise. Right to the last bit or two of a double, relative to each number.
Wavelet daubechies(int order);

}  // namespace thimble::nn
