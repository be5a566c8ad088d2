#include "apps/common/sweep/sweep_charts.h"

#include "core/base/text.h"
#include "core/linalg/stats.h"

#include <algorithm>
#include <limits>
#include <map>

namespace thimble::app {
namespace {

using report::Figure;
using report::Mark;
using report::Series;

constexpr double kGap = std::numeric_limits<double>::quiet_NaN();
constexpr double kHalfLine = 0.35;   // of a quartile line
constexpr double kHalfSpread = 0.2;  // of the points of one value

Figure chart_of(const SweepPicture& sweep, const SweptSetting& setting, const std::string& kind,
                const std::string& title, const std::string& caption) {
  Figure f;
  f.name = text::cat(kind, "-", setting.key);
  f.title = title;
  f.caption = caption;
  f.x.label = setting.key;
  f.y.label = sweep.metric;
  f.y.unit = sweep.unit;
  return f;
}

/// Values of the metric for every level of the setting, in the order of the levels.
struct Group {
  std::string level;
  std::vector<double> values;
};
std::vector<Group> groups_of(const SweepPicture& sweep, const SweptSetting& setting) {
  std::vector<Group> groups;
  for (const std::string& level : setting.levels()) {
    Group group{level, {}};
    for (std::size_t i = 0; i < setting.values.size(); ++i)
      if (setting.values[i] == level && sweep.values[i]) group.values.push_back(*sweep.values[i]);
    if (!group.values.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

void name_levels(Figure& f, const std::vector<Group>& groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) f.x.names.emplace_back(static_cast<double>(i), groups[i].level);
  f.x.low = -0.5;
  f.x.high = static_cast<double>(groups.size()) - 0.5;
}

void add_rule(Figure& f, double at, const std::string& name) {
  report::Rule rule;
  rule.vertical = true;
  rule.at = at;
  rule.name = name;
  f.rules.push_back(rule);
}

}  // namespace

SweepPicture arms_with(const SweepPicture& sweep, const SweptSetting& setting) {
  SweepPicture out{sweep.metric, sweep.unit, sweep.goal, {}, {}, {{setting.key, {}}}};
  for (std::size_t i = 0; i < setting.values.size(); ++i) {
    if (setting.values[i] == "-") continue;
    out.names.push_back(sweep.names[i]);
    out.values.push_back(sweep.values[i]);
    out.settings.front().values.push_back(setting.values[i]);
  }
  return out;
}

Figure box_chart(const SweepPicture& sweep, const SweptSetting& setting) {
  Figure f = chart_of(sweep, setting, "box", text::cat(sweep.metric, " for every ", setting.key),
                      "Box: middle half of the arms, line: median; whiskers: last arm within 1.5 boxes.");
  for (const Group& group : groups_of(sweep, setting)) f.boxes.push_back(report::box_of(group.level, group.values));
  return f;
}

Figure quartile_strip(const SweepPicture& sweep, const SweptSetting& setting) {
  Figure f = chart_of(sweep, setting, "quartiles", text::cat(sweep.metric, " of every arm by ", setting.key),
                      "One point per arm; lines: quartiles of the arms with that value.");
  const std::vector<Group> groups = groups_of(sweep, setting);
  Series points, lines;
  points.mark = Mark::points;
  points.name = "arm";
  lines.name = "quartiles";
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto x = static_cast<double>(i), count = static_cast<double>(groups[i].values.size());
    for (std::size_t k = 0; k < groups[i].values.size(); ++k) {
      points.x.push_back(x + (count < 2 ? 0 : kHalfSpread * (2 * static_cast<double>(k) / (count - 1) - 1)));
      points.y.push_back(groups[i].values[k]);
    }
    for (const double p : {0.25, 0.5, 0.75}) {
      const double at = linalg::quantile(groups[i].values, p, linalg::QuantileRule::linear);
      lines.x.insert(lines.x.end(), {x - kHalfLine, x + kHalfLine, kGap});
      lines.y.insert(lines.y.end(), {at, at, kGap});
    }
  }
  name_levels(f, groups);
  f.series = {points, lines};
  return f;
}

Figure value_histogram(const SweepPicture& sweep, const SweptSetting& setting) {
  Figure f = chart_of(sweep, setting, "tried", text::cat("How often ", setting.key, " was tried"),
                      "Arms per value; dashed: mean of the values, beside it its 95 % interval (Student's t).");
  f.y.label = "arms";
  f.y.unit.clear();
  Series bars;
  bars.mark = Mark::histogram;
  const std::vector<std::string> levels = setting.levels();
  const auto numbers = setting.numbers();
  std::vector<double> places;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    double place = static_cast<double>(i);
    if (numbers) text::parse(levels[i], place);
    places.push_back(place);
  }
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const double before = i == 0 ? 0 : places[i] - places[i - 1],
                 behind = i + 1 == places.size() ? 0 : places[i + 1] - places[i];
    if (i == 0) bars.x.push_back(places[i] - (behind > 0 ? 0.5 * behind : 0.5));
    bars.x.push_back(places[i] + (behind > 0 ? 0.5 * behind : before > 0 ? 0.5 * before : 0.5));
    bars.y.push_back(static_cast<double>(std::count(setting.values.begin(), setting.values.end(), levels[i])));
  }
  f.series = {bars};
  if (!numbers) {
    for (std::size_t i = 0; i < levels.size(); ++i) f.x.names.emplace_back(places[i], levels[i]);
    return f;
  }
  add_rule(f, linalg::mean(*numbers), "mean");
  if (numbers->size() < 2) return f;
  const linalg::Interval interval = linalg::t_interval(*numbers);
  add_rule(f, interval.low, "");
  add_rule(f, interval.high, "");
  return f;
}

