#pragma once
// Track files of the experiment: text or gzip, 42 columns or more, addressed by the names in the header.

#include "apps/neurotrigger/data/dataset.h"

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Reads one file. Columns may stand in any order and others may stand between them; the header may be separated by
/// tabs or spaces. Throws Error(io) or Error(data) with file:line:column name for missing columns, values that are no
/// finite 32-bit floats, experts outside 0..4, node counts other than 27 and 2, and everything core/io/table refuses.
Dataset read_tracks(const std::filesystem::path& path);

/// The files in order, rows numbered through. With a cache folder parsed files are kept there, addressed by their
/// content; a damaged entry is built again. An empty folder name parses every time.
Dataset read_tracks(const std::vector<std::string>& paths, const std::filesystem::path& cache = {});

}  // namespace thimble::neurotrigger
