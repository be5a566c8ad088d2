#include "apps/neurotrigger/figures.h"

#include "core/base/text.h"
#include "core/linalg/stats.h"

#include "apps/neurotrigger/scaling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thimble::neurotrigger {
namespace {

using report::Figure;
using report::Mark;
using report::Series;

constexpr std::size_t kBins = 100, kMapBins = 200;
constexpr std::int64_t kMostRows = 1'000'000;
constexpr double kShallowCm = 1.0;

std::string statistics(const std::vector<double>& values) {
  return report::statistics_text(values.size(), linalg::mean(values),
                                 linalg::standard_deviation(values, linalg::Divisor::n), "cm");
}

Figure figure(const std::string& name, const std::string& title, const std::string& caption, report::Axis x,
              report::Axis y) {
  Figure f;
  f.name = name;
  f.title = title;
  f.caption = caption;
  f.x = std::move(x);
  f.y = std::move(y);
  return f;
}

report::Axis axis(const std::string& label, const std::string& unit = "") {
  report::Axis a;
  a.label = label;
  a.unit = unit;
  return a;
}

report::Axis axis(const std::string& label, const std::string& unit, double low, double high) {
  report::Axis a = axis(label, unit);
  a.low = low;
  a.high = high;
  return a;
}

/// Only the first million rows are drawn.
Tensor drawn(const Tensor& table) {
  return table.size(0) > kMostRows ? table.rows(0, kMostRows) : table;
}

void add_histogram(Figure& f, const std::string& name, const std::vector<double>& values, linalg::Range range,
                   const std::string& text) {
  if (!values.empty())
    f.series.push_back(report::histogram_series(name, linalg::histogram(values, kBins, range), text));
}

linalg::Range range_of(const std::vector<std::vector<double>>& sets) {
  double low = 0, high = 0;
  bool any = false;
  for (const auto& values : sets)
    for (const double v : values) {
      low = any ? std::min(low, v) : v;
      high = any ? std::max(high, v) : v;
      any = true;
    }
  return high > low ? linalg::Range{low, high} : linalg::Range{low - 0.5, high + 0.5};
}

std::vector<double> chosen_differences(const Compared& c, const Tensor& network, bool shallow) {
  const Tensor y = drawn(c.y);
  const std::vector<double> all = differences(y, drawn(network));
  if (!shallow) return all;
  const std::vector<double> reco = physical_column(y);
  std::vector<double> out;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (std::abs(reco[i]) <= kShallowCm) out.push_back(all[i]);
  return out;
}

std::string difference_text(const std::vector<double>& values) {
  return statistics(values) + ", trimmed " + text::fixed(linalg::trimmed_standard_deviation(values), 2) + " cm";
}

Series line(const std::string& name, std::vector<double> x, std::vector<double> y) {
  Series s;
  s.name = name;
  s.x = std::move(x);
  s.y = std::move(y);
  return s;
}

}  // namespace

Figure z_plot(const Compared& c, const std::string& name, const std::string& title, bool old) {
  const std::vector<double> reco = physical_column(drawn(c.y)),
                            network = physical_column(drawn(old ? c.y_old : c.y_hat));
  Figure f = figure(name, title,
                    "Tracks by their true origin and by what the network says; a perfect network fills the diagonal.",
                    axis("reco z", "cm", kZLow, kZHigh),
                    axis(old ? "z of the old network" : "z of the network", "cm", kZLow, kZHigh));
  f.square = true;
  f.grid = report::histogram_grid(linalg::histogram_2d(reco, network, kMapBins, kMapBins));
  f.notes = {"reco: " + statistics(reco), "network: " + statistics(network)};
  return f;
}

Figure z_histogram(const Compared& c, const std::string& name, const std::string& title) {
  const std::vector<double> reco = physical_column(drawn(c.y)), network = physical_column(drawn(c.y_hat));
  const std::vector<double> old = c.has_old ? physical_column(drawn(c.y_old)) : std::vector<double>();
  Figure f = figure(name, title, "Where the tracks come from, as reconstructed and as the networks say.",
                    axis("z", "cm"), axis("tracks"));
  const linalg::Range range = range_of({reco, network, old});
  add_histogram(f, "reco", reco, range, statistics(reco));
  add_histogram(f, "network", network, range, statistics(network));
  add_histogram(f, "old network", old, range, statistics(old));
  return f;
}

