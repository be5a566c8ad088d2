#include "apps/fenet/study/study.h"

#include "core/base/error.h"

#include "apps/fenet/train/fold_training.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace thimble::fenet {
namespace {

using MakeStudy = Look (*)(const View&, const StudyOptions&);

const std::vector<std::pair<std::string, MakeStudy>>& study_table() {
  static const std::vector<std::pair<std::string, MakeStudy>> all{
      {"ablation", ablation_study},       {"surface", surface_study}, {"averaging", averaging_study},
      {"learning-curve", learning_study}, {"days", days_study},       {"drift", drift_study},
      {"permutation", permutation_study}, {"lags", lags_study}};
  return all;
}

}  // namespace

Judged judged(const std::vector<double>& values) {
  Judged out;
  for (const double value : values) {
    if (std::isfinite(value))
      out.values.push_back(value);
    else
      ++out.invalid;
  }
  if (out.values.empty()) {
    out.mean = out.interval.low = out.interval.high = std::nan("");
    return out;
  }
  out.mean = linalg::mean(out.values);
  out.interval = linalg::bootstrap_interval(out.values, [](std::span<const double> v) { return linalg::mean(v); });
  return out;
}

std::string text_of(const Judged& judged) {
  if (judged.values.empty()) return "-";
  return text::cat(text::fixed(judged.mean, 3), " [", text::fixed(judged.interval.low, 3), ", ",
                   text::fixed(judged.interval.high, 3), "]");
}

std::vector<double> fold_values(const Settings& settings, const std::vector<Tensor>& weights, const Session& session) {
  Network network(architecture_of(settings), session.segments->samples());
  network.set_weights(weights);
  const Scores scores = judge(extract_features(network, *session.segments), session.segments->channels(),
                              session.labels, with_reduction(protocol_of(settings), network));
  std::vector<double> out;
  for (const auto& fold : scores.folds) out.push_back(fold.at(kHeadline));
  return out;
}

TrainedScores train_and_judge(const Settings& settings, std::int64_t fold, const std::vector<Session>& training,
                              const std::vector<Session>& held_out, const std::atomic<bool>* interrupt) {
  TrainPlan plan;
  plan.interrupt = interrupt;
  TrainedScores out;
  out.folds.push_back(train_fold(settings, fold, training, held_out, plan));
  const FoldResult& result = out.folds.front();
  if (result.status == FoldStatus::interrupted) throw Error(ErrorKind::failed, "interrupted");
  if (result.status == FoldStatus::failed)
    throw Error(ErrorKind::failed, text::cat("a training failed: ", result.reason), {"", 0, 0, "fold"});
  for (const Session& session : held_out) {
    const std::vector<double> values = fold_values(settings, result.weights, session);
    out.values.insert(out.values.end(), values.begin(), values.end());
  }
  return out;
}

TrainedScores train_and_judge(const Settings& settings, const std::vector<Session>& sessions,
                              const std::atomic<bool>* interrupt) {
  const auto count = static_cast<std::int64_t>(sessions.size());
  if (settings.train.folds < 2 || settings.train.folds > count)
    throw Error(ErrorKind::config,
                text::cat("a study holds sessions out: train.folds is ", settings.train.folds, ", there are ", count,
                          " sessions"),
                {"", 0, 0, "train.folds"}, text::cat("train.folds=", std::max<std::int64_t>(2, count)));
  TrainedScores out;
  for (std::int64_t fold = 0; fold < settings.train.folds; ++fold) {
    if (settings.train.fold && *settings.train.fold != fold) continue;
    const std::vector<std::int64_t> held = held_out_sessions(count, settings.train.folds, fold);
    std::vector<Session> training, judges;
    for (std::int64_t i = 0; i < count; ++i) {
      const bool out_of_it = std::find(held.begin(), held.end(), i) != held.end();
      (out_of_it ? judges : training).push_back(sessions[static_cast<std::size_t>(i)]);
    }
    TrainedScores one = train_and_judge(settings, fold, training, judges, interrupt);
    out.folds.push_back(std::move(one.folds.front()));
    out.values.insert(out.values.end(), one.values.begin(), one.values.end());
  }
  return out;
}

const std::vector<std::string>& study_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& entry : study_table()) all.push_back(entry.first);
    return all;
  }();
  return names;
}

Look make_study(const std::string& name, const View& view, const StudyOptions& options) {
  for (const auto& entry : study_table())
    if (entry.first == name) return entry.second(view, options);
  throw Error(ErrorKind::internal, "no such study");
}

}  // namespace thimble::fenet
