#pragma once
// Signals made from signals, a few segments at a time.

#include "apps/fenet/data/data_keys.h"
#include "apps/fenet/data/filters.h"
#include "apps/fenet/data/session.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace thimble::fenet {

using Segments = std::shared_ptr<const SegmentSource>;

/// The channels of those numbers, in the order given.
Segments with_channels(Segments source, std::vector<std::int64_t> channels);
/// Without the mean over all channels of each moment.
Segments without_common(Segments source);
/// The same in place for one segment [1, C, T].
void take_common_away(const Tensor& segment);
/// Filtered from the first segment on; the state is carried from one segment to the next, so that reading in any pieces
/// and order gives the same bits.
Segments filtered(Segments source, Filter filter);
/// Every channel to mean 0 and population deviation 1 over all segments; a constant channel becomes 0. The statistics
/// are formed when the first segment is read, in a pass of their own.
Segments standardised(Segments source);
/// In memory if all of it fits into `bytes`, else the source itself.
Segments resident(Segments source, std::int64_t bytes);

/// Mean and population deviation (0 for a constant channel) of every channel over all segments, in one pass.
struct ChannelStatistics {
  std::vector<double> mean, deviation;
};
ChannelStatistics channel_statistics(const SegmentSource& source);

/// Calls body(first, block [n, C, T]) for all segments in order, in blocks of bounded size.
void for_blocks(const SegmentSource& source, const std::function<void(std::int64_t, const Tensor&)>& body);

/// The settings applied in their order to what was recorded.
Segments preprocessed(Segments recorded, const PreprocessKeys& keys, double rate);

/// Channels by stored R2 [C, 2]: score = the better of both columns; kept are scores of at least
/// max(min_r2, score of the best but top - 1), in the order of the file; top 0: only min_r2.
std::vector<std::int64_t> best_channels(const Tensor& r2, double min_r2, std::int64_t top);

}  // namespace thimble::fenet
