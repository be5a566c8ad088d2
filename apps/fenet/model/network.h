#pragma once
// A FENet with its weights: features of recordings.

#include "apps/fenet/data/session.h"
#include "apps/fenet/model/architecture.h"

#include <functional>

namespace thimble::fenet {

struct Network {
  Architecture architecture;
  nn::Graph graph;  // one node "layers": parameters layers.<i>.feat and layers.<i>.pass, each [taps]

  nn::Parameter reduction;  // learned map from N features to A numbers: [N, A] or, per channel, [C, N, A]; may be empty

  /// Filters are zero: see initialise() and set_weights().
  explicit Network(Architecture arch, std::int64_t samples = 900);
  /// Filters in the order that kernels::wavelet_features takes: feat, pass of level 0, of level 1, ...
  std::vector<Tensor> weights() const;
  /// The same and, behind them, the learned reduction if there is one.
  std::vector<Tensor> all_weights() const;
  bool reduces() const { return reduction.value.defined(); }
  void set_reduction(const Tensor& map);
  /// Copies filters in that order; one more tensor is a learned reduction. Throws Error(shape) naming the filter.
  void set_weights(const std::vector<Tensor>& values);
};

/// Filters as the network computes with them: rounded to the grid if it is on, else as they are.
std::vector<Tensor> on_grid(std::vector<Tensor> weights, const kernels::WaveletGrid& grid);
/// Features of windows x [..., T]: [windows, N] f32, without batch normalisation.
Tensor features_of(const Network& network, const Tensor& windows);
/// Features of all segments: [B, C * N] f32, channel-major, without batch normalisation. Segments are read in blocks of
/// bounded size; the block size does not change the bits.
Tensor extract_features(const Network& network, const SegmentSource& segments);

/// Segments that are read at once: about 32 MiB.
std::int64_t block_segments(std::int64_t channels, std::int64_t samples);
using BlockVisitor = std::function<void(std::int64_t first, const Tensor& block)>;
/// visit(first segment, [n, C, T]) for all segments in order, `size` at a time; all at once when they lie in memory.
void for_each_block(const SegmentSource& segments, std::int64_t size, const BlockVisitor& visit);

struct ColumnStatistics {
  std::vector<double> mean, inverse_deviation;  // 1 / sqrt(population variance + 1e-5)
};
/// Throws Error(data) for fewer than two rows.
ColumnStatistics column_statistics(const Tensor& x);
/// (v - mean) / sqrt(var + 1e-5) per column, in the dtype of x [B, M].
Tensor normalise_columns(const Tensor& x, const ColumnStatistics& statistics);
/// With the statistics of x itself.
Tensor normalise_columns(const Tensor& x);

}  // namespace thimble::fenet
