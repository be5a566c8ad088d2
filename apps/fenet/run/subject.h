#pragma once
// What the verbs that look back work on: networks and the sessions they are looked at with.

#include "apps/fenet/evaluate/comparison.h"
#include "apps/fenet/run/run_access.h"

#include <filesystem>
#include <memory>
#include <vector>

namespace thimble::fenet {

struct Subject {
  Chosen chosen;
  std::filesystem::path folder;  // of the run; empty when the network comes from a file or a preset
  Recordings recordings;
  std::shared_ptr<const CrossValidation> run;  // the folds that the sessions point to
  std::vector<JudgedSession> sessions;
};

/// --weights and --split, which every verb with a subject has.
std::vector<app::Flag> subject_flags();

/// Without --weights the first word is a run: the networks of its folds, by default on the sessions that each has not
/// seen. With --weights (a file, or the name of a preset with its wavelets) it is a configuration that says where the
/// recordings come from (none: simulated ones), by default all sessions of the training days. --split train, dev, test:
/// the sessions of those days, with the best network of the run. Throws Error(usage) when there is nothing to look at.
Subject open_subject(const app::Context& context);
/// A network alone: of --weights with the configuration of the first word, or the best of the run that it names.
struct ChosenNetwork {
  Chosen chosen;
  std::vector<Tensor> weights;  // in the order of Network::weights()
};
ChosenNetwork open_network(const app::Context& context);
/// The configuration named by the first word, or defaults without one; nothing is trained: start filters only.
Subject untrained_subject(const app::Context& context);

}  // namespace thimble::fenet
