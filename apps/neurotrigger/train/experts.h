#pragma once
// All experts of a run: trained side by side, judged on every split, and whatever happens to one leaves the others
// alone.

#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/sources.h"
#include "apps/neurotrigger/train/expert_training.h"
#include "apps/neurotrigger/train/uncertainty.h"

#include <map>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Outputs of one expert's network on its rows of one split.
struct SplitOutput {
  std::vector<std::int64_t> rows;  // row numbers in the split, ascending, filter not applied
  Tensor y_hat;                    // [rows, out]: estimates, z first
  Tensor extra;                    // [rows, 0, 1 or 2]: outputs that tell the uncertainty of z
};

struct ExpertResult {
  ExpertOutcome outcome;
  std::array<SplitOutput, 3> outputs;  // empty unless trained
  std::array<Merit, 3> merits;         // of the rows that the filter keeps
  Uncertainty uncertainty = Uncertainty::none;
  Calibration calibration;  // on the validation rows that the filter keeps
};

struct RunResult {
  std::vector<ExpertResult> experts;  // in the order of the settings
  std::array<Merit, 3> overall;       // over the rows of all trained experts
  std::array<Mask, 3> masks;          // rows kept by the common filter
  std::map<int, std::array<Mask, 3>> own_masks;
  double seconds = 0;
  double rows_per_second = 0;  // trained rows, all experts
  bool interrupted = false;
};

/// What a training needs besides settings and data.
struct RunPlan {
  std::string folder;  // run folder
  bool resume = false;
  std::string program;
  bool profile = false;  // expert_<e>/profile.txt: seconds of every kernel of a step
  report::Progress* progress = nullptr;
};

/// Throws Error(data) when no expert has rows to train on and to validate with.
void require_rows(const RunSettings& settings, const Splits& splits);

/// Trains all experts, at most threads() at a time. An expert without rows is skipped with a warning, one that fails
/// is reported, the others go on. Throws what require_rows throws, and Error(io) when nothing can be saved.
RunResult train_experts(const RunSettings& settings, const Splits& splits, const RunPlan& plan);

/// Outputs and figures of merit of given networks on all splits; experts without a network are left out.
RunResult evaluate_experts(const RunSettings& settings, const Splits& splits, const std::map<int, nn::Graph>& models);

/// Targets, outputs and old outputs of an expert's rows that the filter keeps.
Compared compared_of(const ExpertResult& expert, const Splits& splits, Split split, const Mask& mask);
/// The rows of all experts joined.
Compared compared_of(const RunResult& run, const Splits& splits, Split split);

/// Half widths of the calibrated 68 % intervals of z for all rows of a split's output, cm; empty without uncertainty
/// outputs or without calibration.
HalfWidths widths_of(const ExpertResult& expert, Split split);

/// "epoch 312 of 1000", the expert that is furthest behind.
std::string position_of(const RunSettings& settings, const RunResult& run);

/// Weights of all trained experts.
Networks networks_of(const RunResult& run);

}  // namespace thimble::neurotrigger
