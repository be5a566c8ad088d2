#include "apps/neurotrigger/sweep/sweep_view.h"

#include "core/linalg/pareto.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace thimble::neurotrigger {
namespace {

using nn::search::Arm;

/// Keys that say nothing about a network: names, places, drawing.
bool is_setting(const std::string& key) {
  static const std::set<std::string> others{"seed",    "threads",     "out",     "name",       "note",
                                            "version", "description", "workers", "compare_to", "legacy_merge"};
  static const std::vector<std::string> blocks{"plots.", "checkpoint.", "data.cache"};
  return others.count(key) == 0 &&
         std::none_of(blocks.begin(), blocks.end(), [&](const std::string& b) { return key.starts_with(b); });
}

/// Settings of all experts as text; where experts differ, all their values.
std::map<std::string, std::string> settings_text(const RunSettings& run) {
  std::map<std::string, std::vector<std::string>> values;
  for (const auto& [expert, own] : run.own) {
    const app::ConfigTree tree(app::dump_config(own));
    for (const app::ConfigTree::Entry& entry : tree.entries())
      if (is_setting(entry.key)) values[entry.key].push_back(app::flow_text(entry.value));
  }
  std::map<std::string, std::string> out;
  for (const auto& [key, list] : values) {
    const bool equal =
        std::all_of(list.begin(), list.end(), [&first = list.front()](const std::string& v) { return v == first; });
    out[key] = equal ? list.front() : text::join(list, "/");
  }
  return out;
}

std::string name_of_arm(const app::Sweep& sweep, const nn::search::Assignment& values) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : values)
    parts.push_back(key == app::kConfigParameter ? value.str() : text::cat(key, "=", value.str()));
  return parts.empty() ? sweep.base : text::join(parts, " ");
}

RankedArm ranked(const app::Sweep& sweep, const Arm& arm) {
  RankedArm out;
  out.number = arm.number;
  out.values = arm.values;
  out.name = name_of_arm(sweep, arm.values);
  out.failed = arm.failed();
  std::set<std::string> names;
  for (const auto& outcome : arm.outcomes) {
    out.seconds += outcome.seconds;
    if (outcome.failed && out.reason.empty()) out.reason = outcome.reason;
    for (const auto& [name, value] : outcome.metrics) names.insert(name);
  }
  for (const std::string& name : names)
    if (const auto mean = arm.mean(name)) out.metrics[name] = *mean;
  out.hardware = out.metric("hardware") == 1.0;
  try {
    out.settings = settings_text(settings_of(sweep, arm.values, 0));
  } catch (const Error&) {
    // settings that do not go together: the arm has failed for that reason and says so
  }
  return out;
}

/// Resolution against the size of the network.
void mark_front(SweepView& view) {
  std::vector<linalg::Objectives> points;
  const double sign = view.goal == nn::Goal::min ? 1 : -1;
  for (const RankedArm& arm : view.arms)
    points.push_back(
        {sign * arm.metric(view.metric).value_or(std::nan("")), arm.metric("macs").value_or(std::nan(""))});
  for (const std::size_t place : linalg::pareto_front(points)) view.arms[place].front = true;
}

/// The arm of the configuration `name` with nothing else changed: the first one with it.
std::optional<std::size_t> reference_place(const SweepView& view, const app::Sweep& sweep) {
  const std::string name = sweep.reference.empty() ? "baseline_v2" : sweep.reference;
  for (std::size_t i = 0; i < view.arms.size(); ++i)
    if (view.arms[i].name == name && !view.arms[i].failed) return i;
  return std::nullopt;
}

/// 95 % interval of the mean over experts; see PairedDifference.
std::optional<linalg::Interval> interval_of(const std::map<std::string, std::vector<double>>& experts,
                                            const std::vector<double>& all, double mean) {
  if (all.size() < 2) return std::nullopt;
  double variance = 0, spread = 0;  // of the sum over the experts; for the degrees of freedom
  for (const auto& [name, percents] : experts) {
    if (percents.size() < 2) return linalg::t_interval(all);
    const double deviation = linalg::standard_deviation(percents, linalg::Divisor::n_minus_1);
    const double own = deviation * deviation / static_cast<double>(percents.size());
    variance += own;
    spread += own * own / static_cast<double>(percents.size() - 1);
  }
  if (variance == 0) return linalg::Interval{mean, mean};
  const double half = linalg::student_t_quantile(0.975, variance * variance / spread) * std::sqrt(variance) /
                      static_cast<double>(experts.size());
  return linalg::Interval{mean - half, mean + half};
}

std::string value_text(const RankedArm& arm, const SweepMetric& metric) {
  const Maybe value = arm.metric(metric.name);
  if (!value) return "-";
  const std::string unit = *metric.unit == 0 ? "" : text::cat(" ", metric.unit);
  return text::fixed(*value * metric.scale, metric.decimals) + unit;
}

