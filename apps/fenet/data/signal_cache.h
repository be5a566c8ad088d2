#pragma once
// Signals as the network sees them, kept from run to run in pieces, so that a session larger than memory has a cache.

#include "apps/fenet/data/preprocess.h"

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::fenet {

/// The source, its segments kept in `folder`. A piece belongs to the content of `files`, to `options` (everything that
/// changes the numbers) and to the version of this format; a broken one is made again.
Segments cached(Segments source, const std::string& folder, std::vector<std::filesystem::path> files,
                std::string options);

}  // namespace thimble::fenet
