#include "apps/fenet/run/run_figures.h"

#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/train/fold_training.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thimble::fenet {
namespace {

using report::Figure;
using report::Mark;
using report::Series;

constexpr std::size_t kShownSegments = 500;  // of the axis plot
constexpr std::size_t kFrequencies = 200;

std::vector<double> counted(std::size_t n, double first = 0) {
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = first + static_cast<double>(i);
  return out;
}

Figure figure_of(std::string name, std::string title, std::string x, std::string y) {
  Figure f;
  f.name = std::move(name);
  f.title = std::move(title);
  f.x.label = std::move(x);
  f.y.label = std::move(y);
  return f;
}

Series line_of(std::string name, std::vector<double> x, std::vector<double> y) {
  Series s;
  s.name = std::move(name);
  s.x = std::move(x);
  s.y = std::move(y);
  return s;
}

Figure loss_curves(const CrossValidation& run) {
  Figure f = figure_of("loss", "Training loss", "step", "mean squared error");
  f.caption = "Loss of the session of each step, before the update. The sessions differ, hence the teeth.";
  for (const FoldResult& fold : run.folds)
    if (!fold.losses.empty())
      f.series.push_back(line_of(text::cat("fold ", fold.fold), counted(fold.losses.size()), fold.losses));
  return f;
}

Figure metric_curves(const CrossValidation& run) {
  Figure f = figure_of("held-out-r2", "Held-out sessions", "step", "R2 (pearsonr2-xy-normed)");
  f.caption = "Squared correlation of the decoded movement, judged on sessions that the filters have not seen.";
  for (const FoldResult& fold : run.folds) {
    Series s = line_of(text::cat("fold ", fold.fold), {}, {});
    s.mark = Mark::line_points;
    for (const Evaluation& e : fold.evaluations) {
      const double value = headline_of(e);
      if (!std::isfinite(value)) continue;
      s.x.push_back(static_cast<double>(e.step));
      s.y.push_back(value);
    }
    if (!s.x.empty()) f.series.push_back(std::move(s));
  }
  return f;
}

std::vector<double> column_of_labels(const Tensor& table, std::int64_t axis) {
  const std::vector<double> all = table.to_vector();
  std::vector<double> out;
  for (auto i = static_cast<std::size_t>(axis); i < all.size(); i += static_cast<std::size_t>(table.size(1)))
    out.push_back(all[i]);
  return out;
}

Figure channel_figure(const Decoded& d) {
  Figure f = figure_of("channels-" + d.session, text::cat("Channels of ", d.session), "channel", "R2 of one channel");
  f.caption = "Each channel decodes alone; all together reach more.";
  Series s = line_of("", {}, d.channel_r2);
  s.mark = Mark::points;
  s.x = counted(d.channel_r2.size(), 1);
  f.y.low = 0;
  f.series.push_back(std::move(s));
  return f;
}

Figure filter_taps(const std::vector<Tensor>& before, const std::vector<Tensor>& after, std::size_t filter) {
  const std::string which = filter % 2 == 0 ? "feature" : "pass";
  Figure f = figure_of(text::cat("filter-", filter / 2 + 1, "-", which),
                       text::cat("Level ", filter / 2 + 1, ", ", which, " filter"), "tap", "weight");
  const std::vector<double> x = counted(static_cast<std::size_t>(after[filter].numel()));
  if (filter < before.size()) f.series.push_back(line_of("before training", x, before[filter].to_vector()));
  f.series.push_back(line_of("after", x, after[filter].to_vector()));
  return f;
}

/// Magnitude of the response at `frequency` cycles per sample.
double response_at(const std::vector<double>& taps, double frequency) {
  double re = 0, im = 0;
  for (std::size_t k = 0; k < taps.size(); ++k) {
    const double phase = 2 * std::numbers::pi * frequency * static_cast<double>(k);
    re += taps[k] * std::cos(phase);
    im += taps[k] * std::sin(phase);
  }
  return std::hypot(re, im);
}

/// The chain from the input to the feature of a level: pass filters of the levels above, then the feature filter.
double chain_response(const std::vector<Tensor>& weights, const std::vector<int>& strides, std::size_t level, double hz,
                      double rate) {
  double gain = 1, step = 1;
  for (std::size_t l = 0; l <= level; ++l) {
    gain *= response_at(weights[2 * l + (l < level ? 1 : 0)].to_vector(), hz / rate * step);
    step *= strides[l];
  }
  return gain;
}

Figure responses(const std::vector<Tensor>& weights, const Settings& settings, double rate, const std::string& when) {
  const std::vector<int> strides = architecture_of(settings.model).strides;
  Figure f = figure_of("response-" + when, "Frequency response of the features, " + when, "frequency", "gain");
  f.caption = "From the input to the feature path of each level; what the strides fold back is not shown.";
  f.x.unit = "Hz";
  f.x.log = f.y.log = true;
  std::vector<double> hz;
  for (std::size_t i = 0; i < kFrequencies; ++i)
    hz.push_back(10 * std::pow(rate / 2 / 10, static_cast<double>(i) / static_cast<double>(kFrequencies - 1)));
  double largest = 0;
  for (std::size_t level = 0; 2 * level + 1 < weights.size(); ++level) {
    std::vector<double> gain;
    for (const double v : hz) gain.push_back(chain_response(weights, strides, level, v, rate));
    largest = std::max(largest, *std::max_element(gain.begin(), gain.end()));
    f.series.push_back(line_of(text::cat("level ", level + 1), hz, std::move(gain)));
  }
  f.y.low = largest * 1e-3;
  f.y.high = largest * 1.5;
  return f;
}

report::FigureGroup filter_group(const Settings& settings, const FoldResult& fold) {
  report::FigureGroup group;
  group.heading = text::cat("Filters of fold ", fold.fold);
  group.folded = true;
  if (fold.weights.empty()) return group;
  const double rate = settings.data.rate_hz > 0 ? settings.data.rate_hz : 30000;
  group.figures.push_back(responses(fold.start_weights, settings, rate, "before training"));
  group.figures.push_back(responses(fold.weights, settings, rate, "after training"));
  for (std::size_t i = 0; i < fold.weights.size() / 2 * 2; ++i)  // a learned reduction comes last
    group.figures.push_back(filter_taps(fold.start_weights, fold.weights, i));
  return group;
}

}  // namespace

