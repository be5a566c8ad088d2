#pragma once
// The recordings that a configuration names, ready for the network.

#include "apps/fenet/data/data_keys.h"
#include "apps/fenet/data/session.h"

#include <string>
#include <vector>

namespace thimble::fenet {

struct Recordings {
  std::vector<Day> train, dev, test;
  bool simulated = false;
};

/// All days of the three splits: simulated ones (all in `train`) when no files are named. Nothing large is read yet.
/// Everything that can be wrong with settings and files is found here: Error(config) with the key, Error(io) or
/// Error(data) with file and data set; Errors when several files are wrong.
Recordings load_recordings(const DataKeys& data, const SimulateKeys& simulate, std::int64_t seed);

/// Throws Errors(config) with all settings that cannot be: filters above half the sampling rate and the like.
void check_data_keys(const DataKeys& data);

}  // namespace thimble::fenet
