#pragma once
// Several trainings of one expert from different start weights, of which the best is taken: how networks were chosen
// when the FANN library trained them.

#include "apps/neurotrigger/train/expert_training.h"

#include <filesystem>

namespace thimble::neurotrigger {

/// Validation rows that the choice looks at.
inline constexpr std::int64_t kChoiceRows = 5000;

/// train_expert `restarts` times; returns the outcome with the least root mean square of reco z - network z on the
/// first 5,000 validation tracks. Restart k > 0 writes below restart_k of the expert's folder, and restarts.json there
/// tells every rms and the choice. An interrupted restart ends the series; a resumed run goes on with it.
ExpertOutcome train_with_restarts(const ExpertTask& task);

/// Where logs and checkpoints of the chosen restart lie.
std::filesystem::path chosen_folder(const std::filesystem::path& expert_folder);

}  // namespace thimble::neurotrigger
