#pragma once
// Where the tracks of a run come from: files named in the configuration, or the simulator.

#include "apps/neurotrigger/dataset.h"
#include "apps/neurotrigger/settings.h"

#include <array>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// The three splits in the order of the original's file numbers 1, 2, 3.
enum class Split { train, val, test };
inline constexpr std::array<Split, 3> kSplits{Split::train, Split::val, Split::test};
const char* name_of(Split split);  // "train", "val", "test"

struct Splits {
  std::array<Dataset, 3> sets;
  bool simulated = false;
  std::vector<std::pair<std::string, std::string>> inputs;  // key -> path of every file read
  Dataset& operator[](Split s) { return sets[static_cast<std::size_t>(s)]; }
  const Dataset& operator[](Split s) const { return sets[static_cast<std::size_t>(s)]; }
};

/// Reads or simulates all splits. A split without files or tracks is empty. Throws what read_tracks throws, and
/// Error(data) when the training or validation split has no track.
Splits load_splits(const Settings& settings);

/// Simulator settings of a configuration.
SimulationOptions simulation_options(const SimulateKeys& keys);

}  // namespace thimble::neurotrigger
