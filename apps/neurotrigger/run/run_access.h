#pragma once
// Finding an earlier run and everything it needs to be looked at again.

#include "apps/common/cli/context.h"
#include "apps/common/config/load.h"
#include "apps/neurotrigger/train/experts.h"

#include <filesystem>
#include <map>
#include <string>

namespace thimble::neurotrigger {

/// A run opened for reading.
struct OldRun {
  std::filesystem::path folder;
  RunSettings settings;
};

/// The run named by a plain word of the command line ("latest", "config/3", path), with overrides on its settings.
OldRun open_run(const app::Context& context, std::size_t word = 0);

/// Networks of a weights.json with the model of the settings. Throws Error(data) when they do not fit.
std::map<int, nn::Graph> load_models(const RunSettings& settings, const std::filesystem::path& weights);

/// Epochs of every expert from its newest checkpoint; experts without one are left out.
std::map<int, ExpertOutcome> load_histories(const RunSettings& settings, const std::filesystem::path& folder);

/// Sets the thread budget of the process from the settings (0: leave it).
void use_threads(const Settings& settings);

}  // namespace thimble::neurotrigger
