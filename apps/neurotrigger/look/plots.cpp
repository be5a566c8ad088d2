#include "apps/neurotrigger/look/plots.h"

#include "core/base/log.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/linalg/stats.h"
#include "core/report/plotter.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/look/figures.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// 640 x 480 points, the shape of the original's images.
constexpr report::Size kPlotSize{640, 480};

Statistics spread_statistics(const std::vector<double>& values, const std::string& suffix = "") {
  return {{"count" + suffix, static_cast<double>(values.size())},
          {"mean" + suffix, linalg::mean(values)},
          {"std" + suffix, linalg::standard_deviation(values, linalg::Divisor::n)}};
}

Plot histogram_plot(const PlotRows& rows, const std::string& title) {
  Plot plot{plain_figure("z-hist", title, "Where the network says the tracks come from.",
                         figure_axis("z of the network", "cm"), figure_axis("tracks")),
            spread_statistics(rows.network)};
  add_histogram(plot.figure, "network", rows.network, range_of({rows.network}), spread_text(rows.network));
  return plot;
}

Plot plot_of_differences(const std::string& name, const std::string& title, const std::string& caption,
                         const std::vector<double>& values) {
  Plot plot{plain_figure(name, title, caption, figure_axis("reco z - network z", "cm"), figure_axis("tracks")),
            spread_statistics(values)};
  plot.statistics.emplace_back("trimmed_std", linalg::trimmed_standard_deviation(values));
  add_histogram(plot.figure, "difference", values, range_of({values}), trimmed_text(values));
  return plot;
}

Plot difference_plot(const PlotRows& rows, const std::string& title) {
  Plot plot = plot_of_differences("z-diff", title, "Errors of all tracks; narrow is good.", rows.difference);
  plot.figure.x.low = kZLow;
  plot.figure.x.high = kZHigh;
  return plot;
}

Plot shallow_plot(const PlotRows& rows, const std::string& title) {
  return plot_of_differences("z-shallow-diff", title, "Errors for tracks within 1 cm of the collision point.",
                             shallow_differences(rows));
}

/// z-std without its curve.
Plot spread_frame(const std::string& name, const std::string& title, const SpreadCurve& curve) {
  Plot plot{plain_figure(name, title, "Trimmed spread of the error in windows of 2 cm along the beam line.",
                         figure_axis("reco z", "cm"), figure_axis("trimmed std of reco z - network z", "cm")),
            {{"count", static_cast<double>(curve.z_cm.size())}}};
  plot.figure.y.low = 0.0;
  if (!curve.z_cm.empty())
    plot.statistics.emplace_back("minimum", *std::min_element(curve.spread_cm.begin(), curve.spread_cm.end()));
  return plot;
}

Plot spread_plot(const PlotRows& rows, const std::string& title) {
  const SpreadCurve curve = spread_against_z(rows.reco, rows.difference);
  Plot plot = spread_frame("z-std", title, curve);
  if (!curve.z_cm.empty()) plot.figure.series.push_back(spread_series("network", curve));
  return plot;
}

std::vector<Plot> plots_of_rows(const PlotRows& rows, const std::string& title, const std::string& suffix) {
  std::vector<Plot> plots;
  for (const PlotKind& kind : plot_kinds()) {
    Plot plot = kind.draw(rows, title);
    plot.figure.name += suffix;
    if (!plot.empty()) plots.push_back(std::move(plot));
  }
  return plots;
}

/// The targets themselves.
Plot target_plot(const Compared& compared, const std::string& title) {
  const std::vector<double> reco = plot_rows({compared.y, compared.y, compared.y, false}).reco;
  Plot plot{plain_figure("z-hist-gt", title, "Where the tracks really come from.", figure_axis("reco z", "cm"),
                         figure_axis("tracks")),
            spread_statistics(reco)};
  add_histogram(plot.figure, "reco", reco, range_of({reco}), spread_text(reco));
  return plot;
}

std::string plot_json(const Plot& plot) {
  nlohmann::json values = nlohmann::json::object();
  for (const auto& [name, value] : plot.statistics) values[name] = value;  // NaN becomes null
  return io::json_text(
             nlohmann::json{
                 {"name", plot.figure.name}, {"title", plot.figure.title}, {"unit", "cm"}, {"statistics", values}},
             2) +
         "\n";
}

std::vector<Plot> joined(std::vector<std::vector<Plot>> sets) {
  std::vector<Plot> all;
  for (std::vector<Plot>& set : sets) std::move(set.begin(), set.end(), std::back_inserter(all));
  return all;
}

std::string network_title(int expert, Split split) {
  return text::cat(expert < 0 ? "all tracks" : text::cat("expert ", expert), ", ", name_of(split), " tracks");
}

}  // namespace

const std::vector<PlotKind>& plot_kinds() {
  static const std::vector<PlotKind> kinds{{"z-plot", map_plot},
                                           {"z-hist", histogram_plot},
                                           {"z-diff", difference_plot},
                                           {"z-std", spread_plot},
                                           {"z-shallow-diff", shallow_plot}};
  return kinds;
}

