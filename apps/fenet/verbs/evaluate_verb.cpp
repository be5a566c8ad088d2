#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/report/html.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/run/run_report.h"
#include "apps/fenet/run/subject.h"
#include "apps/fenet/verbs/verbs.h"

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

int judge_subject(app::Context& context, const Subject& subject) {
  if (!subject.folder.empty()) context.result().run(subject.folder.string());
  if (context.flags().dry_run) {
    context.result().line(text::cat(subject.sessions.size(), " sessions to judge"));
    return 0;
  }
  const Comparison comparison = compare_methods(subject.chosen.settings, subject.sessions);
  tell(context, subject, comparison);
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

const app::Flag kToFolder{"--to", "DIR", "write comparison.csv, figures and report.html there", "", {}, 0};

}  // namespace

app::Verb evaluate_verb() {
  app::Verb v;
  v.name = "evaluate";
  v.group = "Work";
  v.summary = "judge a run, a weights file or a preset on its own or other recordings, beside the baselines";
  v.run = run_evaluate;
  v.operands = subject_operands("[RUN] [key=value ...]");
  v.flags = subject_flags();
  v.flags.push_back(kToFolder);
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
  v.flags = {{"--split", "NAME", "days to judge on", "train", {"train", "dev", "test"}, 0}, kToFolder};
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
