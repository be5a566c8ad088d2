#pragma once
// What the verbs that look back work on: the networks of a run or of a weights.json, on the run's tracks or on others.

#include "apps/neurotrigger/run/run_access.h"

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

struct Subject {
  std::filesystem::path folder;  // of the run; empty when networks and tracks come from files alone
  RunSettings settings;
  std::filesystem::path weights;
  Splits splits;  // as read; with --data only the test split has rows
  RunResult result;
};

/// --weights, --data and --target, which every verb with a subject has.
std::vector<app::Flag> subject_flags();

/// The files of a comma separated list as the test split, nothing else.
Splits given_tracks(const std::string& files);

/// Networks and tracks named by the command line: the first word is a run, --weights FILE replaces its networks,
/// --data FILE,... its tracks. Without a run both flags are needed; the network is then what the names and shapes in
/// the weights say, with tanh/2 unless act=... says otherwise. The networks compute as --target says, on inputs with
/// the fault of hw_quirk. Throws Error(usage) when something is missing, and what open_run, read_weights and
/// read_tracks throw.
Subject open_subject(const app::Context& context);

}  // namespace thimble::neurotrigger
