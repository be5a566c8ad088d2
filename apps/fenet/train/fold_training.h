#pragma once
// The loop of one fold: steps, looks at the held-out sessions, saved weights, checkpoints.

#include "nn/optim/optimizer.h"
#include "nn/train/callback.h"
#include "nn/train/checkpoint.h"

#include "apps/fenet/train/cross_validation.h"
#include "apps/fenet/train/saver.h"
#include "apps/fenet/train/session_step.h"
#include "apps/fenet/train/weights_average.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace thimble::fenet {

/// The metric that decides: root mean square of the squared correlations over the axes.
inline constexpr const char* kHeadline = "pearsonr2-xy-normed";

/// That metric; NaN when there were no sessions to judge on (train.folds 1 without dev days).
double headline_of(const Evaluation& at);

const char* name_of(FoldStatus status);
/// Options of a step as the settings say.
StepOptions step_options(const Settings& settings, const Stream& stream);
/// Random numbers of a fold.
Stream fold_stream(const Settings& settings, std::int64_t fold);
/// Daubechies filters, or those of model.weights. With a learned reduction (pls.learned) and `channels` its map too:
/// that of the file, or random numbers of deviation 1 / sqrt(N).
Network start_network(const Settings& settings, std::int64_t samples, std::int64_t channels = 0);
/// Means over sessions; `invalid` gets the number of evaluation folds without a value.
Evaluation evaluate_sessions(const Network& network, const std::vector<Session>& sessions, const Protocol& protocol,
                             std::int64_t* invalid = nullptr);
/// A fenet-weights-1 file of a moment of a training; `optimizer` may be null.
void save_weights(const std::filesystem::path& file, const Network& network, const Settings& settings,
                  std::int64_t fold, const nn::Optimizer* optimizer);
/// The same of weights of a finished fold.
void write_fold_weights(const std::filesystem::path& file, const Settings& settings, const FoldResult& fold,
                        const std::vector<Tensor>& weights);

class FoldTraining {
 public:
  FoldTraining(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
               const std::vector<Session>& held_out, const TrainPlan& plan);
  /// Trains to the end, a stop or an interruption. Throws Error(failed) when the loss is no longer finite.
  FoldResult run(std::optional<report::TrainProgress> told, int member);

 private:
  std::string fold_folder(std::int64_t fold) const;
  std::filesystem::path saver_folder(std::int64_t fold) const;
  std::string saver_label(std::int64_t fold) const;
  void open_folder();
  void epoch();
  void one_step();
  Evaluation look();
  void keep(const Evaluation& at);
  void tell();
  bool interrupted() const;
  void save_if_due();
  void finish();
  nn::Checkpoint checkpoint();
  void save_history(nn::Checkpoint& made) const;
  void restore_history(const nn::State& state);
  void restore(const nn::Checkpoint& from, const std::string& file);

  const Settings& settings_;
  const std::vector<Session>& training_;
  const std::vector<Session>& held_out_;
  TrainPlan plan_;
  Network network_;
  nn::Parts parts_;
  nn::FlatParameters flat_;
  nn::Optimizer optimizer_;
  SessionStep step_;
  Saver saver_;
  Protocol protocol_;
  WeightsAverage average_;
  std::vector<std::unique_ptr<nn::Callback>> callbacks_;
  std::optional<nn::CheckpointStore> store_;
  std::optional<report::TrainProgress> told_;
  int member_ = 0;
  nn::TrainingView view_;
  FoldResult result_;
  std::chrono::steady_clock::time_point saved_at_;
};

/// train_fold that tells a shared progress line.
FoldResult train_fold(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
                      const std::vector<Session>& held_out, const TrainPlan& plan,
                      std::optional<report::TrainProgress> told, int member);

}  // namespace thimble::fenet
