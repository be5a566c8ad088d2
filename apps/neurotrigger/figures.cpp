#include "apps/neurotrigger/figures.h"

#include "core/base/text.h"
#include "core/linalg/stats.h"

#include "apps/neurotrigger/figure_parts.h"
#include "apps/neurotrigger/plots.h"
#include "apps/neurotrigger/scaling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thimble::neurotrigger {
namespace {

using report::Figure;
using report::Mark;
using report::Series;

std::vector<double> chosen_differences(const Compared& c, const Tensor& network, bool shallow) {
  const Tensor y = drawn_rows(c.y);
  const std::vector<double> all = differences(y, drawn_rows(network));
  if (!shallow) return all;
  const std::vector<double> reco = physical_column(y);
  std::vector<double> out;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (std::abs(reco[i]) <= kShallowCm) out.push_back(all[i]);
  return out;
}

}  // namespace

Figure z_plot(const Compared& c, const std::string& name, const std::string& title, bool old) {
  Figure f = map_plot(plot_rows(c, old), title).figure;
  f.name = name;
  if (old) f.y.label = "z of the old network";
  return f;
}

Figure z_histogram(const Compared& c, const std::string& name, const std::string& title) {
  const std::vector<double> reco = physical_column(drawn_rows(c.y)), network = physical_column(drawn_rows(c.y_hat));
  const std::vector<double> old = c.has_old ? physical_column(drawn_rows(c.y_old)) : std::vector<double>();
  Figure f = plain_figure(name, title, "Where the tracks come from, as reconstructed and as the networks say.",
                          figure_axis("z", "cm"), figure_axis("tracks"));
  const linalg::Range range = range_of({reco, network, old});
  add_histogram(f, "reco", reco, range, spread_text(reco));
  add_histogram(f, "network", network, range, spread_text(network));
  add_histogram(f, "old network", old, range, spread_text(old));
  return f;
}

Figure z_difference(const Compared& c, const std::string& name, const std::string& title, bool shallow) {
  const std::vector<double> fresh = chosen_differences(c, c.y_hat, shallow);
  const std::vector<double> old = c.has_old ? chosen_differences(c, c.y_old, shallow) : std::vector<double>();
  Figure f = plain_figure(
      name, title,
      shallow ? "Errors for tracks within 1 cm of the collision point." : "Errors of all tracks; narrow is good.",
      figure_axis("reco z - network z", "cm"), figure_axis("tracks"));
  linalg::Range range = range_of({fresh, old});
  if (!shallow) {
    range = {std::max(range.low, kZLow), std::min(range.high, kZHigh)};
    f.x.low = range.low;
    f.x.high = range.high;
  }
  add_histogram(f, "network", fresh, range, trimmed_text(fresh));
  add_histogram(f, "old network", old, range, trimmed_text(old));
  return f;
}

Series spread_series(const std::string& name, const SpreadCurve& curve) {
  Series s = line_series(name, curve.z_cm, curve.spread_cm);
  if (!curve.z_cm.empty())
    s.statistics = text::cat("n ", curve.z_cm.size(), ", least ",
                             text::fixed(*std::min_element(curve.spread_cm.begin(), curve.spread_cm.end()), 2), " cm");
  return s;
}

Figure z_spread(const Compared& c, const std::string& name, const std::string& title) {
  Figure f =
      plain_figure(name, title, "Trimmed spread of the error in windows of 2 cm; the resolution along the beam line.",
                   figure_axis("reco z", "cm"), figure_axis("trimmed std of reco z - network z", "cm"));
  const auto add = [&](const std::string& label, bool old) {
    const PlotRows rows = plot_rows(c, old);
    const SpreadCurve curve = spread_against_z(rows.reco, rows.difference);
    if (!curve.z_cm.empty()) f.series.push_back(spread_series(label, curve));
  };
  add("network", false);
  if (c.has_old) add("old network", true);
  f.y.low = 0.0;
  return f;
}

Figure loss_figure(const std::vector<LossCurve>& curves) {
  Figure f =
      plain_figure("loss", "Loss per expert", "Validation loss (solid) and training loss (points) after each epoch.",
                   figure_axis("epoch"), figure_axis("loss"));
  f.y.log = true;
  int style = 0;
  for (const LossCurve& curve : curves) {
    Series validation = line_series(curve.name, curve.epoch, curve.validation);
    validation.style = style;
    f.series.push_back(report::reduced(validation));
    Series train = line_series("", curve.epoch, curve.train);
    train.mark = Mark::points;
    train.style = style++;
    f.series.push_back(report::reduced(train, 60));
  }
  return f;
}

Figure cut_figure(const Compared& c, const std::string& name, const std::string& title) {
  Figure f = plain_figure(
      name, title,
      "A cut on the network's z keeps tracks of the collision point (up) and drops far ones (right); the cut "
      "opens from right to left.",
      figure_axis("rejected of |reco z| > 20 cm", "", 0, 1), figure_axis("kept of |reco z| < 1 cm", "", 0, 1));
  std::vector<double> cuts(101);
  std::iota(cuts.begin(), cuts.end(), 0.0);
  const auto add = [&](const std::string& label, const Tensor& network) {
    Series s = line_series(label, {}, {});
    std::vector<CutPoint> curve = cut_curve(c.y, network, cuts);
    std::reverse(curve.begin(), curve.end());
    for (const CutPoint& p : curve) {
      s.x.push_back(p.rejection);
      s.y.push_back(p.efficiency);
      if (p.cut_cm == 15.0)
        s.statistics = text::cat("15 cm: keeps ", text::fixed(100 * p.efficiency, 1), " %, rejects ",
                                 text::fixed(100 * p.rejection, 1), " %");
    }
    if (!s.x.empty()) f.series.push_back(std::move(s));
  };
  add("network", c.y_hat);
  if (c.has_old) add("old network", c.y_old);
  return f;
}

Figure drift_figure(const std::vector<double>& differences_cm, const std::string& title) {
  Figure f =
      plain_figure("hardware-drift", title, "What rounding to the integers of the trigger hardware changes in z.",
                   figure_axis("trained z - integer z", "cm"), figure_axis("tracks"));
  add_histogram(f, "", differences_cm, range_of({differences_cm}), spread_text(differences_cm));
  return f;
}

}  // namespace thimble::neurotrigger
