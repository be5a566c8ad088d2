#pragma once
// The best of many saved weights: files whose names end in _perf-<metric>, as the training and the published program
// write them.

#include "core/report/table.h"

#include "nn/train/metrics.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace thimble::fenet {

struct SavedWeights {
  std::filesystem::path file;
  double performance = 0;
  std::string architecture;  // "40/2 40/2 ...", taps/stride per level
  std::int64_t operations = 0, macs = 0;
};

struct BestOf {
  std::vector<SavedWeights> files;      // best first, of equal ones by name
  std::size_t nameless = 0;             // weights files whose names tell no metric
  std::vector<std::string> unreadable;  // and why
};

/// All weights files below `folder`; each is opened, so that what is chosen can be read. Throws Error(io) when there is
/// no such folder, Error(data) when it holds no readable file with a metric in its name.
BestOf best_of(const std::filesystem::path& folder, nn::Goal goal);

report::Table best_table(const BestOf& found, std::size_t most);

}  // namespace thimble::fenet