Plot map_plot(const PlotRows& rows, const std::string& title) {
  Plot plot{
      plain_figure("z-plot", title,
                   "Tracks by their true origin and by what the network says; a perfect network fills the "
                   "diagonal.",
                   figure_axis("reco z", "cm", kZLow, kZHigh), figure_axis("z of the network", "cm", kZLow, kZHigh)),
      spread_statistics(rows.reco, "_reco")};
  const Statistics network = spread_statistics(rows.network, "_network");
  plot.statistics.insert(plot.statistics.end(), network.begin(), network.end());
  plot.figure.square = true;
  if (!rows.reco.empty())
    plot.figure.grid = report::histogram_grid(linalg::histogram_2d(rows.reco, rows.network, kMapBins, kMapBins));
  plot.figure.notes = {"reco: " + spread_text(rows.reco), "network: " + spread_text(rows.network)};
  return plot;
}

Plot scattered_spread_plot(const PlotRows& rows, const std::string& title) {
  const SpreadCurve curve = spread_against_z(rows.reco, rows.difference);
  Plot plot = spread_frame("z-std-scatter", title, curve);
  report::Series points = spread_series("network", curve);
  points.mark = report::Mark::error_bars;
  for (std::size_t i = 0; i < curve.z_cm.size(); ++i) {
    const double half =
        curve.spread_cm[i] / std::sqrt(2.0 * static_cast<double>(std::max<std::int64_t>(1, curve.rows[i] - 1)));
    points.low.push_back(curve.spread_cm[i] - half);
    points.high.push_back(curve.spread_cm[i] + half);
  }
  if (!curve.z_cm.empty()) plot.figure.series.push_back(std::move(points));
  return plot;
}

std::vector<Plot> network_plots(const Compared& c, const std::string& title) {
  return plots_of_rows(plot_rows(c), title, "");
}

std::vector<Plot> baseline_plots(const Compared& c, const std::string& title) {
  std::vector<Plot> plots;
  if (c.has_old) plots = plots_of_rows(plot_rows(c, true), title + ", old network", "-old");
  plots.push_back(target_plot(c, title));
  return plots;
}

std::vector<Plot> overlay_plots(const Compared& c, const std::string& title) {
  const Overlay both = old_and_new(c);
  std::vector<Plot> plots{{z_histogram(both, "z-hist-both", title), {}},
                          {z_difference(both, "z-diff-both", title), {}},
                          {z_difference(both, "z-shallow-diff-both", title, true), {}},
                          {z_spread(both, "z-std-both", title), {}},
                          {cut_figure(c, "cut", title), {}},
                          scattered_spread_plot(both.front().second, title)};
  std::erase_if(plots, [](const Plot& plot) { return plot.empty(); });
  return plots;
}

const std::vector<std::string>& overlay_names() {
  static const std::vector<std::string> names{"z-hist-both", "z-diff-both", "z-shallow-diff-both",
                                              "z-std-both",  "cut",         "z-std-scatter"};
  return names;
}

std::vector<Plot> all_plots(const Compared& c, const std::string& title) {
  return joined({network_plots(c, title), baseline_plots(c, title), overlay_plots(c, title)});
}

void write_plots(const std::vector<PlotFile>& files, report::ProgressMode mode) {
  const std::string missing = report::Plotter::shared().missing_notice();
  if (!missing.empty()) log::warning(missing);
  report::ProgressOptions options;
  options.mode = mode;
  options.unicode = report::utf8_locale();
  report::Progress progress(options);
  progress.begin("draw", static_cast<double>(files.size()));
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& [folder, plot] = files[i];
    fs::create_directories(folder);
    report::Plotter::shared().save_image(plot.figure, folder, kPlotSize, kPlotDensity);
    if (!plot.statistics.empty()) io::atomic_replace(folder / (plot.figure.name + ".json"), plot_json(plot));
    progress.update(static_cast<double>(i + 1), {});
  }
  progress.end();
}

std::vector<NetworkRows> rows_of_networks(const Splits& splits, const RunResult& run, Split split) {
  std::vector<NetworkRows> networks;
  const auto add = [&](const std::string& name, Compared rows, int expert) {
    if (rows.rows() >= 2) networks.push_back({name, std::move(rows), network_title(expert, split)});
  };
  for (const ExpertResult& expert : run.experts) {
    const int e = expert.outcome.expert;
    const Mask& mask = run.own_masks.at(e)[static_cast<std::size_t>(split)];
    add(text::cat("expert_", e), compared_of(expert, splits, split, mask), e);
  }
  if (networks.size() > 1) add("mean_expert", compared_of(run, splits, split), -1);
  return networks;
}

std::vector<fs::path> write_post_training_plots(const fs::path& folder, const Splits& splits, const RunResult& run,
                                                Split split, const std::string& name, report::ProgressMode progress) {
  std::vector<fs::path> written;
  std::vector<PlotFile> files;
  for (const NetworkRows& network : rows_of_networks(splits, run, split)) {
    written.push_back(folder / network.name / name);
    for (Plot& plot : joined({network_plots(network.rows, network.title), baseline_plots(network.rows, network.title)}))
      files.push_back({written.back(), std::move(plot)});
  }
  write_plots(files, progress);
  return written;
}

}  // namespace thimble::neurotrigger
