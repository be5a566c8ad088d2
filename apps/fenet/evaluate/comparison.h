#pragma once
// One table of everything that can stand in front of the decoder, on the same folds of the same held-out sessions.

#include "core/linalg/stats.h"
#include "core/report/table.h"

#include "apps/fenet/train/cross_validation.h"

#include <map>
#include <string>
#include <vector>

namespace thimble::fenet {

/// Features of one kind, judged.
struct Method {
  std::string key, title;                            // "fenet", "FENet"; "tc", "threshold crossings"
  std::map<std::string, double> metrics;             // means over sessions
  std::vector<std::map<std::string, double>> folds;  // of all sessions, in order
  double mean = 0;                                   // of the headline metric over the folds with a value
  linalg::Interval interval{0, 0};                   // 95 %, bootstrap over folds
  double ratio = 0;                                  // headline of the first method to this one
  linalg::Interval ratio_interval{0, 0};
  std::int64_t features = 0;  // per channel
  bool of_run = true;         // trained here; false: something to compare with
};

/// A held-out session as the trained network decodes it.
struct Decoded {
  std::string session;
  std::int64_t fold = 0;
  Tensor labels, predictions;      // [B, D]
  std::vector<double> channel_r2;  // headline metric of every channel alone
  std::vector<std::int64_t> channels;
  double metric = 0;
};

struct Comparison {
  std::vector<Method> methods;  // the trained network first
  std::vector<Decoded> decoded;
  std::int64_t sessions = 0, folds = 0, invalid = 0;
};

/// Sessions to judge on, with the network of the fold that has not seen them.
struct JudgedSession {
  Session session;
  double rate_hz = 30000;
  std::vector<std::int64_t> channels;
  const FoldResult* fold = nullptr;
};
/// Those that the folds held out; for a training on all sessions those of `others` (test days).
std::vector<JudgedSession> judged_sessions(const Settings& settings, const std::vector<Day>& days,
                                           const std::vector<Day>& others, const CrossValidation& run);

/// Trained, best saved and start filters, eval.compare, and the baselines.
Comparison compare_methods(const Settings& settings, const std::vector<JudgedSession>& sessions);

report::Table comparison_table(const Comparison& comparison);

}  // namespace thimble::fenet