Figure z_difference(const Compared& c, const std::string& name, const std::string& title, bool shallow) {
  const std::vector<double> fresh = chosen_differences(c, c.y_hat, shallow);
  const std::vector<double> old = c.has_old ? chosen_differences(c, c.y_old, shallow) : std::vector<double>();
  Figure f = figure(
      name, title,
      shallow ? "Errors for tracks within 1 cm of the collision point." : "Errors of all tracks; narrow is good.",
      axis("reco z - network z", "cm"), axis("tracks"));
  linalg::Range range = range_of({fresh, old});
  if (!shallow) {
    range = {std::max(range.low, kZLow), std::min(range.high, kZHigh)};
    f.x.low = range.low;
    f.x.high = range.high;
  }
  add_histogram(f, "network", fresh, range, difference_text(fresh));
  add_histogram(f, "old network", old, range, difference_text(old));
  return f;
}

Figure z_spread(const Compared& c, const std::string& name, const std::string& title) {
  Figure f = figure(name, title, "Trimmed spread of the error in windows of 2 cm; the resolution along the beam line.",
                    axis("reco z", "cm"), axis("trimmed std of reco z - network z", "cm"));
  const auto add = [&](const std::string& label, const Tensor& network) {
    const SpreadCurve curve = spread_against_z(c.y, network);
    if (curve.z_cm.empty()) return;
    Series s = line(label, curve.z_cm, curve.spread_cm);
    s.statistics = text::cat("n ", curve.z_cm.size(), ", least ",
                             text::fixed(*std::min_element(curve.spread_cm.begin(), curve.spread_cm.end()), 2), " cm");
    f.series.push_back(std::move(s));
  };
  add("network", c.y_hat);
  if (c.has_old) add("old network", c.y_old);
  f.y.low = 0.0;
  return f;
}

Figure loss_figure(const std::vector<LossCurve>& curves) {
  Figure f = figure("loss", "Loss per expert", "Validation loss (solid) and training loss (points) after each epoch.",
                    axis("epoch"), axis("loss"));
  f.y.log = true;
  int style = 0;
  for (const LossCurve& curve : curves) {
    Series validation = line(curve.name, curve.epoch, curve.validation);
    validation.style = style;
    f.series.push_back(report::reduced(validation));
    Series train = line("", curve.epoch, curve.train);
    train.mark = Mark::points;
    train.style = style++;
    f.series.push_back(report::reduced(train, 60));
  }
  return f;
}

Figure cut_figure(const Compared& c, const std::string& name, const std::string& title) {
  Figure f =
      figure(name, title,
             "A cut on the network's z keeps tracks of the collision point (up) and drops far ones (right); the cut "
             "opens from right to left.",
             axis("rejected of |reco z| > 20 cm", "", 0, 1), axis("kept of |reco z| < 1 cm", "", 0, 1));
  std::vector<double> cuts(101);
  std::iota(cuts.begin(), cuts.end(), 0.0);
  const auto add = [&](const std::string& label, const Tensor& network) {
    Series s = line(label, {}, {});
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
  Figure f = figure("hardware-drift", title, "What rounding to the integers of the trigger hardware changes in z.",
                    axis("trained z - integer z", "cm"), axis("tracks"));
  add_histogram(f, "", differences_cm, range_of({differences_cm}), statistics(differences_cm));
  return f;
}

std::vector<Figure> training_images(const Compared& c, const std::string& title) {
  return {z_plot(c, "z-plot", title), z_histogram(c, "z-hist", title), z_difference(c, "z-diff", title),
          z_spread(c, "z-std", title), z_difference(c, "z-shallow-diff", title, true)};
}

}  // namespace thimble::neurotrigger
