#include "apps/neurotrigger/look/figures.h"

#include "core/base/text.h"
#include "core/linalg/stats.h"

#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/look/plots.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thimble::neurotrigger {

using report::Figure;
using report::Mark;
using report::Series;

Figure z_plot(const Compared& c, const std::string& name, const std::string& title, bool old) {
  Figure f = map_plot(plot_rows(c, old), title).figure;
  f.name = name;
  if (old) f.y.label = "z of the old network";
  return f;
}

Figure z_histogram(const Overlay& networks, const std::string& name, const std::string& title) {
  Figure f = plain_figure(name, title, "Where the tracks come from, as reconstructed and as the networks say.",
                          figure_axis("z", "cm"), figure_axis("tracks"));
  std::vector<std::vector<double>> sets{networks.front().second.reco};
  for (const auto& [label, rows] : networks) sets.push_back(rows.network);
  const linalg::Range range = range_of(sets);
  add_histogram(f, "reco", sets.front(), range, spread_text(sets.front()));
  for (const auto& [label, rows] : networks) add_histogram(f, label, rows.network, range, spread_text(rows.network));
  return f;
}

Figure z_difference(const Overlay& networks, const std::string& name, const std::string& title, bool shallow) {
  Figure f = plain_figure(
      name, title,
      shallow ? "Errors for tracks within 1 cm of the collision point." : "Errors of all tracks; narrow is good.",
      figure_axis("reco z - network z", "cm"), figure_axis("tracks"));
  std::vector<std::vector<double>> sets;
  for (const auto& [label, rows] : networks) sets.push_back(shallow ? shallow_differences(rows) : rows.difference);
  linalg::Range range = range_of(sets);
  if (!shallow) {
    range = {std::max(range.low, kZLow), std::min(range.high, kZHigh)};
    f.x.low = range.low;
    f.x.high = range.high;
  }
  for (std::size_t i = 0; i < sets.size(); ++i)
    add_histogram(f, networks[i].first, sets[i], range, trimmed_text(sets[i]));
  return f;
}

Series spread_series(const std::string& name, const SpreadCurve& curve) {
  Series s = line_series(name, curve.z_cm, curve.spread_cm);
  if (!curve.z_cm.empty())
    s.statistics = text::cat("n ", curve.z_cm.size(), ", least ",
                             text::fixed(*std::min_element(curve.spread_cm.begin(), curve.spread_cm.end()), 2), " cm");
  return s;
}

Figure z_spread(const Overlay& networks, const std::string& name, const std::string& title) {
  Figure f =
      plain_figure(name, title, "Trimmed spread of the error in windows of 2 cm; the resolution along the beam line.",
                   figure_axis("reco z", "cm"), figure_axis("trimmed std of reco z - network z", "cm"));
  for (const auto& [label, rows] : networks) {
    const SpreadCurve curve = spread_against_z(rows.reco, rows.difference);
    if (!curve.z_cm.empty()) f.series.push_back(spread_series(label, curve));
  }
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
