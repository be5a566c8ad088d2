#pragma once
// Figures of a run: curves of the training, comparison, decoded movement, filters.

#include "core/report/html.h"

#include "apps/fenet/evaluate/comparison.h"

#include <vector>

namespace thimble::fenet {

std::vector<report::FigureGroup> run_figures(const Settings& settings, const CrossValidation& run,
                                             const Comparison& comparison);

/// Headline metric of every method with its interval.
report::Figure comparison_figure(const Comparison& comparison);
/// One axis of truth and prediction, the first 500 segments of every session.
report::Figure axis_figure(const std::vector<Decoded>& decoded, std::int64_t axis);
/// Truth, or predictions, as points of the plane in the colour of the direction of the true movement.
report::Figure direction_figure(const Decoded& decoded, bool predicted);

}  // namespace thimble::fenet
