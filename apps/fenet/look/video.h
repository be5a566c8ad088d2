#pragma once
// The neural video: what every electrode of an array says, as a colour, segment after segment.

#include "core/tensor/tensor.h"

#include "apps/fenet/look/look.h"
#include "apps/fenet/look/view.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

inline constexpr int kArraySide = 10, kCellPixels = 16;
inline constexpr std::int64_t kArrayElectrodes = 96;

/// Red, green or blue of a reduced feature: clip((v + 4) * 8, 0, 255), rounded down.
std::uint8_t video_level(double value);

/// Place of an electrode: number 0 .. 95 within its array.
struct GridPlace {
  int row = 0, column = 0;
};

/// Animated PNG of one array, 33.333 frames per second: reduced features u [B, C * 3], the channels `numbers` of them
/// lie at `places`; cells without a channel are black. At most `frames` segments.
std::string array_video(const Tensor& u, const std::vector<std::int64_t>& columns, const std::vector<GridPlace>& places,
                        std::int64_t frames);

/// One video per array and the first picture of each in the report. `map`: CSV channel,row,column; empty: row by row
/// without the four corners.
Look video_look(const DayFeatures& day, const std::vector<std::int64_t>& channels, const Protocol& protocol,
                const std::string& map, std::int64_t frames);

}  // namespace thimble::fenet
