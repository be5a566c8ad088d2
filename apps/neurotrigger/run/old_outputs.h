#pragma once
// compare_to: outputs of an earlier run in place of those of the network that was in the hardware.

#include "apps/neurotrigger/data/sources.h"

#include <filesystem>
#include <string>

namespace thimble::neurotrigger {

/// Folder of the run that compare_to names: "<config>/version_N", "<config>/N", "<config>" (its newest) below the log
/// root <out>/neurotrigger, or a path. Throws Error(config) when there is no such run or it holds no outputs.
std::filesystem::path find_compared_run(const Settings& settings);

/// Joins prediction_random{1,2,3}.h5 of the run by row number. A row or an output that the run does not have keeps the
/// value of the track file, with a warning. Throws Error(config) when the run was made on other tracks, or when a row
/// of a configured expert is missing and the tracks have no old network to fall back to; then nothing is changed.
void join_old_outputs(const Settings& settings, const std::filesystem::path& run, Splits& splits);

}  // namespace thimble::neurotrigger
