#pragma once
// Studies: questions that one training does not answer. Each ends in a table, figures and files.

#include "core/linalg/stats.h"
#include "core/report/progress.h"

#include "apps/fenet/look/look.h"
#include "apps/fenet/look/view.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace thimble::fenet {

/// What a study gets besides runs and recordings.
struct StudyOptions {
  std::int64_t grid = 11;                     // surface: points per direction
  double reach = 1.0;                         // surface: ends of both directions, in norms of the filters
  std::vector<std::string> presets;           // surface: architectures besides the one at hand
  std::int64_t permutations = 200;            // permutation
  std::int64_t first_lag = -5, last_lag = 5;  // lags
  std::int64_t segments = 0;                  // of a session that is looked at, 0: all
  bool full = false;                          // ablation: all 16 combinations
  const std::atomic<bool>* interrupt = nullptr;
  std::function<void(double done, double total, const std::string& what)> told = {};

  void tell(double done, double total, const std::string& what) const {
    if (told) told(done, total, what);
  }
};

/// Held-out values of the headline metric with their mean and 95 % bootstrap interval; values without a number are
/// counted, not used.
struct Judged {
  std::vector<double> values;
  double mean = 0;
  linalg::Interval interval{0, 0};
  std::int64_t invalid = 0;
};
Judged judged(const std::vector<double>& values);
/// "0.346 [0.312, 0.377]"
std::string text_of(const Judged& judged);

/// One training with what it was judged by: all evaluation folds of all held-out sessions, with the last weights.
struct TrainedScores {
  std::vector<FoldResult> folds;
  std::vector<double> values;
};
/// Trains every fold of the settings (or train.fold) on `sessions`, and judges it. A fold that failed or was
/// interrupted throws Error(failed).
TrainedScores train_and_judge(const Settings& settings, const std::vector<Session>& sessions,
                              const std::atomic<bool>* interrupt);
/// One training on `training`, judged on `held_out`.
TrainedScores train_and_judge(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
                              const std::vector<Session>& held_out, const std::atomic<bool>* interrupt);
/// Headline metric of the evaluation folds of a session with these filters.
std::vector<double> fold_values(const Settings& settings, const std::vector<Tensor>& weights, const Session& session);

/// Input standardisation, label normalisation, PLS and batch normalisation switched off in turn (or in all 16
/// combinations), everything else alike.
Look ablation_study(const View& view, const StudyOptions& options);
/// Training loss of the first session around the weights, along two random directions whose filters have the norms of
/// the network's (Li et al., "Visualizing the loss landscape of neural nets", 2018).
Look surface_study(const View& view, const StudyOptions& options);
/// Weight averaging from different epochs on, beside none.
Look averaging_study(const View& view, const StudyOptions& options);
/// Held-out metric against steps and seconds of training.
Look learning_study(const View& view, const StudyOptions& options);
/// Trained on one, two, ... days (sessions, when there is one day), always judged on the last.
Look days_study(const View& view, const StudyOptions& options);
/// A decoder fitted on the first day and kept: its decay, what new statistics and a few new segments bring back, and
/// which channels changed.
Look drift_study(const View& view, const StudyOptions& options);
/// Metric with labels moved against the recording: how much of R2 is chance.
Look permutation_study(const View& view, const StudyOptions& options);
/// Metric of the decoder at one lag after another.
Look lags_study(const View& view, const StudyOptions& options);

const std::vector<std::string>& study_names();
Look make_study(const std::string& name, const View& view, const StudyOptions& options);

}  // namespace thimble::fenet
