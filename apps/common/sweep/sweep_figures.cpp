#include "apps/common/sweep/sweep_figures.h"

#include "core/base/text.h"
#include "core/linalg/stats.h"
#include "core/random/philox.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace thimble::app {
namespace {

using report::Figure;
using report::Mark;
using report::Series;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostLines = 60;  // pale lines of parallel coordinates
constexpr std::size_t kMostWords = 14;  // labels along one axis
constexpr int kShuffles = 50;
constexpr double kSharpness = 6;  // weight of an arm falls by e^-6 from no setting different to all different

Figure figure(const std::string& name, const std::string& title, const std::string& caption) {
  Figure f;
  f.name = name;
  f.title = title;
  f.caption = caption;
  return f;
}

std::string words(const std::string& metric, const std::string& unit) {
  return unit.empty() ? metric : text::cat(metric, " [", unit, "]");
}

bool better(double a, double b, nn::Goal goal) {
  return goal == nn::Goal::min ? a < b : a > b;
}

/// Arms that have a value, best first.
std::vector<std::size_t> best_first(const SweepPicture& sweep) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < sweep.values.size(); ++i)
    if (sweep.values[i]) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return better(*sweep.values[a], *sweep.values[b], sweep.goal);
  });
  return order;
}

/// Height 0..1 of every arm on the axis of a setting: its level, evenly spaced.
std::vector<double> heights(const SweptSetting& setting, const std::vector<std::string>& levels) {
  std::vector<double> out;
  for (const std::string& value : setting.values) {
    const auto at = std::find(levels.begin(), levels.end(), value) - levels.begin();
    out.push_back(levels.size() < 2 ? 0.5 : static_cast<double>(at) / static_cast<double>(levels.size() - 1));
  }
  return out;
}

struct Axes {
  std::vector<std::vector<double>> heights;  // [axis][arm], 0..1
  std::vector<report::Label> labels;
};

std::string short_word(const std::string& word) {
  return word.size() > 14 ? word.substr(0, 13) + "…" : word;
}

Axes axes_of(const SweepPicture& sweep, const std::vector<std::size_t>& settings) {
  Axes axes;
  for (const std::size_t s : settings) {
    const std::vector<std::string> levels = sweep.settings[s].levels();
    const auto x = static_cast<double>(axes.heights.size());
    const std::size_t every = (levels.size() + kMostWords - 1) / kMostWords;
    for (std::size_t i = 0; i < levels.size(); i += every) {
      const double y = levels.size() < 2 ? 0.5 : static_cast<double>(i) / static_cast<double>(levels.size() - 1);
      axes.labels.push_back({x, y + 0.03, short_word(levels[i])});
    }
    axes.heights.push_back(heights(sweep.settings[s], levels));
  }
  return axes;
}

/// The metric's own axis; the good end is up.
void add_metric_axis(const SweepPicture& sweep, const std::vector<std::size_t>& order, Axes& axes) {
  const double best = *sweep.values[order.front()], worst = *sweep.values[order.back()];
  std::vector<double> column;
  for (const auto& value : sweep.values)
    column.push_back(!value ? kNaN : best == worst ? 0.5 : (*value - worst) / (best - worst));
  const auto x = static_cast<double>(axes.heights.size());
  axes.labels.push_back({x, 1.03, text::significant(best, 4)});
  if (best != worst) axes.labels.push_back({x, 0.03, text::significant(worst, 4)});
  axes.heights.push_back(std::move(column));
}

/// Polylines of some arms as one series, broken by gaps.
Series lines_of(const std::string& name, const Axes& axes, const std::vector<std::size_t>& arms, int style, bool pale) {
  Series series;
  series.name = name;
  series.style = style;
  series.secondary = pale;
  for (const std::size_t arm : arms) {
    for (std::size_t axis = 0; axis < axes.heights.size(); ++axis) {
      series.x.push_back(static_cast<double>(axis));
      series.y.push_back(axes.heights[axis][arm]);
    }
    series.x.push_back(kNaN);
    series.y.push_back(kNaN);
  }
  return series;
}

