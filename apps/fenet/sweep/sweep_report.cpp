#include "apps/fenet/sweep/sweep_report.h"

#include "core/io/json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace thimble::fenet {
namespace {

using report::Cell;
using report::Table;

/// The clinical model in the published sweep: 6 levels of 40 taps, stride 2.
const app::CostMarker kPublished{"db20, published", 85360, 0.535};
constexpr std::size_t kPageArms = 25;  // rows of the ranking on the page
constexpr const char* kCost = "operations-per-eval";

report::Column column(const std::string& name, bool left = false) {
  report::Column c;
  c.name = name;
  c.left = left;
  return c;
}

double value_or_nan(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

void add_metrics(const SweepArm& arm, bool best, std::vector<Cell>& row) {
  for (const SweepMetric& metric : sweep_metrics())
    row.push_back(report::number(value_or_nan(arm.metric(metric.name)), metric.decimals,
                                 best && std::string_view(metric.name) == kSweepScore));
}

std::string tsv_field(std::string text) {
  for (char& c : text)
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  return text;
}

/// Settings of all arms in the order in which they first stand.
std::vector<std::string> setting_keys(const SweepView& view) {
  std::vector<std::string> keys;
  for (const SweepArm* arm : view.by_number())
    for (const auto& [key, value] : arm->settings)
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  return keys;
}

std::string setting_of(const SweepArm& arm, const std::string& key) {
  for (const auto& [name, value] : arm.settings)
    if (name == key) return value;
  return "-";
}

report::FigureGroup charts_of(const app::SweepPicture& all, const app::SweptSetting& setting) {
  const app::SweepPicture picture = app::arms_with(all, setting);
  const app::SweptSetting& own = picture.settings.front();
  return {setting.key,
          {app::box_chart(picture, own), app::quartile_strip(picture, own), app::mean_chart(picture, own),
           app::value_histogram(picture, own)},
          true,
          {},
          {}};
}

std::string count_text(std::size_t count, const std::string& one) {
  return text::cat(count, " ", one, count == 1 ? "" : "s");
}

}  // namespace

Table sweep_table(const SweepView& view, std::size_t most) {
  Table table;
  table.title = text::cat("Arms by ", label_of(view.metric), ", best first");
  table.note = text::cat("means over ", count_text(view.folds, "fold"),
                         view.seeds > 1 ? text::cat(" and ", view.seeds, " seeds") : "",
                         " of squared Pearson correlation, x and y together, on held-out sessions; front: no arm is "
                         "better in R2, MACs and "
                         "bits at once; operations: as published, MACs: exact, both per window");
  table.columns = {column("rank"), column("arm")};
  for (const SweepMetric& metric : sweep_metrics()) table.columns.push_back(column(metric.label));
  table.columns.push_back(column("front"));
  table.columns.push_back(column("time [s]"));
  table.columns.push_back(column("settings", true));
  const std::size_t count = most == 0 ? view.arms.size() : std::min(most, view.arms.size());
  for (std::size_t i = 0; i < count; ++i) {
    const SweepArm& arm = view.arms[i];
    std::vector<Cell> row{text::to_text(i + 1), text::to_text(arm.number)};
    add_metrics(arm, i == 0, row);
    row.emplace_back(arm.front ? "yes" : "");
    row.push_back(report::number(arm.seconds, 1));
    row.emplace_back(text::cat(arm.name, arm.failed ? " (failed)" : arm.stopped > 0 ? " (ended early)" : ""));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table front_table(const SweepView& view) {
  Table table;
  table.title = "Front of R2, MACs and bits";
  table.note = "every other arm is nowhere better than one of these, and somewhere worse";
  table.columns = {column("arm")};
  for (const SweepMetric& metric : sweep_metrics()) table.columns.push_back(column(metric.label));
  table.columns.push_back(column("settings", true));
  std::vector<const SweepArm*> front;
  for (const SweepArm& arm : view.arms)
    if (arm.front) front.push_back(&arm);
  std::stable_sort(front.begin(), front.end(), [](const SweepArm* a, const SweepArm* b) {
    return value_or_nan(a->metric("exact-macs")) < value_or_nan(b->metric("exact-macs"));
  });
  for (const SweepArm* arm : front) {
    std::vector<Cell> row{text::to_text(arm->number)};
    add_metrics(*arm, false, row);
    row.emplace_back(arm->name);
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string runs_tsv(const SweepView& view) {
  std::vector<std::string> head{"arm", "state"};
  for (const SweepMetric& metric : sweep_metrics()) head.emplace_back(metric.name);
  head.insert(head.end(), {"folds-ended-early", "front"});
  const std::vector<std::string> keys = setting_keys(view);
  head.insert(head.end(), keys.begin(), keys.end());
  std::string out = text::join(head, "\t") + "\n";
  for (const SweepArm* arm : view.by_number()) {
    std::vector<std::string> row{text::to_text(arm->number), arm->failed ? "failed" : "done"};
    for (const SweepMetric& metric : sweep_metrics()) {
      const auto value = arm->metric(metric.name);
      row.push_back(value ? io::json_number(*value) : "");
    }
    row.push_back(text::to_text(arm->stopped));
    row.emplace_back(arm->front ? "1" : "0");
    for (const std::string& key : keys) row.push_back(tsv_field(setting_of(*arm, key)));
    out += text::join(row, "\t") + "\n";
  }
  return out;
}

std::vector<report::FigureGroup> sweep_figures(const SweepView& view) {
  app::SweepPicture picture = picture_of(view);
  std::vector<std::optional<double>> costs;
  for (const SweepArm* arm : view.by_number()) costs.push_back(arm->metric(kCost));
  const bool score = view.metric == kSweepScore;
  report::FigureGroup course{"The sweep", {}, false, {}, {}};
  course.figures = {app::best_so_far(picture),
                    app::cost_chart(picture, costs, label_of(kCost), score ? std::optional(kPublished) : std::nullopt)};
  const std::vector<app::Importance> importance = app::permutation_importance(picture);
  if (!importance.empty()) course.figures.push_back(app::importance_figure(importance));
  if (!picture.settings.empty()) course.figures.push_back(app::parallel_coordinates(picture));
  std::vector<report::FigureGroup> groups{std::move(course)};
  for (const app::SweptSetting& setting : picture.settings) groups.push_back(charts_of(picture, setting));
  return groups;
}

report::Report sweep_report(const SweepView& view, const app::Sweep& sweep, const std::string& recordings) {
  report::Report r;
  r.app = "thimble-fenet";
  r.name = sweep.name;
  r.status = view.interrupted ? report::Status::interrupted : report::Status::done;
  const std::vector<std::string> advice = sweep_advice(view);
  r.sentence = advice.front();
  r.advice.assign(advice.begin() + 1, advice.end());
  r.results = {front_table(view), sweep_table(view, kPageArms)};
  if (view.arms.size() > kPageArms) r.results.back().note += "; all arms stand in runs.tsv";
  for (const SweepArm& arm : view.arms)
    if (arm.failed) r.warnings.push_back(text::cat("arm ", arm.number, " failed: ", arm.reason));
  r.figures = sweep_figures(view);
  for (const app::Override& fixed : sweep.fixed) r.settings.push_back({fixed.key, fixed.value, "", "all arms"});
  for (const nn::search::Parameter& parameter : sweep.parameters)
    r.settings.push_back({parameter.name, nn::search::Space({parameter}).description(), "", "searched"});
  r.provenance = {{"method", app::strategy_of(sweep, view.goal)->name()},
                  {"trials", text::cat(count_text(view.arms.size(), "arm"), " of ", count_text(view.folds, "fold"),
                                       view.seeds > 1 ? text::cat(" with ", view.seeds, " seeds each") : "")},
                  {"ended", view.ended},
                  {"recordings", recordings}};
  if (!sweep.description.empty()) r.provenance.insert(r.provenance.begin(), {"purpose", sweep.description});
  return r;
}

}  // namespace thimble::fenet