Figure comparison_figure(const Comparison& comparison) {
  Figure f = figure_of("comparison", "Features compared", "", "R2 (pearsonr2-xy-normed)");
  f.caption = "The same folds of the same held-out sessions; bars are 95 % intervals.";
  Series s;
  s.mark = Mark::error_bars;
  double at = 0;
  for (const Method& m : comparison.methods) {
    if (!std::isfinite(m.mean)) continue;
    s.x.push_back(at);
    s.y.push_back(m.mean);
    s.low.push_back(m.interval.low);
    s.high.push_back(m.interval.high);
    f.x.names.emplace_back(at, m.title.size() > 22 ? m.key : m.title);
    at += 1;
  }
  f.x.low = -0.5;
  f.x.high = at - 0.5;
  f.y.low = 0;
  f.series.push_back(std::move(s));
  return f;
}

Figure axis_figure(const std::vector<Decoded>& decoded, std::int64_t axis) {
  Figure f = figure_of("axis-" + axis_name(axis), "Decoded movement, " + axis_name(axis), "time step",
                       axis_name(axis) + ", normalised");
  f.caption = "Pale: what was done, strong: what is decoded; the first 500 segments of every session.";
  f.y.low = -1.5;
  f.y.high = 1.5;
  int style = 0;
  for (const Decoded& d : decoded) {
    const auto count = std::min(kShownSegments, static_cast<std::size_t>(d.labels.size(0)));
    const auto some = [&](const Tensor& table) {
      std::vector<double> values = column_of_labels(table, axis);
      values.resize(count);
      return values;
    };
    Series truth = line_of("", counted(count), some(d.labels));
    truth.secondary = true;
    truth.style = style % 8;
    Series made = line_of(text::cat(d.session, "  ", text::fixed(d.metric, 4)), counted(count), some(d.predictions));
    made.style = style++ % 8;
    f.series.push_back(std::move(truth));
    f.series.push_back(std::move(made));
  }
  return f;
}

Figure direction_figure(const Decoded& d, bool predicted) {
  const std::string what = predicted ? "decoded" : "true";
  Figure f =
      figure_of(text::cat("plane-", what, "-", d.session), text::cat("Velocity, ", what, ", ", d.session), "x", "y");
  f.caption = "Colour: direction of the true velocity, red to the right, green and blue a third of a turn either way.";
  f.square = true;
  f.x.low = f.y.low = -2;
  f.x.high = f.y.high = 2;
  const Tensor& shown = predicted ? d.predictions : d.labels;
  const std::vector<double> x = column_of_labels(shown, 0), y = column_of_labels(shown, 1),
                            true_x = column_of_labels(d.labels, 0), true_y = column_of_labels(d.labels, 1);
  Series points = line_of("", x, y);
  points.mark = Mark::points;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto [red, green, blue] = direction_colour(true_x[i], true_y[i]);
    points.colours.push_back(report::packed_colour(red, green, blue));
  }
  f.series.push_back(std::move(points));
  return f;
}

std::vector<report::FigureGroup> run_figures(const Settings& settings, const CrossValidation& run,
                                             const Comparison& comparison) {
  std::vector<report::FigureGroup> groups(3);
  groups[0].heading = "Training";
  groups[0].figures = {loss_curves(run), metric_curves(run)};
  std::erase_if(groups[0].figures, [](const Figure& f) { return f.series.empty(); });
  groups[1].heading = "Comparison";
  if (!comparison.methods.empty()) groups[1].figures.push_back(comparison_figure(comparison));
  groups[2].heading = "Decoded movement";
  if (!comparison.decoded.empty())
    for (std::int64_t axis = 0; axis < comparison.decoded.front().labels.size(1); ++axis)
      groups[2].figures.push_back(axis_figure(comparison.decoded, axis));
  for (const Decoded& d : comparison.decoded) {
    groups[1].figures.push_back(channel_figure(d));
    if (d.labels.size(1) < 2) continue;
    groups[2].figures.push_back(direction_figure(d, false));
    groups[2].figures.push_back(direction_figure(d, true));
  }
  for (const FoldResult& fold : run.folds) groups.push_back(filter_group(settings, fold));
  return groups;
}

}  // namespace thimble::fenet
