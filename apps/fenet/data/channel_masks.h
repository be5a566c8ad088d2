#pragma once
// Which channels of a day are used, by the settings.

#include "apps/fenet/data/data_keys.h"
#include "apps/fenet/data/recorded.h"

namespace thimble::fenet {

/// Numbers of the channels kept, ascending: those of the mask file (entry by name of the day, else by its number
/// `index` as text), or by stored R2, or all. Throws Error(config) or Error(data) when nothing is left, when R2 is
/// wanted and the file has none, or when the mask does not fit.
std::vector<std::int64_t> chosen_channels(const ChannelKeys& keys, const RecordedDay& day, std::int64_t index);

}  // namespace thimble::fenet
