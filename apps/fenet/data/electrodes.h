#pragma once
// Where the electrodes of an array are.

#include <cstdint>
#include <filesystem>
#include <vector>

namespace thimble::fenet {

struct ElectrodePlace {
  std::int64_t channel = 0;  // from 0
  std::int64_t row = 0, column = 0;
  bool operator==(const ElectrodePlace&) const = default;
};

/// CSV with the columns channel (from 1, as arrays are labelled), row, column (from 0). Throws Error(data) with line
/// for a channel or a place named twice and for numbers that are none.
std::vector<ElectrodePlace> read_electrode_map(const std::filesystem::path& path);

/// For recordings without a map: arrays of 96 on a grid of 10 x 10 without its corners, row by row, beside each other.
std::vector<ElectrodePlace> standard_electrode_map(std::int64_t channels);

}  // namespace thimble::fenet
