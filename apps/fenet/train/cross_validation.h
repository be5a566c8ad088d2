#pragma once
// Training: one FENet per fold of the sessions, judged on the sessions it has not seen.

#include "core/report/progress.h"

#include "apps/fenet/data/session.h"
#include "apps/fenet/model/network.h"
#include "apps/fenet/settings.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace thimble::fenet {

/// Held-out sessions judged with the weights of a moment.
struct Evaluation {
  std::int64_t epoch = 0;                 // whole passes done
  std::int64_t step = 0;                  // number of the step after whose update this is, from 0
  double loss = 0;                        // training loss of that step, before its update
  std::map<std::string, double> metrics;  // means over the held-out sessions: "pearsonr2-xy-normed", ...
};

enum class FoldStatus { trained, stopped, failed, interrupted };

struct FoldResult {
  std::int64_t fold = 0;
  FoldStatus status = FoldStatus::trained;
  std::string reason;          // why it failed or stopped
  std::vector<double> losses;  // of every step
  std::vector<Evaluation> evaluations;
  double best = 0;                    // best saved metric; NaN when nothing was saved
  std::int64_t best_step = -1;        // its step
  std::vector<Tensor> best_weights;   // in the order of Network::weights()
  std::vector<Tensor> weights;        // after the last step
  std::vector<Tensor> start_weights;  // before the first
  std::int64_t invalid = 0;           // folds of the last evaluation without a value
  double seconds = 0;
};

/// What a training needs besides settings and data.
struct TrainPlan {
  std::string folder;  // run folder; empty: nothing is written
  bool resume = false;
  report::Progress* progress = nullptr;
  const std::atomic<bool>* interrupt = nullptr;  // finish the step, save, end
  /// Told of every evaluation (from the thread of its fold); false ends this fold as `stopped`.
  std::function<bool(std::int64_t fold, const Evaluation&)> watch = {};
};

/// One fold: starts at Daubechies filters (or `optim.start` weights), one optimiser step per session and pass.
/// Same seed, same bits, for any number of threads. Errors of the training itself come back as `failed`.
FoldResult train_fold(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
                      const std::vector<Session>& held_out, const TrainPlan& plan = {});

struct CrossValidation {
  std::vector<FoldResult> folds;
  double score = 0;  // cross-validation-avg-r2: mean over folds of the best saved pearsonr2-xy-normed
  double last = 0;   // mean over folds of the metric of the last evaluation: nothing was selected by it
  double seconds = 0;
  bool interrupted = false;
};

/// Sets score, last and interrupted from the folds.
void summarise(CrossValidation& run);

/// Sessions held out by fold k of n: contiguous, the first (sessions mod n) folds have one more.
std::vector<std::int64_t> held_out_sessions(std::int64_t sessions, std::int64_t folds, std::int64_t fold);

/// Sessions of all days, in order.
std::vector<Session> sessions_of(const std::vector<Day>& days);

/// All folds (or train.fold alone), one per thread. Throws Error(config) when there are fewer sessions than folds.
/// With train.folds 1 the network is trained on all sessions and looked at on those of `others`.
CrossValidation cross_validate(const Settings& settings, const std::vector<Day>& days, const TrainPlan& plan = {},
                               const std::vector<Day>& others = {});
/// Throws Error(config) when there are fewer sessions than folds, Error(data) when there is none.
void check_sessions(const Settings& settings, const std::vector<Day>& days);

}  // namespace thimble::fenet
