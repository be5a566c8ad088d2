#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/report/html.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/evaluate/criteria.h"
#include "apps/fenet/run/run_report.h"
#include "apps/fenet/run/subject.h"
#include "apps/fenet/study/permutation.h"
#include "apps/fenet/verbs/verbs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

app::Operands subject_operands(std::string usage) {
  app::Operands o = app::plain_operands(std::move(usage), 0, 1);
  o.overrides = true;
  return o;
}

void write_evaluation(app::Context& context, const Subject& subject, const Comparison& comparison, const fs::path& to) {
  fs::create_directories(to);
  io::atomic_replace(to / "comparison.csv", report::csv(comparison_table(comparison)));
  report::write_report(
      build_report({subject.chosen.name, subject.chosen.settings, subject.chosen.loaded.tree, subject.recordings},
                   *subject.run, comparison),
      to);
  for (const char* file : {"comparison.csv", "report.html"})
    context.result().file(fs::path(file).stem().string(), (to / file).string());
  context.result().line("report: " + (to / "report.html").string());
}

void tell(app::Context& context, const Subject& subject, const Comparison& comparison) {
  app::Result& result = context.result();
  result.print(report::plain_text(comparison_table(comparison), report::utf8_locale()));
  for (const Method& m : comparison.methods) {
    for (const auto& [name, value] : m.metrics) result.metric(text::cat(m.key, ".", name), value);
    result.metric(m.key + ".r2", m.mean);
    result.metric(m.key + ".r2_low", m.interval.low);
    result.metric(m.key + ".r2_high", m.interval.high);
  }
  result.line(result_sentence(subject.chosen.settings, *subject.run, comparison));
}

constexpr std::size_t kHistogramBins = 10;  // equal ones between low and high

using NamedValues = std::vector<std::pair<std::string, double>>;

/// Criteria of the first method over the sessions, by the names of the reference; those that eval.criteria names.
NamedValues chosen_criteria(const Settings& settings, const Comparison& comparison) {
  NamedValues out;
  const auto add = [&](const std::string& name, double value) { out.emplace_back(name, value); };
  const auto wanted = [&](const char* criterion) {
    return std::find(settings.eval.criteria.begin(), settings.eval.criteria.end(), criterion) !=
           settings.eval.criteria.end();
  };
  std::vector<Metrics> sessions;
  for (const Decoded& d : comparison.decoded) sessions.push_back(criteria_of(d.labels, d.predictions));
  const Metrics over_sessions = day_criteria(sessions);
  for (const auto& [name, value] : over_sessions) {
    const bool directional = name.find("decoder-x") != std::string::npos || name.find("decoder-y") != std::string::npos;
    if ((name.find("pearson") != std::string::npos && wanted("pearson")) ||
        (name.find("MSE") != std::string::npos && wanted("mse")) || (directional && wanted("directional")) ||
        (name.find("avg-decoder-R2") != std::string::npos && wanted("r2")))
      add(name, value);
  }
  if (wanted("histogram")) {
    const linalg::Histogram h = day_histogram(sessions, kHistogramBins);
    add("timely/decoder-R2/low", h.low);
    add("timely/decoder-R2/high", h.high);
    for (std::size_t i = 0; i < h.counts.size(); ++i)
      add(text::cat("timely/decoder-R2/bin-", i), static_cast<double>(h.counts[i]));
  }
  if (wanted("efficiency")) {
    const Architecture a = architecture_of(settings.model);
    const auto operations = static_cast<double>(published_operations(a, settings.eval.efficiency_samples));
    add("efficiency/operations-per-eval", operations);
    add("exact-macs", static_cast<double>(exact_macs(a, settings.eval.efficiency_samples)));
    const double average = over_sessions.at("eval/timely/avg-decoder-R2");
    if (operations > 0)
      for (const auto& [name, value] : cost_criteria(average, operations, settings.eval.compute_cost_divisor))
        add(name, value);
  }
  return out;
}

void tell_criteria(app::Context& context, const Settings& settings, const Comparison& comparison) {
  report::Table table;
  table.title = "Criteria of " + comparison.methods.front().title;
  table.note =
      "of all predictions of a session together, means over sessions; decoder R2 is 1 - squared error / variance";
  table.columns.resize(2);
  table.columns[0].name = "criterion";
  table.columns[0].left = true;
  table.columns[1].name = "value";
  for (const auto& [name, value] : chosen_criteria(settings, comparison)) {
    table.rows.push_back({name, report::number(value, 6)});
    context.result().metric(name, value);
  }
  context.result().print(report::plain_text(table, report::utf8_locale()));
}

