#pragma once
// The page and the sentences that a person reads after a training.

#include "core/report/html.h"

#include "apps/common/config/tree.h"
#include "apps/fenet/data/recordings.h"
#include "apps/fenet/evaluate/comparison.h"

#include <string>
#include <vector>

namespace thimble::fenet {

/// What a report tells besides results.
struct ReportedRun {
  std::string name;
  const Settings& settings;
  const app::ConfigTree& tree;
  const Recordings& recordings;
};

/// "R2 0.346 on 1 held-out session, 1.28 times the wavelet start, 2.6 times spiking-band power".
std::string result_sentence(const Settings& settings, const CrossValidation& run, const Comparison& comparison);
report::Report build_report(const ReportedRun& reported, const CrossValidation& run, const Comparison& comparison);
/// What to type next.
std::vector<report::NextCommand> next_commands(const std::string& folder);

}  // namespace thimble::fenet
