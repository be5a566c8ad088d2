#pragma once
// A configuration ready to work with, and earlier runs.

#include "apps/common/cli/context.h"
#include "apps/common/config/load.h"
#include "apps/fenet/data/recordings.h"
#include "apps/fenet/train/cross_validation.h"

#include <filesystem>
#include <string>

namespace thimble::fenet {

/// Settings and where they came from.
struct Chosen {
  std::string name;  // of the configuration
  app::LoadedConfig loaded;
  Settings settings;
};

/// A run opened for reading.
struct OldRun : Chosen {
  std::filesystem::path folder;
};

/// The run named by a plain word of the command line ("latest", "demo/3", path), with overrides on its settings.
OldRun open_run(const app::Context& context, std::size_t word = 0);
/// Results of the folds that the run has finished. Throws Error(data) when there is none.
CrossValidation read_folds(const std::filesystem::path& folder);

/// Recordings that the settings name.
Recordings load_recordings(const Settings& settings);
/// Sets the thread budget of the process from the settings (0: leave it).
void use_threads(const Settings& settings);
/// Files of the settings, for manifests: key and path.
std::vector<std::pair<std::string, std::string>> input_files(const Settings& settings);

}  // namespace thimble::fenet
