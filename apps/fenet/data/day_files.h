#pragma once
// From the names of days in the settings to files.

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::fenet {

/// Files in the order named: a path, a name within `dir`, a part of one name there (20300102), or a pattern with * and
/// ? (then sorted). Throws Errors(io) naming `key` for everything that is not there or not one file.
std::vector<std::filesystem::path> day_files(const std::vector<std::string>& names, const std::string& dir,
                                             const std::string& key);

}  // namespace thimble::fenet
