#pragma once
// What a fold's training leaves for later looks: losses, evaluations, weights. A sealed file.

#include "apps/fenet/train/cross_validation.h"

#include <filesystem>

namespace thimble::fenet {

void write_fold(const std::filesystem::path& file, const FoldResult& fold);
/// Throws Error(io) or Error(data).
FoldResult read_fold(const std::filesystem::path& file);

}  // namespace thimble::fenet
