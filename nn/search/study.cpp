#include "nn/search/study.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/json.h"
#include "core/parallel/blocks.h"

#include "nn/search/record.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <tuple>

namespace thimble::nn::search {
namespace {

using Json = nlohmann::json;

using Records = std::map<std::pair<std::size_t, std::size_t>, Recorded>;

Records read_records(const Journal& journal) {
  Records records;
  for (std::size_t i = 0; i < journal.records().size(); ++i) {
    const Json json = io::parse_json(journal.records()[i], journal.path().string());
    try {
      Recorded record = read_record(json);
      records[{record.arm, record.repeat}] = std::move(record);
    } catch (const Json::exception&) {
      throw Error(ErrorKind::data, "the record is no trial of this version",
                  {journal.path().string(), static_cast<long>(i) + 2, 0, ""}, "start a new search");
    }
  }
  return records;
}

/// Trouble of one trial stays with that trial; what would hit every other as well ends the study.
bool stays_with_trial(ErrorKind kind) {
  return kind == ErrorKind::failed || kind == ErrorKind::config || kind == ErrorKind::data ||
         kind == ErrorKind::value || kind == ErrorKind::shape;
}

bool better(double a, double b, Goal goal) {
  return goal == Goal::min ? a < b : a > b;
}

class Loop {
 public:
  Loop(const Strategy& strategy, const StudyOptions& options, Journal& journal, const Evaluate& evaluate,
       const std::function<bool()>& stop, const std::function<void(const StudyState&)>& observe,
       const Executor& executor)
      : strategy_(strategy),
        options_(options),
        journal_(journal),
        evaluate_(evaluate),
        stop_(stop),
        observe_(observe),
        executor_(executor),
        records_(read_records(journal)) {
    if (const auto arms = planned_arms()) state_.planned = *arms * options.repeats;
  }

  StudyResult run() {
    while (!ended()) {
      std::vector<Arm> batch = next_batch();
      if (batch.empty()) {
        result_.ended = text::cat("all ", result_.arms.size(), " arms are done");
        break;
      }
      restore(batch);
      try_rest(batch);
      if (!whole(batch)) {
        result_.interrupted = true;
        result_.ended = "interrupted";
        break;
      }
      for (Arm& arm : batch) commit(std::move(arm));
    }
    return std::move(result_);
  }

 private:
  std::optional<std::size_t> planned_arms() const {
    const auto size = strategy_.size();
    if (options_.most_arms == 0) return size;
    return size ? std::min<std::size_t>(*size, options_.most_arms) : options_.most_arms;
  }

  /// A batch that is in the journal to its end is not proposed again where that takes long: its first record vouches
  /// for the strategy.
  std::vector<Assignment> next_settings(std::size_t count) const {
    std::vector<Assignment> recorded;
    for (std::size_t i = 0; i < count && strategy_.laborious(); ++i) {
      for (std::size_t r = 0; r < options_.repeats; ++r)
        if (records_.count({result_.arms.size() + i, r}) == 0) return strategy_.propose(tried_, count);
      recorded.push_back(records_.at({result_.arms.size() + i, 0}).values);
    }
    return strategy_.laborious() ? recorded : strategy_.propose(tried_, count);
  }

  std::vector<Arm> next_batch() {
    std::size_t count = options_.batch;
    if (options_.most_arms > 0) count = std::min(count, options_.most_arms - result_.arms.size());
    std::vector<Arm> batch;
    for (Assignment& values : next_settings(count)) {
      Arm arm;
      arm.number = result_.arms.size() + batch.size();
      arm.values = std::move(values);
      arm.outcomes.resize(options_.repeats);
      batch.push_back(std::move(arm));
    }
    done_.assign(batch.size(), std::vector<bool>(options_.repeats, false));
    return batch;
  }

  void restore(std::vector<Arm>& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (std::size_t r = 0; r < options_.repeats; ++r) {
        const auto found = records_.find({batch[i].number, r});
        if (found == records_.end()) continue;
        if (!same_settings(found->second.values, batch[i].values))
          throw Error(ErrorKind::data,
                      text::cat("arm ", batch[i].number, " was tried with ", str(found->second.values), ", now it is ",
                                str(batch[i].values)),
                      {journal_.path().string(), 0, 0, ""}, "start a new search");
        ++state_.restored;
        take(batch[i], r, i, found->second.outcome);
      }
    tell();
  }

  void try_rest(std::vector<Arm>& batch) {
    std::vector<Trial> trials;
    std::vector<Hurdles> hurdles;
    for (std::size_t r = 0; r < options_.repeats; ++r) hurdles.push_back(hurdles_for(r));
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (std::size_t r = 0; r < options_.repeats; ++r)
        if (!done_[i][r]) trials.push_back({batch[i].number, r, &batch[i].values, hurdles[r]});
    const Evaluate one = [this](const Trial& trial) -> std::optional<Outcome> {
      if (stop_ && stop_()) return std::nullopt;
      return try_trial(evaluate_, trial);
    };
    executor_(trials, one, [&](const Trial& trial, const Outcome& outcome) {
      journal_.append(record_of(trial, outcome));
      const std::size_t place = trial.arm - result_.arms.size();
      take(batch[place], trial.repeat, place, outcome);
      tell();
    });
  }

  /// From the committed arms: the same repeat of each, since folds and seeds are not equally hard.
  Hurdles hurdles_for(std::size_t repeat) const {
    if (!options_.early_stop) return {};
    std::vector<std::span<const double>> curves;
    for (const Arm& arm : result_.arms)
      if (!arm.outcomes[repeat].failed) curves.emplace_back(arm.outcomes[repeat].curve);
    return hurdles_of(*options_.early_stop, options_.goal, curves);
  }

