#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/json.h"

#include "apps/common/cli/context.h"
#include "apps/common/run/run_folder.h"
#include "apps/common/sweep/sweep_run.h"
#include "apps/fenet/run/run_access.h"
#include "apps/fenet/sweep/best_of.h"
#include "apps/fenet/sweep/sweep_report.h"
#include "apps/fenet/verbs/verbs.h"

#include <algorithm>

namespace thimble::fenet {
namespace {

constexpr std::size_t kShownArms = 20;

app::ConfigApp sweep_app() {
  app::ConfigApp app = config_app();
  app.sweep_base = "demo";
  return app;
}

/// Everything that follows from the words before anything is written.
struct SweepJob {
  app::SweepPlan plan;
  nn::search::StudyOptions options;
  std::unique_ptr<nn::search::Strategy> strategy;
  Settings first;  // of the first arm
  std::size_t folds = 1;
};

/// Options of the study; its repeats are the folds of all seeds.
nn::search::StudyOptions options_of(const app::Sweep& sweep, std::size_t folds) {
  nn::search::StudyOptions options = app::study_options(sweep, kSweepScore, nn::Goal::max);
  options.repeats *= folds;
  return options;
}

void check_early(const SweepJob& job) {
  if (job.options.early_stop && job.options.metric != kSweepScore)
    throw Error(ErrorKind::config,
                text::cat("early_terminate compares '", kSweepScore, "', the metric is '", job.options.metric, "'"),
                {job.plan.sweep.path, 0, 0, "metric.name"});
}

void check_judged(const Settings& settings, const Recordings& recordings) {
  if (settings.train.folds == 1 && recordings.dev.empty())
    throw Error(ErrorKind::config, "with one fold the arms are judged on dev days, and there are none",
                {"", 0, 0, "train.folds"}, "data.dev=[FILE], or train.folds=2");
}

SweepJob job_of(const app::Context& context) {
  SweepJob job;
  job.plan = app::plan_sweep(context, sweep_app());
  const app::Sweep& sweep = job.plan.sweep;
  job.strategy = network_search(sweep, options_of(sweep, 1).goal);
  const auto first = job.strategy->propose({}, 1);
  if (first.empty()) throw Error(ErrorKind::config, "the sweep has no arm", {sweep.path, 0, 0, "parameters"});
  job.first = settings_of(sweep, first.front(), 0);
  job.folds = folds_of(sweep, job.first);
  job.options = options_of(sweep, job.folds);
  check_sweep_metric(job.options.metric);
  check_early(job);
  return job;
}

nn::search::Evaluate evaluation_of(const app::Sweep& sweep, const std::string& folder, std::size_t folds) {
  const auto trials = std::make_shared<FoldTrials>(sweep, folder, folds, sweep.early_terminate.has_value());
  return [trials](const nn::search::Trial& trial) { return (*trials)(trial); };
}

/// For a rank that knows the run folder and nothing else.
nn::search::Evaluate evaluation_in(const std::string& folder) {
  const app::Sweep sweep = app::sweep_in(folder, sweep_app());
  const auto first = network_search(sweep, options_of(sweep, 1).goal)->propose({}, 1);
  return evaluation_of(sweep, folder, folds_of(sweep, settings_of(sweep, first.at(0), 0)));
}

std::string recordings_text(const Settings& settings) {
  if (!settings.data.train.empty()) return text::join(settings.data.train, ", ");
  const SimulateKeys& s = settings.synth;
  return text::cat("simulated: ", s.days * s.sessions, " sessions of ", s.segments, " segments, ", s.channels,
                   " channels");
}

void add_sweep_results(app::Result& result, const SweepView& view) {
  if (!view.has_best()) return;
  const SweepArm& best = view.arms.front();
  for (const SweepMetric& metric : sweep_metrics())
    if (const auto value = best.metric(metric.name)) result.metric(text::cat("best.", metric.name), *value);
  result.data("best", io::json_string(best.name));
  result.data("best_arm", text::to_text(best.number));
}

/// Tables, files, page and summary; also of a sweep that was interrupted.
void finish_sweep(app::Context& context, const app::RunFolder& folder, const SweepJob& job, const SweepView& view) {
  app::Result& result = context.result();
  folder.write("runs.tsv", runs_tsv(view));
  report::Report page = sweep_report(view, job.plan.sweep, recordings_text(job.first));
  page.version = text::cat("version ", folder.version());
  page.seconds = context.seconds();
  if (view.has_best()) {
    const std::string arm = FoldTrials::folder_of(job.plan.sweep, view.arms.front().number, 0);
    page.next = {{"best weights", text::cat("thimble-fenet sweep --best-of ", folder.path(), "/", arm)},
                 {"resume", text::cat("thimble-fenet sweep --resume ", folder.path())}};
  }
  report::write_report(page, folder.path());
  result.print(report::plain_text(sweep_table(view, kShownArms), report::utf8_locale()));
  if (view.arms.size() > kShownArms)
    result.line(text::cat(view.arms.size() - kShownArms, " more arms in ", folder.file("runs.tsv")));
  for (const std::string& sentence : sweep_advice(view)) result.line(sentence);
  result.line("report: " + folder.file("report.html"));
  for (const char* name : {"report.html", "runs.tsv"}) result.file(name, name);
  add_sweep_results(result, view);
  const bool failed = std::any_of(view.arms.begin(), view.arms.end(), [](const SweepArm& a) { return a.failed; });
  const std::string config = text::cat("{\"sweep\":", io::json_string(app::sweep_yaml(job.plan.sweep)), "}");
  folder.write_summary(context, view.interrupted ? "interrupted" : failed ? "failed" : "ok", config);
}

int pick_best(app::Context& context) {
  if (!context.words().empty() || !context.overrides().empty())
    throw Error(ErrorKind::usage, "--best-of takes a folder and no sweep", {}, "thimble-fenet sweep --best-of FOLDER");
  const nn::Goal goal = context.flag("--goal") == "minimize" ? nn::Goal::min : nn::Goal::max;
  const BestOf found = best_of(context.flag("--best-of"), goal);
  for (const std::string& reason : found.unreadable) log::warning("passed over: ", reason);
  if (found.nameless > 0) log::note(found.nameless, " files without a metric in their names were passed over");
  const SavedWeights& best = found.files.front();
  context.result().print(report::plain_text(best_table(found, 10), report::utf8_locale()));
  context.result().line(text::cat("best of ", found.files.size(), ": ", best.file.string()));
  context.result().metric("performance", best.performance);
  context.result().metric("operations-per-eval", static_cast<double>(best.operations));
  context.result().file("best", best.file.string());
  return 0;
}

int run_sweep(app::Context& context) {
  if (!context.flag("--best-of").empty()) return pick_best(context);
  const auto ranks = app::join_ranks(context);
  if (ranks && ranks->rank() > 0) return app::serve_rank(context, *ranks, evaluation_in);
  const SweepJob job = job_of(context);
  const app::Sweep& sweep = job.plan.sweep;
  const std::string head = app::journal_head(sweep, sweep_app());
  if (context.flags().dry_run) {
    context.result().line(app::plan_text(sweep, *job.strategy, job.options));
    context.result().line("recordings: " + recordings_text(job.first));
    return 0;
  }
  check_judged(job.first, load_recordings(job.first));  // refuses what cannot be before anything is written
  const app::RunFolder folder =
      job.plan.folder.empty() ? app::RunFolder::create({context.flags().out.value_or("runs"), "fenet", sweep.name})
                              : app::RunFolder::resume(job.plan.folder);
  context.result().run(folder.path());
  if (job.plan.folder.empty()) {
    folder.write("sweep.yaml", app::sweep_yaml(sweep));
    folder.write_manifest(context, input_files(job.first));
  }
  log::note(app::plan_text(sweep, *job.strategy, job.options));
  const nn::search::StudyResult result = app::run_arms(context, folder, *job.strategy, job.options, head,
                                                       evaluation_of(sweep, folder.path(), job.folds), {}, ranks.get());
  const SweepView view = view_of(sweep, job.options, job.folds, result);
  finish_sweep(context, folder, job, view);
  const bool failed = std::any_of(view.arms.begin(), view.arms.end(), [](const SweepArm& a) { return a.failed; });
  return failed ? 1 : 0;
}

}  // namespace

app::Verb sweep_verb() {
  app::Verb v;
  v.name = "sweep";
  v.group = "Work";
  v.summary = "try many networks by grid, at random or with a Gaussian process, rank them; pick the best of a folder";
  v.run = run_sweep;
  v.stops_cleanly = true;
  v.operands = {"[SWEEP | CONFIG] [key=value | key=[A,B] ...]", 0, 1, true};
  v.flags = {
      {"--best-of", "DIR", "the best of all saved weights below a folder, by the metric in their names", "", {}, 0},
      {"--goal", "END", "which end of that metric is good", "maximize", {"maximize", "minimize"}, 0}};
  v.examples = {"thimble-fenet sweep quick",
                "thimble-fenet sweep published run_cap=100 base=demo",
                "thimble-fenet sweep demo kernel1=[8,20,40] stride1=[2,4] train.epochs=4",
                "mpirun -n 4 thimble-fenet sweep quick",
                "thimble-fenet sweep --resume latest",
                "thimble-fenet sweep --best-of runs/fenet"};
  v.more =
      "SWEEP is a file or a name in configs/fenet/sweeps; files of W&B sweeps work as they are, with method grid, "
      "random "
      "or bayes and early_terminate, without account or network. Each arm is a cross-validation; its folds are trained "
      "one per thread, under mpirun one per rank. Arms are ranked by cross-validation-avg-r2. Neither threads nor "
      "ranks "
      "nor interruptions change the table; a killed sweep goes on with --resume.";
  return v;
}

}  // namespace thimble::fenet