/// Similarity of arms, setting by setting: 1 where equal, for numbers falling with the distance in rank.
class Predictor {
 public:
  explicit Predictor(const SweepPicture& sweep) : order_(best_first(sweep)) {
    for (const std::size_t arm : order_) target_.push_back(*sweep.values[arm]);
    for (const SweptSetting& setting : sweep.settings) {
      const bool numeric = setting.numbers().has_value();
      std::vector<double> all = heights(setting, setting.levels()), column;
      for (const std::size_t arm : order_) column.push_back(all[arm]);
      columns_.push_back(std::move(column));
      numeric_.push_back(numeric);
    }
  }
  std::size_t arms() const { return order_.size(); }
  double variance() const {
    const double deviation = linalg::standard_deviation(target_, linalg::Divisor::n);
    return deviation * deviation;
  }
  /// Mean squared error when every arm is predicted from the others; setting `shuffled` of the arm that is predicted
  /// comes from the arm `from` says.
  double error(std::size_t shuffled = SIZE_MAX, const std::vector<std::size_t>& from = {}) const {
    double sum = 0;
    for (std::size_t i = 0; i < arms(); ++i) {
      double weights = 0, mean = 0;
      for (std::size_t k = 0; k < arms(); ++k) {
        if (k == i) continue;
        const double w = std::exp(-kSharpness * distance(i, k, shuffled, from));
        weights += w;
        mean += w * target_[k];
      }
      const double difference = mean / weights - target_[i];
      sum += difference * difference;
    }
    return sum / static_cast<double>(arms());
  }

 private:
  double distance(std::size_t i, std::size_t k, std::size_t shuffled, const std::vector<std::size_t>& from) const {
    double sum = 0;
    for (std::size_t s = 0; s < columns_.size(); ++s) {
      const double a = columns_[s][s == shuffled ? from[i] : i], b = columns_[s][k];
      sum += numeric_[s] ? std::abs(a - b) : a == b ? 0 : 1;
    }
    return sum / static_cast<double>(columns_.size());
  }

  std::vector<std::size_t> order_;
  std::vector<double> target_;
  std::vector<std::vector<double>> columns_;
  std::vector<bool> numeric_;
};

std::vector<std::size_t> permutation(const Stream& stream, std::uint64_t step, std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[stream.below(i, step, i)]);
  return order;
}

}  // namespace

std::optional<std::vector<double>> SweptSetting::numbers() const {
  std::vector<double> out;
  for (const std::string& value : values) {
    double number = 0;
    if (!text::parse(value, number)) return std::nullopt;
    out.push_back(number);
  }
  return out;
}

std::vector<std::string> SweptSetting::levels() const {
  std::vector<std::string> levels;
  for (const std::string& value : values)
    if (std::find(levels.begin(), levels.end(), value) == levels.end()) levels.push_back(value);
  if (!numbers()) return levels;
  const auto number = [](const std::string& text) {
    double value = 0;
    text::parse(text, value);
    return value;
  };
  std::sort(levels.begin(), levels.end(), [&](const auto& a, const auto& b) { return number(a) < number(b); });
  return levels;
}

Figure best_so_far(const SweepPicture& sweep) {
  Figure f = figure("best-so-far", "Progress of the sweep",
                    "Every arm in the order of trying (points) and the best value up to there (line).");
  f.x.label = "arm";
  f.y.label = sweep.metric;
  f.y.unit = sweep.unit;
  Series arms, best;
  arms.mark = Mark::points;
  arms.name = "arm";
  best.name = "best so far";
  std::optional<double> least;
  for (std::size_t i = 0; i < sweep.values.size(); ++i) {
    if (!sweep.values[i]) continue;
    if (!least || better(*sweep.values[i], *least, sweep.goal)) least = sweep.values[i];
    arms.x.push_back(static_cast<double>(i));
    arms.y.push_back(*sweep.values[i]);
    best.x.push_back(static_cast<double>(i));
    best.y.push_back(*least);
  }
  f.series = {arms, best};
  return f;
}

Figure strip_of(const SweepPicture& sweep, const SweptSetting& setting) {
  Figure f = figure("strip-" + setting.key, text::cat(words(sweep.metric, sweep.unit), " against ", setting.key),
                    "One point per arm; other settings differ too, so a column shows what this value can reach.");
  f.x.label = setting.key;
  f.y.label = sweep.metric;
  f.y.unit = sweep.unit;
  Series points;
  points.mark = Mark::points;
  const std::vector<std::string> levels = setting.levels();
  const auto numbers = setting.numbers();
  const bool spread = numbers && levels.size() > 6;
  for (std::size_t i = 0; i < setting.values.size(); ++i) {
    if (!sweep.values[i]) continue;
    const auto level = std::find(levels.begin(), levels.end(), setting.values[i]) - levels.begin();
    points.x.push_back(spread ? (*numbers)[i] : static_cast<double>(level));
    points.y.push_back(*sweep.values[i]);
  }
  if (spread) {
    const auto [low, high] = std::minmax_element(numbers->begin(), numbers->end());
    f.x.log = *low > 0 && *high > 20 * *low;
  } else {
    for (std::size_t i = 0; i < levels.size(); ++i) f.x.names.emplace_back(static_cast<double>(i), levels[i]);
    f.x.low = -0.5;
    f.x.high = static_cast<double>(levels.size()) - 0.5;
  }
  f.series = {points};
  return f;
}

