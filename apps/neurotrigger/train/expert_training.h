#pragma once
// One expert from start weights to best weights. Experts share nothing but the data, which they only read.

#include "core/report/progress.h"

#include "nn/data/dataset.h"
#include "nn/train/checkpoint.h"

#include "apps/neurotrigger/look/metrics.h"
#include "apps/neurotrigger/settings.h"
#include "apps/neurotrigger/train/models.h"

#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

class MeanLog;  // mean_log.h

enum class ExpertStatus { trained, skipped, failed, interrupted };
const char* name_of(ExpertStatus status);

/// Metrics of every finished epoch, by the names in epoch_columns(); NaN where there is no value.
struct EpochTable {
  std::vector<double> epoch, step;
  double start_val_loss = std::numeric_limits<double>::quiet_NaN();  // with the start weights, before the first step
  std::vector<std::vector<double>> columns;
  std::int64_t rows() const { return static_cast<std::int64_t>(epoch.size()); }
};
/// "train_loss", "val_loss", "val_loss_vs_old_loss", "val_z_diff_std", "val_z_diff_std_vs_old".
const std::vector<std::string>& epoch_columns();

struct ExpertTask {
  int expert = 0;
  const Settings* settings = nullptr;
  std::shared_ptr<const nn::Dataset> train;  // all rows; y has out_size columns
  nn::Rows train_rows;                       // of this expert, filtered
  Dataset validation;                        // rows of this expert, filtered
  std::string folder;                        // expert_<e> inside the run folder; empty: nothing is written
  bool resume = false;                       // go on from the newest checkpoint in the folder, if there is one
  std::string program;                       // told in checkpoints
  bool profile = false;                      // write profile.txt into the folder
  const std::atomic<bool>* interrupt = nullptr;
  std::optional<report::TrainProgress> progress;
  int member = 0;            // of the progress line
  MeanLog* mean = nullptr;   // told after every epoch
  std::int64_t restart = 0;  // start weights and order of this repetition
};

struct ExpertOutcome {
  int expert = 0;
  ExpertStatus status = ExpertStatus::skipped;
  std::string reason;            // why skipped or failed, or why training ended early
  std::int64_t epochs = 0;       // finished
  std::int64_t epochs_here = 0;  // of them by this process
  std::int64_t best_epoch = 0;
  double best_loss = 0;
  double seconds = 0;  // training of this process
  std::int64_t rows_trained = 0;
  EpochTable table;
  nn::Graph model;  // with the best weights
};

/// Model of an expert as its settings say, without weights.
nn::Graph model_of(const Settings& settings);
/// The same with its start weights: drawn, or those of load_pre_trained_weights. Throws Error(config) for settings that
/// do not go together, Error(io) or Error(data) for weights that cannot be used.
nn::Graph start_model(const Settings& settings, int expert, std::int64_t restart = 0);
/// All random numbers of an expert; a restart has its own.
Stream expert_stream(const Settings& settings, int expert, std::int64_t restart = 0);

/// What a checkpoint tells about a training: epochs and their metrics, best epoch; no model.
ExpertOutcome outcome_of(const nn::Checkpoint& checkpoint);

/// Trains and returns the network with the weights of the best epoch. Throws Error(failed) when the loss diverges,
/// Error(io) when the disk is full, Error(data) for a checkpoint of another network.
ExpertOutcome train_expert(const ExpertTask& task);

}  // namespace thimble::neurotrigger
