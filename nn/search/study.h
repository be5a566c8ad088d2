#pragma once
// The loop of a search: propose a batch of arms from what is committed, try them anywhere and in any order, commit
// them in the order of their numbers. So threads and kills change nothing in the result; the size of the batch does.

#include "nn/search/early_stop.h"
#include "nn/search/journal.h"
#include "nn/search/strategy.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace thimble::nn::search {

/// One training: an arm (settings) with one of its repeats (seed, fold).
struct Trial {
  std::size_t arm = 0, repeat = 0;
  const Assignment* values = nullptr;
  Hurdles hurdles = {};  // what it must reach to go on; the application asks hurdles.stops(curve)
};

/// What a trial gave.
struct Outcome {
  bool failed = false;
  std::string reason;                     // why it failed
  std::map<std::string, double> metrics;  // finite values only; the others are left out
  std::string detail = "null";            // anything else the application wants back, as JSON text
  double seconds = 0;
  std::vector<double> curve = {};  // values of the metric on the way, for the hurdles of later trials; finite
  bool stopped = false;            // at a hurdle; its metrics count as they are
};

struct Arm {
  std::size_t number = 0;
  Assignment values;
  std::vector<Outcome> outcomes;  // one per repeat
  bool failed() const;            // any of them
  /// Mean over the repeats; nothing when the arm failed or a repeat lacks the metric.
  std::optional<double> mean(const std::string& metric) const;
};

struct StudyOptions {
  std::string metric;  // what is searched for
  Goal goal = Goal::min;
  std::size_t batch = 16;            // arms proposed at a time
  std::size_t repeats = 1;           // trials of every arm
  std::size_t most_arms = 0;         // 0: as many as the strategy has
  std::size_t patience = 0;          // arms without a better one before the search ends, 0: never
  std::optional<double> goal_value;  // ends the search when an arm reaches it
  std::optional<EarlyStop> early_stop;
};

/// How far a study is, for progress lines.
struct StudyState {
  std::size_t done = 0;                // trials, those of the journal included
  std::size_t restored = 0;            // of them from the journal
  std::optional<std::size_t> planned;  // trials in all, when known
  std::size_t failures = 0, stopped = 0;
  std::optional<double> last, best;  // objective of the trial that ended last, of the best one so far
};

struct StudyResult {
  std::vector<Arm> arms;  // committed, in order of their numbers
  bool interrupted = false;
  std::string ended;  // why: "all 26 arms are done"
};

/// Tries one set of settings. Called from several threads at once. Nothing: interrupted, the trial is done again.
/// Errors of kind failed, config, data, value and shape become failed outcomes; the others end the study.
using Evaluate = std::function<std::optional<Outcome>(const Trial&)>;
/// Calls `evaluate`, times it and makes failed outcomes of the errors that stay with the trial.
std::optional<Outcome> try_trial(const Evaluate& evaluate, const Trial& trial);
/// Runs trials, each once, and reports every outcome as soon as it is there, one at a time.
using Executor = std::function<void(const std::vector<Trial>&, const Evaluate&,
                                    const std::function<void(const Trial&, const Outcome&)>&)>;
/// One trial per thread, at most threads() at a time; kernels inside are then serial. A single trial gets all threads.
Executor thread_executor();

/// Runs or continues the study. `stop` is asked before every trial. `observe` sees every finished trial.
/// Throws Error(data) when the journal's trials are not those of the strategy, Error(io) when it cannot be written.
StudyResult run_study(const Strategy& strategy, const StudyOptions& options, Journal& journal, const Evaluate& evaluate,
                      const std::function<bool()>& stop = {},
                      const std::function<void(const StudyState&)>& observe = {},
                      const Executor& executor = thread_executor());

/// Places of the arms, best first: finished ones by their objective (equal ones by number), then those without one,
/// failed ones last.
std::vector<std::size_t> ranking(const std::vector<Arm>& arms, const std::string& metric, Goal goal);

}  // namespace thimble::nn::search
