#pragma once
// The shape of a FENet: filters per level, and what stands behind them.

#include "core/kernels/wavelet_conv.h"

#include "nn/graph/graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

struct Architecture {
  std::vector<int> kernels, strides, relu_powers;  // N - 1 of each
  std::vector<int> features_by_layer;              // N, the last one is 1
  bool normalize_at_end = false;                   // batch normalisation over the session behind the features
  double dropout = 0.2;                            // of the pass outputs in training
  kernels::WaveletPool pool = kernels::WaveletPool::mean;
  kernels::WaveletGrid grid = {};  // on: trained as the integers of the chip

  /// Throws Error(config) naming the key for numbers that do not fit together.
  kernels::WaveletChain chain() const;
  /// Features per channel.
  std::int64_t features() const;
};

/// "db20", "db20-6", "efficient", "genial-57", "desert-21"; Error(config) with the nearest name otherwise.
Architecture preset(const std::string& name);
const std::vector<std::string>& presets();

/// Operations as published (undercounts every length by one) and the exact number of multiply-adds per window.
std::int64_t published_operations(const Architecture& architecture, std::int64_t samples = 900);
std::int64_t exact_macs(const Architecture& architecture, std::int64_t samples = 900);

/// The filters as a network on one window [samples] -> [features]: one node "layers" of kind wavelet_bank.
nn::Graph build_graph(const Architecture& architecture, std::int64_t samples);
/// Daubechies filters in every level: Error(config) naming kernel<i> unless it is even and 2 .. 40.
void initialise(nn::Graph& graph, const Architecture& architecture);

}  // namespace thimble::fenet