Figure mean_chart(const SweepPicture& sweep, const SweptSetting& setting) {
  Figure f = chart_of(sweep, setting, "mean", text::cat("Mean ", sweep.metric, " for every ", setting.key),
                      "Mean over the arms with that value and its 95 % interval (Student's t); number of arms in "
                      "brackets.");
  std::vector<Group> groups = groups_of(sweep, setting);
  Series means;
  means.mark = Mark::error_bars;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::vector<double>& values = groups[i].values;
    const double mean = linalg::mean(values);
    const linalg::Interval interval = values.size() < 2 ? linalg::Interval{mean, mean} : linalg::t_interval(values);
    means.x.push_back(static_cast<double>(i));
    means.y.push_back(mean);
    means.low.push_back(interval.low);
    means.high.push_back(interval.high);
    groups[i].level += text::cat(" (", values.size(), ")");
  }
  name_levels(f, groups);
  f.series = {means};
  return f;
}

Figure cost_chart(const SweepPicture& sweep, const std::vector<std::optional<double>>& costs,
                  const std::string& cost_label, const std::optional<CostMarker>& marker) {
  Figure f;
  f.name = "cost";
  f.title = text::cat(sweep.metric, " against ", cost_label);
  f.caption = "One point per arm; line: the best value for so much or less.";
  f.x.label = cost_label;
  f.y.label = sweep.metric;
  f.y.unit = sweep.unit;
  std::multimap<double, double> arms;  // cost to value
  for (std::size_t i = 0; i < costs.size(); ++i)
    if (costs[i] && sweep.values[i]) arms.emplace(*costs[i], *sweep.values[i]);
  Series points, best;
  points.mark = Mark::points;
  points.name = "arm";
  best.name = "best so far";
  for (const auto& arm : arms) {
    points.x.push_back(arm.first);
    points.y.push_back(arm.second);
    const bool better =
        best.y.empty() || (sweep.goal == nn::Goal::max ? arm.second > best.y.back() : arm.second < best.y.back());
    if (!best.x.empty()) {  // a step: the former best holds up to here
      best.x.push_back(arm.first);
      best.y.push_back(best.y.back());
    }
    if (!better) continue;
    best.x.push_back(arm.first);
    best.y.push_back(arm.second);
  }
  f.series = {points, best};
  if (!marker) return f;
  Series known;
  known.mark = Mark::points;
  known.name = marker->name;
  known.x = {marker->cost};
  known.y = {marker->value};
  f.series.push_back(known);
  return f;
}

}  // namespace thimble::app
