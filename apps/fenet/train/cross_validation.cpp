#include "apps/fenet/train/cross_validation.h"

#include "core/base/error.h"
#include "core/parallel/blocks.h"

#include "nn/data/split.h"

#include "apps/common/cli/logger.h"
#include "apps/fenet/train/fold_training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

namespace thimble::fenet {
namespace {

std::vector<Session> some_of(const std::vector<Session>& all, const nn::Rows& numbers) {
  std::vector<Session> out;
  for (const std::int64_t i : numbers) out.push_back(all[static_cast<std::size_t>(i)]);
  return out;
}

std::vector<std::int64_t> folds_to_train(const Settings& settings) {
  if (settings.train.fold) return {*settings.train.fold};
  return nn::all_rows(settings.train.folds);
}

/// Mean of the numbers there are; NaN for none.
double mean_of(const std::vector<double>& values) {
  double sum = 0;
  int count = 0;
  for (const double v : values)
    if (std::isfinite(v)) {
      sum += v;
      ++count;
    }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

double last_metric(const FoldResult& fold) {
  return fold.evaluations.empty() ? std::numeric_limits<double>::quiet_NaN() : headline_of(fold.evaluations.back());
}

}  // namespace

std::vector<std::int64_t> held_out_sessions(std::int64_t sessions, std::int64_t folds, std::int64_t fold) {
  if (folds == 1) return {};
  return nn::contiguous_fold(nn::all_rows(sessions), folds, fold).valid;
}

std::vector<Session> sessions_of(const std::vector<Day>& days) {
  std::vector<Session> all;
  for (const Day& day : days) all.insert(all.end(), day.sessions.begin(), day.sessions.end());
  return all;
}

void check_sessions(const Settings& settings, const std::vector<Day>& days) {
  const auto count = static_cast<std::int64_t>(sessions_of(days).size());
  const std::int64_t folds = settings.train.folds;
  if (count == 0) throw Error(ErrorKind::data, "there is no session to train on", {"", 0, 0, "data"});
  if (folds > count)
    throw Error(ErrorKind::config, text::cat("train.folds is ", folds, ", there are ", count, " sessions"),
                {"", 0, 0, "train.folds"}, text::cat("train.folds=", count, ", or more sessions"));
}

void summarise(CrossValidation& run) {
  std::vector<double> best, last;
  for (const FoldResult& fold : run.folds) {
    best.push_back(fold.best);
    last.push_back(last_metric(fold));
    run.interrupted = run.interrupted || fold.status == FoldStatus::interrupted;
  }
  run.score = mean_of(best);
  run.last = mean_of(last);
}

CrossValidation cross_validate(const Settings& settings, const std::vector<Day>& days, const TrainPlan& plan,
                               const std::vector<Day>& others) {
  check_sessions(settings, days);
  const std::vector<Session> all = sessions_of(days), looked_at = sessions_of(others);
  const std::vector<std::int64_t> folds = folds_to_train(settings);
  CrossValidation out;
  out.folds.resize(folds.size());
  std::optional<report::TrainProgress> progress;
  if (plan.progress != nullptr)
    progress.emplace(*plan.progress, "folds", static_cast<int>(folds.size()), "segments", false);
  const auto begin = std::chrono::steady_clock::now();
  const auto train_one = [&](std::int64_t job) {
    const std::int64_t fold = folds[static_cast<std::size_t>(job)];
    nn::Split split{nn::all_rows(static_cast<std::int64_t>(all.size())), {}};
    if (settings.train.folds > 1) split = nn::contiguous_fold(split.train, settings.train.folds, fold);
    const std::vector<Session> training = some_of(all, split.train),
                               held_out = settings.train.folds > 1 ? some_of(all, split.valid) : looked_at;
    out.folds[static_cast<std::size_t>(job)] =
        train_fold(settings, fold, training, held_out, plan, progress, static_cast<int>(job));
  };
  const auto count = static_cast<std::int64_t>(folds.size());
  const std::int64_t together = settings.run.workers > 0 ? settings.run.workers : count;
  for (std::int64_t first = 0; first < count; first += together)
    parallel_jobs(std::min(together, count - first), [&](std::int64_t job) { train_one(first + job); });
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  summarise(out);
  return out;
}

}  // namespace thimble::fenet
