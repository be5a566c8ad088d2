#pragma once
// All studies of a run by name: what the report shows, what the verb `study` writes.

#include "apps/neurotrigger/study/study.h"

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// "trigger", "feed-down", "uncertainty", "robustness", "sensitivity".
const std::vector<std::string>& study_names();

/// One of them; empty (no heading) when the run has nothing to say: no tracks, no uncertainty outputs.
Study make_study(const std::string& name, const RunSettings& settings, const RunResult& run, const Splits& splits,
                 Split split);

/// The quick ones, for the report of every training.
std::vector<report::FigureGroup> study_sections(const RunSettings& settings, const RunResult& run, const Splits& splits,
                                                Split split);

}  // namespace thimble::neurotrigger
