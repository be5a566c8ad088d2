#pragma once
// Pieces that the figures of this application share: axes, histograms, legend texts, the rows that are drawn.

#include "core/linalg/stats.h"
#include "core/report/figure_parts.h"

#include "apps/neurotrigger/look/compared.h"

#include <string>
#include <utility>
#include <vector>

namespace thimble::neurotrigger {

/// Bins of every histogram of z, and of each side of the map reco z against network z.
inline constexpr std::size_t kFigureBins = 100, kMapBins = 200;
/// Rows that a figure looks at; later ones are left out.
inline constexpr std::int64_t kDrawnRows = 1'000'000;
/// "Near the collision point" of the shallow plots: |reco z| <= 1 cm.
inline constexpr double kShallowCm = 1.0;

using report::figure_axis, report::line_series, report::plain_figure;

/// Legend line: count, mean and standard deviation (divisor n).
std::string spread_text(const std::vector<double>& values, const std::string& unit = "cm");
/// The same with the trimmed standard deviation.
std::string trimmed_text(const std::vector<double>& values, const std::string& unit = "cm");

/// Adds a histogram of 100 bins; nothing for no values.
void add_histogram(report::Figure& figure, const std::string& name, const std::vector<double>& values,
                   linalg::Range range, const std::string& statistics);
/// Least and greatest of all values; one point is widened by 0.5 to both sides.
linalg::Range range_of(const std::vector<std::vector<double>>& sets);

/// z of the same rows as reconstructed and as a network says, cm; the first kDrawnRows rows.
struct PlotRows {
  std::vector<double> reco, network, difference;
};
/// Rows of the new network, or of the old one.
PlotRows plot_rows(const Compared& compared, bool old = false);
/// Differences of the rows near the collision point.
std::vector<double> shallow_differences(const PlotRows& rows);

/// Networks that one figure shows together, with their names in the legend.
using Overlay = std::vector<std::pair<std::string, PlotRows>>;
/// The network, and the old one when there is one.
Overlay old_and_new(const Compared& compared);

}  // namespace thimble::neurotrigger
