#pragma once
// The plots of one network on one set of rows, as the original trainer makes them during and after training (section
// 3.7 of the specification), with the numbers behind them. Values in cm; differences are reco - network.
//
// A new plot is a function from PlotRows to Plot and one line in plot_kinds(): it then appears in TensorBoard, in
// post_training_plots and in the verb `plots`.

#include "core/report/figure.h"
#include "core/report/progress.h"

#include "apps/neurotrigger/look/figure_parts.h"
#include "apps/neurotrigger/train/experts.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace thimble::neurotrigger {

/// Names and values of a legend: "count", "mean", "std" (divisor n), "trimmed_std", ... NaN where there is no value.
using Statistics = std::vector<std::pair<std::string, double>>;

struct Plot {
  report::Figure figure;
  Statistics statistics;
  /// Nothing to draw: no row fell into the plot.
  bool empty() const { return figure.series.empty() && !figure.grid; }
};

struct PlotKind {
  std::string name;  // of the files and of the TensorBoard tag
  Plot (*draw)(const PlotRows& rows, const std::string& title);
};
/// z-plot, z-hist, z-diff, z-std, z-shallow-diff.
const std::vector<PlotKind>& plot_kinds();

/// Reco z against network z, 200 x 200 bins over the data, logarithmic colour.
Plot map_plot(const PlotRows& rows, const std::string& title);
/// Trimmed spread of the difference against reco z, every window a point with its statistical uncertainty
/// s / sqrt(2 (n - 1)), n rows in the window: the scattered form of z-std.
Plot scattered_spread_plot(const PlotRows& rows, const std::string& title);

/// One of each kind for the network; empty plots are left out.
std::vector<Plot> network_plots(const Compared& compared, const std::string& title);
/// One of each kind for the old network, "-old" behind the names, if there is one; and z-hist-gt, the targets.
std::vector<Plot> baseline_plots(const Compared& compared, const std::string& title);
/// Old and new network in one figure: z-hist-both, z-diff-both, z-shallow-diff-both, z-std-both; the cut curve; and
/// z-std-scatter.
std::vector<Plot> overlay_plots(const Compared& compared, const std::string& title);
/// Names of the plots that overlay_plots can make.
const std::vector<std::string>& overlay_names();
/// network_plots, baseline_plots and overlay_plots.
std::vector<Plot> all_plots(const Compared& compared, const std::string& title);

/// Sharpness of written images: 640 x 480 points of 1/100 inch at 200 dots per inch.
inline constexpr double kPlotDensity = 2.0;

/// A plot and the folder it goes to.
struct PlotFile {
  std::filesystem::path folder;
  Plot plot;
};
/// Writes NAME.png (when gnuplot is installed), NAME.csv (the bins or points drawn) and NAME.json (the legend) of every
/// plot into its folder, which is made; tells its progress. Throws Error(io).
void write_plots(const std::vector<PlotFile>& files, report::ProgressMode progress = report::ProgressMode::none);

/// The rows of one network on a split, and what its plots are called.
struct NetworkRows {
  std::string name;  // "expert_0", "mean_expert": the rows of all networks together
  Compared rows;
  std::string title;
};
/// Rows that the filter keeps, of every network of a run and, when there are several, of all together; networks with
/// fewer than two rows are left out.
std::vector<NetworkRows> rows_of_networks(const Splits& splits, const RunResult& run, Split split);

/// network_plots and baseline_plots of rows_of_networks: `folder`/expert_<e>/<name>/..., mean_expert/<name>/...
/// Returns the folders written.
std::vector<std::filesystem::path> write_post_training_plots(
    const std::filesystem::path& folder, const Splits& splits, const RunResult& run, Split split = Split::val,
    const std::string& name = "post_training_plots", report::ProgressMode progress = report::ProgressMode::none);

}  // namespace thimble::neurotrigger
