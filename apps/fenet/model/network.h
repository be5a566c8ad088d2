#pragma once
// A FENet with its weights: features of recordings.

#include "apps/fenet/data/session.h"
#include "apps/fenet/model/architecture.h"

namespace thimble::fenet {

struct Network {
  Architecture architecture;
  nn::Graph graph;  // one node "layers": parameters layers.<i>.feat and layers.<i>.pass, each [taps]

  Network(Architecture arch, std::int64_t samples = 900);
  /// Filters in the order that kernels::wavelet_features takes: feat, pass of level 0, of level 1, ...
  std::vector<Tensor> weights() const;
};

/// Features of windows x [..., T]: [windows, N] f32, without batch normalisation.
Tensor features_of(const Network& network, const Tensor& windows);
/// Features of all segments: [B, C * N] f32, channel-major, without batch normalisation. Segments are read in blocks of
/// bounded size; the block size does not change the bits.
Tensor extract_features(const Network& network, const SegmentSource& segments);
/// (v - mean) / sqrt(var + 1e-5) per column, population variance over the rows, in the dtype of x [B, M]. Throws
/// Error(data) for fewer than two rows. `statistics_rows`: only the first rows give mean and variance (0: all).
Tensor normalise_columns(const Tensor& x);

}  // namespace thimble::fenet
