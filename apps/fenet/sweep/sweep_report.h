#pragma once
// Tables, files and the page of a sweep of FENets.

#include "core/report/html.h"
#include "core/report/table.h"

#include "apps/fenet/sweep/sweep_view.h"

#include <string>
#include <vector>

namespace thimble::fenet {

/// Arms best first, at most `most` rows (0: all).
report::Table sweep_table(const SweepView& view, std::size_t most = 0);
/// The front of R2, MACs and bits, by MACs.
report::Table front_table(const SweepView& view);

/// One line per arm in the order of their numbers, tab separated: number, state, means of all metrics, folds ended
/// early, front, settings. Holds no times, so equal sweeps give equal bytes.
std::string runs_tsv(const SweepView& view);

/// Every chart: course, cost, importance, and for each setting boxes, points with quartiles, means, frequencies.
std::vector<report::FigureGroup> sweep_figures(const SweepView& view);

/// The page. `recordings` tells what was trained on.
report::Report sweep_report(const SweepView& view, const app::Sweep& sweep, const std::string& recordings);

}  // namespace thimble::fenet