std::string percent_text(const PairedDifference& d) {
  const std::string mean = text::cat(d.percent > 0 ? "+" : "", text::fixed(d.percent, 1), " %");
  if (!d.interval) return mean + " (one pair, no interval)";
  return text::cat(mean, " (95 % interval ", text::fixed(d.interval->low, 1), " to ", text::fixed(d.interval->high, 1),
                   " % over ", d.pairs, " pairs)");
}

/// Places of hardware arms that nothing tells apart from the arm at `place`.
std::vector<std::string> equals_of(const SweepView& view, std::size_t place,
                                   const std::optional<PairedDifference> RankedArm::*difference) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < view.arms.size(); ++i) {
    const auto& d = view.arms[i].*difference;
    if (i != place && view.arms[i].hardware && d && d->interval && !d->clear()) names.push_back(view.arms[i].name);
  }
  return names;
}

std::string figures_sentence(const RankedArm& arm) {
  const SweepMetric z = metric_called("z_cm"), efficiency = metric_called("efficiency"),
                    feed = metric_called("feed_down_cm"), kept = metric_called("far_kept");
  return text::cat(arm.name, ": resolution (trimmed std of z, mean over the experts) ", value_text(arm, z),
                   "; when 80 % of the far tracks (|z| > 20 cm) are rejected it keeps ", value_text(arm, efficiency),
                   " of the tracks from the collision point (|z| < 1 cm); a fixed cut of 15 cm lets ",
                   value_text(arm, kept), " of the far tracks through; tracks beyond 15 cm are pulled in by ",
                   value_text(arm, feed), " (feed-down).");
}

/// Arms that more epochs might still improve.
std::string unfinished_sentence(const SweepView& view) {
  std::size_t trained = 0, unfinished = 0;
  for (const RankedArm& arm : view.arms) {
    trained += arm.metric("unfinished") ? 1 : 0;
    unfinished += arm.metric("unfinished").value_or(0) > 0.5 ? 1 : 0;
  }
  if (unfinished == 0) return "";
  return text::cat("In ", unfinished, " of ", trained,
                   " arms most experts had their best epoch in the last tenth of the "
                   "training: they were still improving, and longer trainings may change the order.");
}

}  // namespace

Maybe RankedArm::metric(const std::string& wanted) const {
  const auto found = metrics.find(wanted);
  return found == metrics.end() || failed ? Maybe() : Maybe(found->second);
}

SweepMetric metric_called(const std::string& name) {
  const bool test = name.starts_with("test_");
  const std::string plain = test ? name.substr(5) : name;
  for (const SweepMetric& metric : sweep_metrics())
    if (plain == metric.name) return metric;
  return {"", "", "", 4, nn::Goal::min, 1};
}

std::optional<PairedDifference> paired_difference(const Arm& arm, const Arm& other, const std::string& metric) {
  std::map<std::string, std::vector<double>> experts;  // percents by expert
  const std::size_t repeats = std::min(arm.outcomes.size(), other.outcomes.size());
  for (std::size_t r = 0; r < repeats; ++r)
    for (const auto& [name, value] : arm.outcomes[r].metrics) {
      if (!name.starts_with("expert_") || !name.ends_with("." + metric)) continue;
      const auto found = other.outcomes[r].metrics.find(name);
      if (found != other.outcomes[r].metrics.end() && found->second != 0)
        experts[name].push_back(100 * (value / found->second - 1));
    }
  if (experts.empty()) return std::nullopt;
  PairedDifference out;
  std::vector<double> all, means;
  for (const auto& [name, percents] : experts) {
    all.insert(all.end(), percents.begin(), percents.end());
    means.push_back(linalg::mean(percents));
  }
  out.pairs = all.size();
  out.percent = linalg::mean(means);
  out.interval = interval_of(experts, all, out.percent);
  return out;
}

SweepView view_of(const app::Sweep& sweep, const nn::search::StudyOptions& options,
                  const nn::search::StudyResult& result) {
  SweepView view;
  view.metric = options.metric;
  view.goal = options.goal;
  view.seeds = options.repeats;
  view.ended = result.ended;
  view.interrupted = result.interrupted;
  for (const std::size_t i : nn::search::ranking(result.arms, options.metric, options.goal))
    view.arms.push_back(ranked(sweep, result.arms[i]));
  mark_front(view);
  view.reference = reference_place(view, sweep);
  for (std::size_t i = 0; i < view.arms.size() && view.has_best(); ++i) {
    RankedArm& arm = view.arms[i];
    const Arm& own = result.arms[arm.number];
    if (arm.failed) continue;
    if (i != 0) arm.to_best = paired_difference(own, result.arms[view.arms[0].number], options.metric);
    if (view.reference && i != *view.reference)
      arm.to_reference = paired_difference(own, result.arms[view.arms[*view.reference].number], options.metric);
  }
  return view;
}

