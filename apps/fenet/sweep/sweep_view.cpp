#include "apps/fenet/sweep/sweep_view.h"

#include "core/base/error.h"
#include "core/linalg/pareto.h"

#include "apps/fenet/model/architecture.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace thimble::fenet {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

/// Rows of the network's shape; levels up to the most that any arm of the sweep may have get a row.
void add_shape(const Settings& settings, Rows& rows) {
  const Architecture a = architecture_of(settings.model);
  rows.emplace_back("layers", text::to_text(a.kernels.size()));
  const auto add = [&](const char* key, const std::vector<int>& values) {
    for (std::size_t i = 0; i < std::max(values.size(), kNumberedLevels); ++i)
      rows.emplace_back(text::cat(key, i + 1), i < values.size() ? text::to_text(values[i]) : "-");
  };
  add("kernel", a.kernels);
  add("stride", a.strides);
  add("relu", a.relu_powers);
}

/// Keys of a sweep that say something about the shape are told by it.
bool is_shape(const std::string& key) {
  static const std::set<std::string> whole{"n_feat_layers", "kernels", "strides", "relu_powers", "preset"};
  const std::string plain = key.starts_with("model.") ? key.substr(6) : key;
  if (whole.count(plain) != 0) return true;
  for (const char* word : {"kernel", "stride", "relu"})
    if (plain.starts_with(word) && plain.size() == std::string_view(word).size() + 1) return true;
  return false;
}

std::string arm_name(const app::Sweep& sweep, const nn::search::Assignment& values) {
  return values.empty() ? sweep.base : nn::search::str(values);
}

SweepArm arm_of(const app::Sweep& sweep, const nn::search::Arm& arm) {
  SweepArm out;
  out.number = arm.number;
  out.name = arm_name(sweep, arm.values);
  out.failed = arm.failed();
  std::set<std::string> names;
  for (const auto& outcome : arm.outcomes) {
    out.seconds += outcome.seconds;
    out.stopped += outcome.stopped ? 1 : 0;
    if (outcome.failed && out.reason.empty()) out.reason = outcome.reason;
    for (const auto& [name, value] : outcome.metrics) names.insert(name);
  }
  for (const std::string& name : names)
    if (const auto mean = arm.mean(name)) out.metrics[name] = *mean;
  try {
    add_shape(settings_of(sweep, arm.values, 0), out.settings);
  } catch (const Error&) {
    // settings that do not go together: the arm has failed for that reason and says so
  }
  for (const auto& [key, value] : arm.values)
    if (!is_shape(key)) out.settings.emplace_back(key, value.str());
  return out;
}

void mark_front(SweepView& view) {
  std::vector<linalg::Objectives> points;
  for (const SweepArm& arm : view.arms)
    points.push_back({-arm.metric(kSweepScore).value_or(std::nan("")), arm.metric("exact-macs").value_or(std::nan("")),
                      arm.metric("weight-bits").value_or(std::nan(""))});
  for (const std::size_t place : linalg::pareto_front(points)) view.arms[place].front = true;
}

std::string setting_text(const SweepArm& arm, const std::string& key) {
  for (const auto& [name, value] : arm.settings)
    if (name == key) return value;
  return "-";
}

std::string figures_of(const SweepArm& arm) {
  return text::cat("R2 ", text::fixed(arm.metric(kSweepScore).value_or(std::nan("")), 4), ", ",
                   text::grouped(static_cast<std::int64_t>(arm.metric("exact-macs").value_or(0))), " MACs, ",
                   text::grouped(static_cast<std::int64_t>(arm.metric("weight-bits").value_or(0))), " bits of weights");
}

/// The cheapest arm that keeps 98 % of the best value.
const SweepArm* cheapest_good(const SweepView& view) {
  const double least = 0.98 * view.arms.front().metric(kSweepScore).value_or(0);
  const SweepArm* cheapest = nullptr;
  for (const SweepArm& arm : view.arms) {
    const auto score = arm.metric(kSweepScore), macs = arm.metric("exact-macs");
    if (!score || !macs || *score < least) continue;
    if (cheapest == nullptr || *macs < *cheapest->metric("exact-macs")) cheapest = &arm;
  }
  return cheapest;
}

}  // namespace

std::optional<double> SweepArm::metric(const std::string& wanted) const {
  const auto found = metrics.find(wanted);
  return found == metrics.end() || failed ? std::nullopt : std::optional(found->second);
}

std::vector<const SweepArm*> SweepView::by_number() const {
  std::vector<const SweepArm*> order;
  for (const SweepArm& arm : arms) order.push_back(&arm);
  std::sort(order.begin(), order.end(), [](const SweepArm* a, const SweepArm* b) { return a->number < b->number; });
  return order;
}

SweepView view_of(const app::Sweep& sweep, const nn::search::StudyOptions& options, std::size_t folds,
                  const nn::search::StudyResult& result) {
  SweepView view;
  view.metric = options.metric;
  view.goal = options.goal;
  view.folds = folds;
  view.seeds = options.repeats / folds;
  view.ended = result.ended;
  view.interrupted = result.interrupted;
  for (const std::size_t i : nn::search::ranking(result.arms, options.metric, options.goal))
    view.arms.push_back(arm_of(sweep, result.arms[i]));
  mark_front(view);
  return view;
}

app::SweepPicture picture_of(const SweepView& view) {
  app::SweepPicture picture;
  picture.metric = label_of(view.metric);
  picture.goal = view.goal;
  std::vector<std::string> keys;
  const std::vector<const SweepArm*> arms = view.by_number();
  for (const SweepArm* arm : arms) {
    picture.names.push_back(text::cat("arm ", arm->number));
    picture.values.push_back(arm->metric(view.metric));
    for (const auto& [key, value] : arm->settings)
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  for (const std::string& key : keys) {
    app::SweptSetting setting{key, {}};
    std::set<std::string> different;
    for (const SweepArm* arm : arms) {
      setting.values.push_back(setting_text(*arm, key));
      if (setting.values.back() != "-") different.insert(setting.values.back());
    }
    if (different.size() > 1) picture.settings.push_back(std::move(setting));
  }
  return picture;
}

std::string label_of(const std::string& name) {
  for (const SweepMetric& metric : sweep_metrics())
    if (name == metric.name) return metric.label;
  return name;
}

void check_sweep_metric(const std::string& name) {
  std::vector<std::string> known;
  for (const SweepMetric& metric : sweep_metrics()) known.emplace_back(metric.name);
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const std::string near = text::nearest(name, known);
  throw Error(
      ErrorKind::config, text::cat("there is no metric '", text::printable(name), "'"), {"", 0, 0, "metric.name"},
      near.empty() ? text::cat("known are ", text::join(known, ", ")) : text::cat("did you mean '", near, "'?"));
}

std::vector<std::string> sweep_advice(const SweepView& view) {
  if (!view.has_best()) return {"No arm gave a result; the table says why."};
  const SweepArm& best = view.arms.front();
  std::vector<std::string> out{text::cat("Best is arm ", best.number, ": ", figures_of(best), " (", best.name, ").")};
  if (const SweepArm* cheap = view.metric == kSweepScore ? cheapest_good(view) : nullptr;
      cheap != nullptr && cheap != &best)
    out.push_back(text::cat("With at least 98 % of its R2, arm ", cheap->number, " costs least: ", figures_of(*cheap),
                            " (", cheap->name, ")."));
  out.emplace_back(
      "The score is the best of all looks at the held-out sessions, so it is optimistic; the R2 at the end "
      "was not selected by. Train the chosen arm once more and judge it on days the sweep has not seen.");
  return out;
}

}  // namespace thimble::fenet
