#pragma once
// Where the tracks of a run come from: files named in the configuration, or the simulator.

#include "apps/neurotrigger/data/dataset.h"
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

/// What to do when the run of compare_to or its outputs cannot be had: refuse, or go on without them and warn.
enum class OldOutputs { required, wanted };

/// Reads or simulates all splits; outputs of the run named by compare_to take the place of the old network's. A split
/// without files or tracks is empty. Throws what read_tracks throws, Error(data) when the training or validation split
/// has no track, and what join_old_outputs throws.
Splits load_splits(const Settings& settings, OldOutputs old = OldOutputs::wanted);

/// Simulator settings of a configuration.
SimulationOptions simulation_options(const SimulateKeys& keys);

}  // namespace thimble::neurotrigger
