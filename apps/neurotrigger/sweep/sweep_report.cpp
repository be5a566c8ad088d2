#include "apps/neurotrigger/sweep/sweep_report.h"

#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace thimble::neurotrigger {
namespace {

using report::Cell;
using report::Column;
using report::Table;

constexpr std::size_t kStrips = 8;  // settings with a figure of their own

Column head(const std::string& name, const std::string& unit = "", bool left = false) {
  Column column;
  column.name = name;
  column.unit = unit;
  column.left = left;
  return column;
}

Cell value_cell(const RankedArm& arm, const std::string& name, bool best = false) {
  const SweepMetric metric = metric_called(name);
  const Maybe value = arm.metric(name);
  return report::number(value ? *value * metric.scale : std::numeric_limits<double>::quiet_NaN(), metric.decimals,
                        best);
}

Cell count_cell(const RankedArm& arm, const std::string& name) {
  return report::number(arm.metric(name).value_or(std::numeric_limits<double>::quiet_NaN()), 0);
}

Cell difference_cell(const std::optional<PairedDifference>& d) {
  if (!d) return "";
  if (!d->interval) return report::number(d->percent, 1);
  return report::number(d->percent, 1, 0.5 * (d->interval->high - d->interval->low));
}

std::string hardware_text(const RankedArm& arm) {
  if (!arm.metric("hardware")) return "-";
  return arm.hardware ? "yes" : "no";
}

/// Metrics that stand in the ranking table: the one that ranks first, then the usual ones.
std::vector<std::string> shown_metrics(const SweepView& view) {
  std::vector<std::string> names{view.metric};
  for (const char* name : {"z_cm", "test_z_cm", "efficiency", "far_kept", "feed_down_cm"})
    if (name != view.metric) names.emplace_back(name);
  return names;
}

std::string column_name(const std::string& metric) {
  const SweepMetric known = metric_called(metric);
  if (*known.label == 0) return metric;
  return text::cat(known.label, metric.starts_with("test_") ? " test" : "");
}

std::string reference_name(const SweepView& view) {
  return view.reference ? view.arms[*view.reference].name : "";
}

/// Names of all metrics of all arms, the means first.
std::vector<std::string> all_metrics(const SweepView& view) {
  std::set<std::string> means, experts;
  for (const RankedArm& arm : view.arms)
    for (const auto& [name, value] : arm.metrics) (name.starts_with("expert_") ? experts : means).insert(name);
  std::vector<std::string> names(means.begin(), means.end());
  names.insert(names.end(), experts.begin(), experts.end());
  return names;
}

std::string percent_of(const std::optional<PairedDifference>& d) {
  return d ? io::json_number(d->percent) : "";
}

nlohmann::json json_of_difference(const std::optional<PairedDifference>& d) {
  if (!d) return nullptr;
  nlohmann::json out{{"percent", d->percent}, {"pairs", d->pairs}, {"low", nullptr}, {"high", nullptr}};
  if (d->interval) out["low"] = d->interval->low, out["high"] = d->interval->high;
  return out;
}

std::string trials_text(const SweepView& view) {
  return text::cat(view.arms.size(), view.arms.size() == 1 ? " arm" : " arms",
                   view.seeds > 1 ? text::cat(" with ", view.seeds, " seeds each") : "");
}

std::vector<report::FigureGroup> figure_groups(const SweepView& view) {
  app::SweepPicture picture = picture_of(view);
  std::vector<app::Importance> importance = app::permutation_importance(picture);
  std::stable_sort(picture.settings.begin(), picture.settings.end(), [&](const auto& a, const auto& b) {
    const auto place = [&](const app::SweptSetting& s) {
      return std::find_if(importance.begin(), importance.end(), [&](const auto& i) { return i.key == s.key; }) -
             importance.begin();
    };
    return place(a) < place(b);
  });
  report::FigureGroup course{"The sweep", {}, false}, settings{"Settings", {}, false};
  course.figures.push_back(app::best_so_far(picture));
  if (!picture.settings.empty()) course.figures.push_back(app::parallel_coordinates(picture));
  if (importance.size() > kStrips) importance.resize(kStrips);
  if (!importance.empty()) settings.figures.push_back(app::importance_figure(importance));
  for (std::size_t i = 0; i < std::min(kStrips, picture.settings.size()); ++i)
    settings.figures.push_back(app::strip_of(picture, picture.settings[i]));
  std::vector<report::FigureGroup> groups{std::move(course)};
  if (!settings.figures.empty()) groups.push_back(std::move(settings));
  return groups;
}

}  // namespace