/// How much of each session's result is chance: the labels moved round in time.
void tell_chance(app::Context& context, const Subject& subject) {
  const Settings& settings = subject.chosen.settings;
  for (const JudgedSession& s : subject.sessions) {
    const std::vector<Tensor>& weights = s.fold->weights.empty() ? s.fold->start_weights : s.fold->weights;
    Network network(architecture_of(settings), s.session.segments->samples());
    network.set_weights(weights);
    const PermutationTest test =
        permutation_test(extract_features(network, *s.session.segments), s.session.segments->channels(),
                         s.session.labels, with_reduction(protocol_of(settings), network), settings.eval.permutations,
                         static_cast<std::uint64_t>(settings.seed));
    context.result().line(text::cat(s.session.name, ": R2 ", text::fixed(test.value, 3), ", by chance up to ",
                                    text::fixed(linalg::quantile(test.chance, 0.95, linalg::QuantileRule::linear), 3),
                                    " (95 %), p = ", text::shortest(std::round(test.p * 1e4) / 1e4), ", ",
                                    test.chance.size(), " shifts of the labels"));
    context.result().metric(text::cat("permutation.", s.session.name, ".p"), test.p);
  }
}

int judge_subject(app::Context& context, const Subject& subject) {
  if (!subject.folder.empty()) context.result().run(subject.folder.string());
  if (context.flags().dry_run) {
    context.result().line(text::cat(subject.sessions.size(), " sessions to judge"));
    return 0;
  }
  const Comparison comparison = compare_methods(subject.chosen.settings, subject.sessions);
  tell(context, subject, comparison);
  if (!comparison.decoded.empty()) tell_criteria(context, subject.chosen.settings, comparison);
  if (subject.chosen.settings.eval.permutations > 0) tell_chance(context, subject);
  if (const std::string to = context.flag("--to"); !to.empty()) write_evaluation(context, subject, comparison, to);
  return 0;
}

int run_evaluate(app::Context& context) {
  return judge_subject(context, open_subject(context));
}

int run_baselines(app::Context& context) {
  return judge_subject(context, untrained_subject(context));
}

int run_report(app::Context& context) {
  const Subject subject = open_subject(context);
  const Comparison comparison = compare_methods(subject.chosen.settings, subject.sessions);
  report::Report page =
      build_report({subject.chosen.name, subject.chosen.settings, subject.chosen.loaded.tree, subject.recordings},
                   *subject.run, comparison);
  page.version = subject.folder.filename().string();
  page.next = next_commands(subject.folder.string());
  report::write_report(page, subject.folder);
  context.result().run(subject.folder.string());
  context.result().file("report", "report.html");
  context.result().line("report: " + (subject.folder / "report.html").string());
  return 0;
}

app::Flag to_folder_flag() {
  return {"--to", "DIR", "write comparison.csv, figures and report.html there", "", {}, 0};
}

}  // namespace

app::Verb evaluate_verb() {
  app::Verb v;
  v.name = "evaluate";
  v.group = "Work";
  v.summary = "judge a run, a weights file or a preset on its own or other recordings, beside the baselines";
  v.run = run_evaluate;
  v.operands = subject_operands("[RUN] [key=value ...]");
  v.flags = subject_flags();
  v.flags.push_back(to_folder_flag());
  v.examples = {"thimble-fenet evaluate latest", "thimble-fenet evaluate latest eval.leak_free=true --to evaluation",
                "thimble-fenet evaluate demo --weights efficient"};
  v.more =
      "Features of a whole session, normalised over it, then eval.folds contiguous folds: reduction and decoder are "
      "fitted on the others and predict the one. A fold with a constant axis has no value and is counted. Sessions "
      "larger than memory are read in blocks.";
  return v;
}

app::Verb baselines_verb() {
  app::Verb v;
  v.name = "baselines";
  v.group = "Work";
  v.summary = "judge what needs no training: wavelets, threshold crossings, band powers";
  v.run = run_baselines;
  v.operands = subject_operands("[CONFIG] [key=value ...]");
  v.flags = {{"--split", "NAME", "days to judge on", "train", {"train", "dev", "test"}, 0}, to_folder_flag()};
  v.examples = {"thimble-fenet baselines demo", "thimble-fenet baselines demo decoder.kind=ridge"};
  return v;
}

app::Verb report_verb() {
  app::Verb v;
  v.name = "report";
  v.group = "Look";
  v.summary = "rebuild report.html of a run";
  v.run = run_report;
  v.operands = app::plain_operands("RUN", 1, 1);
  v.examples = {"thimble-fenet report latest"};
  return v;
}

}  // namespace thimble::fenet