  void take(Arm& arm, std::size_t repeat, std::size_t place, const Outcome& outcome) {
    arm.outcomes[repeat] = outcome;
    done_[place][repeat] = true;
    ++state_.done;
    state_.failures += outcome.failed ? 1 : 0;
    state_.stopped += outcome.stopped ? 1 : 0;
    const auto metric = outcome.metrics.find(options_.metric);
    if (outcome.failed || metric == outcome.metrics.end()) return;
    state_.last = metric->second;
    if (!state_.best || better(metric->second, *state_.best, options_.goal)) state_.best = metric->second;
  }

  bool whole(const std::vector<Arm>& batch) const {
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (std::size_t r = 0; r < options_.repeats; ++r)
        if (!done_[i][r]) return false;
    return true;
  }

  void commit(Arm arm) {
    const std::optional<double> objective = arm.mean(options_.metric);
    tried_.push_back({arm.values, objective});
    if (objective && (!best_ || better(*objective, *best_, options_.goal))) {
      best_ = objective;
      best_arm_ = arm.number;
    }
    result_.arms.push_back(std::move(arm));
  }

  bool ended() {
    const std::size_t arms = result_.arms.size();
    if (options_.goal_value && best_ && !better(*options_.goal_value, *best_, options_.goal))
      result_.ended = text::cat("arm ", best_arm_, " reached the goal of ", *options_.goal_value);
    else if (options_.patience > 0 && best_ && arms > best_arm_ + options_.patience)
      result_.ended = text::cat("no better arm among the last ", arms - best_arm_ - 1);
    else if (options_.most_arms > 0 && arms >= options_.most_arms)
      result_.ended = text::cat("all ", arms, " arms are done");
    return !result_.ended.empty();
  }

  void tell() const {
    if (observe_) observe_(state_);
  }

  const Strategy& strategy_;
  const StudyOptions& options_;
  Journal& journal_;
  const Evaluate& evaluate_;
  const std::function<bool()>& stop_;
  const std::function<void(const StudyState&)>& observe_;
  const Executor& executor_;
  Records records_;
  StudyResult result_;
  StudyState state_;
  std::vector<Tried> tried_;
  std::optional<double> best_;
  std::size_t best_arm_ = 0;
  std::vector<std::vector<bool>> done_;  // trials of the batch under way
};

}  // namespace

bool Arm::failed() const {
  return std::any_of(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return o.failed; });
}

std::optional<double> Arm::mean(const std::string& metric) const {
  if (outcomes.empty() || failed()) return std::nullopt;
  double sum = 0;
  for (const Outcome& outcome : outcomes) {
    const auto found = outcome.metrics.find(metric);
    if (found == outcome.metrics.end()) return std::nullopt;
    sum += found->second;
  }
  return sum / static_cast<double>(outcomes.size());
}

std::optional<Outcome> try_trial(const Evaluate& evaluate, const Trial& trial) {
  const auto begin = std::chrono::steady_clock::now();
  std::optional<Outcome> outcome;
  try {
    outcome = evaluate(trial);
  } catch (const Error& error) {
    if (!stays_with_trial(error.kind())) throw;
    outcome.emplace();
    outcome->failed = true;
    outcome->reason = error.what();
    log::warning("arm ", trial.arm, " (", str(*trial.values), ") failed: ", error.what());
  }
  if (!outcome) return outcome;
  outcome->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::erase_if(outcome->metrics, [](const auto& metric) { return !std::isfinite(metric.second); });
  return outcome;
}

Executor thread_executor() {
  return [](const std::vector<Trial>& trials, const Evaluate& evaluate,
            const std::function<void(const Trial&, const Outcome&)>& finished) {
    if (trials.size() == 1) {  // not inside a job: the trial may use all threads itself
      if (const auto outcome = evaluate(trials.front())) finished(trials.front(), *outcome);
      return;
    }
    std::mutex one_at_a_time;
    parallel_jobs(static_cast<std::int64_t>(trials.size()), [&](std::int64_t job) {
      const Trial& trial = trials[static_cast<std::size_t>(job)];
      const auto outcome = evaluate(trial);
      const std::lock_guard<std::mutex> hold(one_at_a_time);
      if (outcome) finished(trial, *outcome);
    });
  };
}

StudyResult run_study(const Strategy& strategy, const StudyOptions& options, Journal& journal, const Evaluate& evaluate,
                      const std::function<bool()>& stop, const std::function<void(const StudyState&)>& observe,
                      const Executor& executor) {
  THIMBLE_CHECK(options.batch > 0 && options.repeats > 0, value, "a search needs batches and repeats of at least one");
  THIMBLE_CHECK(options.most_arms > 0 || strategy.size(), value, "a search without an end needs a number of arms");
  return Loop(strategy, options, journal, evaluate, stop, observe, executor).run();
}

std::vector<std::size_t> ranking(const std::vector<Arm>& arms, const std::string& metric, Goal goal) {
  std::vector<std::tuple<int, double, std::size_t>> keys;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const std::optional<double> value = arms[i].mean(metric);
    const int group = arms[i].failed() ? 2 : value ? 0 : 1;
    keys.emplace_back(group, goal == Goal::min ? value.value_or(0) : -value.value_or(0), i);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::size_t> order;
  for (const auto& key : keys) order.push_back(std::get<2>(key));
  return order;
}

}  // namespace thimble::nn::search