Table ranking_table(const SweepView& view, std::size_t most) {
  Table table;
  table.title = text::cat("Arms by ", column_name(view.metric), ", best first");
  table.note =
      "means over the experts on validation tracks; std: 5 % dropped at each end; efficiency: kept of |z| < 1 cm when "
      "80 % of |z| > 20 cm are rejected; far kept: of |z| > 20 cm by a cut of 15 cm; feed-down: mean of reco - network "
      "for z > 15 cm; front: no arm is better with fewer MACs";
  table.columns = {head("rank"), head("arm", "", true)};
  const std::vector<std::string> names = shown_metrics(view);
  for (const std::string& name : names) table.columns.push_back(head(column_name(name), metric_called(name).unit));
  if (view.reference) table.columns.push_back(head("vs " + reference_name(view), "%"));
  for (const char* name : {"hardware", "front", "MACs", "epochs"}) table.columns.push_back(head(name));
  table.columns.push_back(head("time", "s"));
  const std::size_t count = most == 0 ? view.arms.size() : std::min(most, view.arms.size());
  for (std::size_t i = 0; i < count; ++i) {
    const RankedArm& arm = view.arms[i];
    std::vector<Cell> row{report::number(static_cast<double>(i + 1), 0),
                          arm.failed ? text::cat(arm.name, " (failed)") : arm.name};
    for (const std::string& name : names)
      row.push_back(value_cell(arm, name, best_by(view, name, metric_called(name).goal) == i));
    if (view.reference) row.push_back(i == *view.reference ? Cell("reference") : difference_cell(arm.to_reference));
    row.emplace_back(hardware_text(arm));
    row.emplace_back(arm.front ? "yes" : "");
    for (const char* name : {"macs", "epochs"}) row.push_back(count_cell(arm, name));
    row.push_back(report::number(arm.seconds, 1));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table expert_table(const SweepView& view) {
  Table table;
  const SweepMetric metric = metric_called(view.metric);
  table.title = text::cat(column_name(view.metric), " of every expert");
  table.columns = {head("arm", "", true)};
  std::vector<std::string> names;
  for (int expert = -1; expert <= 4; ++expert) {
    const std::string name = text::cat("expert_", expert, ".", view.metric);
    if (std::none_of(view.arms.begin(), view.arms.end(), [&](const RankedArm& a) { return a.metric(name); })) continue;
    names.push_back(name);
    table.columns.push_back(head(expert < 0 ? "all tracks" : text::cat("expert ", expert), metric.unit));
  }
  if (names.empty()) return table;
  for (const RankedArm& arm : view.arms) {
    std::vector<Cell> row{arm.name};
    for (const std::string& name : names) {
      const Maybe value = arm.metric(name);
      row.push_back(
          report::number(value ? *value * metric.scale : std::numeric_limits<double>::quiet_NaN(), metric.decimals));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table criteria_table(const SweepView& view) {
  Table table;
  table.title = "Best arm by criterion";
  table.columns = {head("criterion", "", true), head("best", "", true), head("value"),
                   head("best in the present hardware", "", true), head("value")};
  const auto add = [&](const std::string& label, const std::string& name, nn::Goal goal) {
    const auto any = best_by(view, name, goal), hardware = best_by(view, name, goal, true);
    if (!any) return;
    const SweepMetric metric = metric_called(name);
    const auto value = [&](std::optional<std::size_t> place) -> Cell {
      if (!place) return "-";
      const bool counted = *metric.name == 0;
      return counted ? count_cell(view.arms[*place], name) : value_cell(view.arms[*place], name);
    };
    table.rows.push_back(
        {label, view.arms[*any].name, value(any), hardware ? view.arms[*hardware].name : "-", value(hardware)});
  };
  for (const SweepMetric& metric : sweep_metrics())
    add(*metric.unit == 0 ? metric.label : text::cat(metric.label, " [", metric.unit, "]"), metric.name, metric.goal);
  add("parameters", "parameters", nn::Goal::min);
  add("MACs", "macs", nn::Goal::min);
  table.note =
      "std z near is small, too, for a network that says nearly the same z for every track: read it with the "
      "efficiency";
  return table;
}

std::string ranking_csv(const SweepView& view) {
  Table table;
  for (const char* name : {"rank", "arm", "name", "failed", "front"}) table.columns.push_back(head(name));
  const std::vector<std::string> names = all_metrics(view);
  for (const std::string& name : names) table.columns.push_back(head(name));
  for (const char* name : {"to_best_percent", "to_reference_percent"}) table.columns.push_back(head(name));
  for (std::size_t i = 0; i < view.arms.size(); ++i) {
    const RankedArm& arm = view.arms[i];
    std::vector<Cell> row{text::to_text(i + 1), text::to_text(arm.number), arm.name, arm.failed ? "1" : "0",
                          arm.front ? "1" : "0"};
    for (const std::string& name : names) {
      const Maybe value = arm.metric(name);
      row.emplace_back(value ? io::json_number(*value) : "");
    }
    row.emplace_back(percent_of(arm.to_best));
    row.emplace_back(percent_of(arm.to_reference));
    table.rows.push_back(std::move(row));
  }
  return report::csv(table);
}

std::string ranking_json(const SweepView& view) {
  nlohmann::json arms = nlohmann::json::array();
  for (const RankedArm& arm : view.arms) {
    nlohmann::json values = nlohmann::json::object();
    for (const auto& [key, value] : arm.values) values[key] = nn::search::json_of_value(value);
    arms.push_back({{"arm", arm.number},
                    {"name", arm.name},
                    {"values", values},
                    {"settings", arm.settings},
                    {"failed", arm.failed},
                    {"reason", arm.reason},
                    {"metrics", arm.metrics},
                    {"front", arm.front},
                    {"to_best", json_of_difference(arm.to_best)},
                    {"to_reference", json_of_difference(arm.to_reference)}});
  }
  const nlohmann::json document{{"metric", view.metric},
                                {"goal", view.goal == nn::Goal::min ? "minimize" : "maximize"},
                                {"seeds", view.seeds},
                                {"ended", view.ended},
                                {"reference", view.reference ? nlohmann::json(reference_name(view)) : nullptr},
                                {"recommendation", recommendation(view)},
                                {"arms", arms}};
  return io::json_text(document, 2) + "\n";
}

report::Report sweep_report(const SweepView& view, const app::Sweep& sweep, const std::string& tracks) {
  report::Report r;
  r.app = "thimble-neurotrigger";
  r.name = sweep.name;
  r.status = view.interrupted ? report::Status::interrupted : report::Status::done;
  const std::vector<std::string> advice = recommendation(view);
  r.sentence = advice.front();
  r.advice.assign(advice.begin() + 1, advice.end());
  r.results = {ranking_table(view), criteria_table(view)};
  if (Table experts = expert_table(view); !experts.rows.empty()) r.results.push_back(std::move(experts));
  for (const RankedArm& arm : view.arms)
    if (arm.failed) r.warnings.push_back(text::cat("arm ", arm.number, ", ", arm.name, ", failed: ", arm.reason));
  r.figures = figure_groups(view);
  for (const app::Override& fixed : sweep.fixed) r.settings.push_back({fixed.key, fixed.value, "", "all arms"});
  for (const nn::search::Parameter& parameter : sweep.parameters)
    r.settings.push_back({parameter.name, nn::search::Space({parameter}).description(), "", "varied"});
  r.provenance = {{"method", app::strategy_of(sweep)->name()},
                  {"trials", trials_text(view)},
                  {"ended", view.ended},
                  {"tracks", tracks}};
  if (!sweep.description.empty()) r.provenance.insert(r.provenance.begin(), {"purpose", sweep.description});
  return r;
}

}  // namespace thimble::neurotrigger