std::optional<std::size_t> best_by(const SweepView& view, const std::string& metric, nn::Goal goal,
                                   bool hardware_only) {
  std::optional<std::size_t> best;
  const auto value = [&](std::size_t place) { return view.arms[place].metric(metric); };
  for (std::size_t i = 0; i < view.arms.size(); ++i) {
    if (!value(i) || (hardware_only && !view.arms[i].hardware)) continue;
    if (!best || (goal == nn::Goal::min ? *value(i) < *value(*best) : *value(i) > *value(*best))) best = i;
  }
  return best;
}

std::vector<std::string> recommendation(const SweepView& view) {
  std::vector<std::string> out;
  if (!view.has_best()) {
    out.emplace_back("No arm gave a result; the table says why.");
    return out;
  }
  const RankedArm& best = view.arms.front();
  const auto hardware = best_by(view, view.metric, view.goal, true);
  if (!hardware) {
    out.push_back(text::cat("Best is ", best.name,
                            ", but no arm fits the present trigger hardware: it has tables for "
                            "tanh and tanh/2 alone."));
    out.push_back(figures_sentence(best));
    return out;
  }
  const RankedArm& take = view.arms[*hardware];
  out.push_back(text::cat("Take ", take.name,
                          *hardware == 0 ? ": it is the best of all arms and runs in the present "
                                           "trigger hardware."
                                         : ": it is the best of the arms that run in the present "
                                           "trigger hardware."));
  out.push_back(figures_sentence(take));
  if (*hardware != 0) {
    std::string sentence = text::cat("Better still is ", best.name,
                                     " with an activation or layers that the hardware "
                                     "has no table for");
    if (take.to_best) sentence += text::cat("; staying with the hardware costs ", percent_text(*take.to_best));
    out.push_back(sentence + ".");
  }
  if (view.reference && *view.reference != *hardware && take.to_reference)
    out.push_back(text::cat("Against the reference ", view.arms[*view.reference].name, ": ",
                            percent_text(*take.to_reference),
                            take.to_reference->clear() ? "." : ", which these pairs cannot tell from no difference."));
  if (*hardware == 0) {
    const auto equal = equals_of(view, 0, &RankedArm::to_best);
    if (!equal.empty())
      out.push_back(text::cat("Not to be told apart from it with these pairs: ", text::join(equal, ", "), "."));
  }
  const std::string unfinished = unfinished_sentence(view);
  if (!unfinished.empty()) out.push_back(unfinished);
  const auto efficient = best_by(view, "efficiency", nn::Goal::max, true);
  if (efficient && *efficient != *hardware)
    out.push_back(text::cat("Of the arms that run in the hardware, the most tracks at 80 % rejection keeps ",
                            view.arms[*efficient].name, ": ",
                            value_text(view.arms[*efficient], metric_called("efficiency")), "."));
  const auto feed = best_by(view, "feed_down_cm", nn::Goal::min, true);
  if (feed && *feed != *hardware)
    out.push_back(text::cat("Of the arms that run in the hardware, the least feed-down has ", view.arms[*feed].name,
                            ": ", value_text(view.arms[*feed], metric_called("feed_down_cm")),
                            "; take it where background from the far side matters more than resolution."));
  return out;
}

app::SweepPicture picture_of(const SweepView& view) {
  app::SweepPicture picture;
  const SweepMetric metric = metric_called(view.metric);
  const bool test = view.metric.starts_with("test_");
  picture.metric = *metric.label == 0 ? view.metric : text::cat(metric.label, test ? " (test)" : "");
  picture.unit = metric.unit;
  picture.goal = view.goal;
  std::vector<const RankedArm*> arms;
  for (const RankedArm& arm : view.arms) arms.push_back(&arm);
  std::sort(arms.begin(), arms.end(), [](const RankedArm* a, const RankedArm* b) { return a->number < b->number; });
  std::map<std::string, std::vector<std::string>> columns;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    picture.names.push_back(arms[i]->name);
    const Maybe value = arms[i]->metric(view.metric);
    picture.values.push_back(value ? std::optional(*value * metric.scale) : std::nullopt);
    for (const auto& [key, text] : arms[i]->settings) {
      columns[key].resize(arms.size(), "-");
      columns[key][i] = text;
    }
  }
  for (const auto& [key, values] : columns)
    if (std::any_of(values.begin(), values.end(),
                    [&first = values.front()](const std::string& v) { return v != first; }))
      picture.settings.push_back({key, values});
  return picture;
}

}  // namespace thimble::neurotrigger