Figure parallel_coordinates(const SweepPicture& sweep, std::size_t most) {
  Figure f = figure("parallel", "Arms across their settings",
                    text::cat("One line per arm from its settings to the ", sweep.metric,
                              ", good values at the top right; where the good lines meet, a setting matters."));
  const std::vector<std::size_t> order = best_first(sweep);
  if (order.empty()) return f;
  std::vector<std::size_t> settings(std::min(most, sweep.settings.size()));
  std::iota(settings.begin(), settings.end(), std::size_t{0});
  Axes axes = axes_of(sweep, settings);
  add_metric_axis(sweep, order, axes);
  const std::size_t quarter = std::max<std::size_t>(1, order.size() / 4);
  const std::vector<std::size_t> top(order.begin() + 1, order.begin() + static_cast<std::ptrdiff_t>(quarter));
  std::vector<std::size_t> rest(order.begin() + static_cast<std::ptrdiff_t>(quarter), order.end());
  if (rest.size() > kMostLines) rest.resize(kMostLines);
  if (!rest.empty()) f.series.push_back(lines_of("other arms", axes, rest, 7, true));
  if (!top.empty()) f.series.push_back(lines_of("best quarter", axes, top, 5, false));
  f.series.push_back(lines_of(text::cat("best: ", sweep.names[order.front()]), axes, {order.front()}, 1, false));
  f.labels = std::move(axes.labels);
  for (std::size_t i = 0; i < settings.size(); ++i)
    f.x.names.emplace_back(static_cast<double>(i), sweep.settings[settings[i]].key);
  f.x.names.emplace_back(static_cast<double>(settings.size()), words(sweep.metric, sweep.unit));
  f.x.low = -0.3;
  f.x.high = static_cast<double>(settings.size()) + 0.3;
  f.y.low = -0.05;
  f.y.high = 1.1;
  f.y.names = {{-1, ""}};  // heights mean something else on every axis
  return f;
}

std::vector<Importance> permutation_importance(const SweepPicture& sweep, std::uint64_t seed) {
  const Predictor predictor(sweep);
  std::vector<Importance> out;
  if (predictor.arms() < 5 || sweep.settings.size() < 2 || !(predictor.variance() > 0)) return out;
  const double base = predictor.error(), scale = predictor.variance();
  for (std::size_t s = 0; s < sweep.settings.size(); ++s) {
    const Stream stream = Rng(seed).stream("importance").stream(sweep.settings[s].key);
    std::vector<double> rises;
    for (int i = 0; i < kShuffles; ++i)
      rises.push_back(
          (predictor.error(s, permutation(stream, static_cast<std::uint64_t>(i), predictor.arms())) - base) / scale);
    out.push_back({sweep.settings[s].key, linalg::mean(rises),
                   linalg::quantile(rises, 0.05, linalg::QuantileRule::linear),
                   linalg::quantile(rises, 0.95, linalg::QuantileRule::linear)});
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.mean > b.mean; });
  return out;
}

Figure importance_figure(const std::vector<Importance>& importance) {
  Figure f = figure("importance", "Permutation importance",
                    "How much the error of predicting an arm from the others grows when this setting is shuffled "
                    "(bar: 90 % of 50 shuffles). Near zero: the setting hardly mattered here.");
  Series bars;
  bars.mark = Mark::error_bars;
  for (const Importance& one : importance) {
    const auto x = static_cast<double>(bars.x.size());
    bars.x.push_back(x);
    bars.y.push_back(one.mean);
    bars.low.push_back(one.low);
    bars.high.push_back(one.high);
    f.x.names.emplace_back(x, one.key);
  }
  f.x.low = -0.5;
  f.x.high = static_cast<double>(importance.size()) - 0.5;
  f.y.label = "rise of the squared error / variance";
  report::Rule zero;
  zero.at = 0;
  f.rules = {zero};
  f.series = {bars};
  return f;
}

}  // namespace thimble::app
