#pragma once
// The published FENet cases as the kernels take them.

#include "core/io/hdf5_foreign.h"
#include "core/kernels/wavelet_conv.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace thimble::test {

using kernels::WaveletChain;

inline std::vector<std::int64_t> attribute(const io::Hdf5Tree& tree, const std::string& path, const std::string& name) {
  return tree.attributes.at(path).at(name).numbers.integers();
}

/// Levels from the attributes kernels, strides, relu_powers and features_by_layer of an object.
inline WaveletChain chain_of(const io::Hdf5Tree& tree, const std::string& path) {
  const auto taps = attribute(tree, path, "kernels"), strides = attribute(tree, path, "strides"),
             powers = attribute(tree, path, "relu_powers"), features = attribute(tree, path, "features_by_layer");
  WaveletChain chain;
  for (std::size_t l = 0; l < taps.size(); ++l)
    chain.levels.push_back({static_cast<int>(taps[l]), static_cast<int>(strides[l]), static_cast<int>(powers[l]),
                            static_cast<int>(features[l])});
  return chain;
}

/// Filters <path>/<i>/feat<suffix>, <path>/<i>/pass<suffix>.
inline std::vector<Tensor> filters_of(const io::Hdf5Tree& tree, const std::string& path, std::size_t levels,
                                      DType dtype, const std::string& suffix = "") {
  std::vector<Tensor> filters;
  for (std::size_t l = 0; l < levels; ++l)
    for (const char* branch : {"/feat", "/pass"})
      filters.push_back(tree.datasets.at(path + "/" + std::to_string(l) + branch + suffix).numbers.tensor(dtype));
  return filters;
}

inline double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  return largest;
}

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= largest)) largest = std::abs(a[i] - b[i]);
  return largest;
}

/// The signal that the published cases are computed on, [chunks, channels, samples] f32.
inline Tensor readme_signal(std::int64_t chunks, std::int64_t channels, std::int64_t samples, int a) {
  const Tensor x = Tensor::empty({chunks, channels, samples});
  float* out = x.mut<float>();
  for (std::int64_t b = 0; b < chunks; ++b)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < samples; ++t) {
        const auto db = static_cast<double>(b), dc = static_cast<double>(c), dt = static_cast<double>(t);
        const double noise = static_cast<double>((37 * t + 11 * c + 5 * b + 3 * a) % 17) / 17 - 0.5;
        *out++ = static_cast<float>(std::sin(0.05 * dt * (dc + 1) + db + 0.37 * a) +
                                    0.3 * std::sin(0.73 * dt + 0.1 * dc + 0.5 * a) + 0.1 * noise);
      }
  return x;
}

}  // namespace thimble::test
