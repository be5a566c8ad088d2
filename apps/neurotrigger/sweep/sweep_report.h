#pragma once
// Tables, files and the page of a sweep.

#include "core/report/html.h"
#include "core/report/table.h"

#include "apps/neurotrigger/sweep/sweep_view.h"

#include <string>

namespace thimble::neurotrigger {

/// Arms best first, at most `most` rows (0: all): resolution, efficiency, feed-down, difference to the reference,
/// hardware, size, time.
report::Table ranking_table(const SweepView& view, std::size_t most = 0);
/// The ranking metric of every expert.
report::Table expert_table(const SweepView& view);
/// The best arm by every criterion, among all and among those that fit the hardware.
report::Table criteria_table(const SweepView& view);

/// ranking.csv and ranking.json: every metric of every arm, without times, so that equal sweeps give equal bytes.
std::string ranking_csv(const SweepView& view);
std::string ranking_json(const SweepView& view);

/// The page. `tracks` tells what was trained on.
report::Report sweep_report(const SweepView& view, const app::Sweep& sweep, const std::string& tracks);

}  // namespace thimble::neurotrigger
