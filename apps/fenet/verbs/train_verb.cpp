#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/json.h"
#include "core/report/html.h"

#include "apps/common/cli/context.h"
#include "apps/common/config/verb.h"
#include "apps/common/run/run_folder.h"
#include "apps/fenet/evaluate/comparison.h"
#include "apps/fenet/run/fold_file.h"
#include "apps/fenet/run/run_access.h"
#include "apps/fenet/run/run_report.h"
#include "apps/fenet/train/fold_training.h"
#include "apps/fenet/verbs/verbs.h"

#include <cmath>
#include <filesystem>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

void check_overrides(const app::Context& context) {
  Settings defaults;
  app::check_resume(app::fields_of(defaults), context.all_overrides());
}

struct Job {
  Chosen chosen;
  std::string folder;  // of the run to resume; empty: a new one
};

Job make_job(const app::Context& context) {
  Job job;
  std::string config = context.config();
  if (!context.flags().resume.empty()) {
    check_overrides(context);
    job.folder = app::find_run_to_resume(context.flags().resume, context.flags().out.value_or("runs"), "fenet");
    config = job.folder + "/config.yaml";
  }
  if (config.empty())
    throw Error(ErrorKind::usage, "which configuration?", {},
                "thimble-fenet train demo; all: thimble-fenet config --list");
  job.chosen.loaded = app::load_config(config, context.all_overrides(), load_options());
  if (!job.folder.empty()) job.chosen.loaded.name = fs::path(job.folder).parent_path().filename().string();
  job.chosen.name = job.chosen.loaded.name;
  job.chosen.settings = bind_settings(job.chosen.loaded);
  return job;
}

app::RunIdentity identity_of(const Chosen& chosen) {
  return {chosen.settings.out, "fenet", chosen.settings.name.empty() ? chosen.name : chosen.settings.name};
}

std::string size_text(double bytes) {
  return bytes >= 1e9 ? text::cat(text::fixed(bytes / 1e9, 2), " GB") : text::cat(text::fixed(bytes / 1e6, 1), " MB");
}

void tell_plan(app::Context& context, const Settings& settings, const Recordings& recordings) {
  const Architecture a = architecture_of(settings.model);
  const std::vector<Session> sessions = sessions_of(recordings.train);
  double bytes = 0;
  std::int64_t segments = 0;
  for (const Session& s : sessions) {
    segments += s.segments->segments();
    bytes += 4.0 * static_cast<double>(s.segments->segments() * s.segments->channels() * s.segments->samples());
  }
  const Session& first = sessions.front();
  app::Result& out = context.result();
  out.line(text::cat("recordings: ", recordings.train.size(), " training days, ", sessions.size(), " sessions, ",
                     text::grouped(segments), " segments of ", first.segments->channels(), " channels x ",
                     first.segments->samples(), " samples, ", size_text(bytes), "; ", recordings.dev.size(), " dev, ",
                     recordings.test.size(), " test days"));
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < a.kernels.size(); ++i) levels.push_back(text::cat(a.kernels[i], "/", a.strides[i]));
  out.line(text::cat("network: taps/stride ", text::join(levels, " "), ", ", a.features(), " features per channel, ",
                     a.chain().weights(), " weights, ", text::grouped(exact_macs(a, first.segments->samples())),
                     " multiply-adds per window"));
  const std::int64_t folds = settings.train.fold ? 1 : settings.train.folds;
  const double per_fold = static_cast<double>(sessions.size()) *
                          (1 - 1.0 / static_cast<double>(std::max<std::int64_t>(settings.train.folds, 2)));
  out.line(text::cat("training: ", folds, folds == 1 ? " fold" : " folds", ", about ",
                     text::fixed(per_fold * static_cast<double>(settings.train.epochs), 0), " steps each"));
}

/// What the folds hold out, or the days that nothing is fitted on.
const std::vector<Day>& other_days(const Recordings& recordings) {
  return recordings.test.empty() ? recordings.dev : recordings.test;
}

void open_run_folder(app::Context& context, const app::RunFolder& folder, const Job& job) {
  context.result().run(folder.path());
  context.result().seed(job.chosen.settings.seed);
  if (!job.folder.empty()) return;
  folder.write("config.yaml", app::resolved_yaml(job.chosen.loaded, config_app()));
  folder.write_manifest(context, input_files(job.chosen.settings), job.chosen.settings.note);
  folder.write_summary(context, "running", app::to_json(job.chosen.loaded.tree.nested()));
}

/// Weights files of all folds, and those of the best one as weights.h5.
void write_weights_files(const app::RunFolder& folder, const Settings& settings, const CrossValidation& run) {
  const FoldResult* best = nullptr;
  for (const FoldResult& fold : run.folds) {
    if (fold.weights.empty()) continue;
    const fs::path own = folder.file(text::cat("fold_", fold.fold, "/last.h5"));
    write_fold(fs::path(own).parent_path() / "result.h5", fold);
    write_fold_weights(own, settings, fold, fold.weights);
    if (best == nullptr || (std::isfinite(fold.best) && !(best->best >= fold.best))) best = &fold;
  }
  if (best != nullptr)
    write_fold_weights(folder.file("weights.h5"), settings, *best,
                       best->best_weights.empty() ? best->weights : best->best_weights);
}

void add_metrics(app::Result& result, const CrossValidation& run, const Comparison& comparison) {
  if (std::isfinite(run.score)) result.metric("cross-validation-avg-r2", run.score);
  if (std::isfinite(run.last)) result.metric("last-avg-r2", run.last);
  for (const FoldResult& fold : run.folds)
    if (std::isfinite(fold.best)) result.metric(text::cat("fold_", fold.fold, ".best"), fold.best);
  for (const Method& m : comparison.methods) {
    result.metric(text::cat("comparison.", m.key, ".r2"), m.mean);
    result.metric(text::cat("comparison.", m.key, ".ratio"), m.ratio);
  }
}

void print_result(app::Context& context, const Settings& settings, const CrossValidation& run,
                  const Comparison& comparison, const std::string& folder) {
  app::Result& result = context.result();
  if (!comparison.methods.empty())
    result.print(report::plain_text(comparison_table(comparison), report::utf8_locale()));
  result.line(result_sentence(settings, run, comparison));
  result.line(text::cat("trained in ", text::fixed(run.seconds, 1), " s"));
  result.line("report: " + folder + "/report.html");
  result.line(text::cat("next: thimble-fenet evaluate ", folder, ", or thimble-fenet export ", folder));
}

bool any_failed(const CrossValidation& run) {
  return std::any_of(run.folds.begin(), run.folds.end(),
                     [](const FoldResult& fold) { return fold.status == FoldStatus::failed; });
}

void finish(app::Context& context, const app::RunFolder& folder, const Job& job, const Recordings& recordings,
            const CrossValidation& run) {
  const Settings& settings = job.chosen.settings;
  write_weights_files(folder, settings, run);
  Comparison comparison;
  if (!run.interrupted)
    comparison = compare_methods(settings, judged_sessions(settings, recordings.train, other_days(recordings), run));
  report::Report page = build_report({job.chosen.name, settings, job.chosen.loaded.tree, recordings}, run, comparison);
  page.version = text::cat("version ", folder.version());
  page.next = next_commands(folder.path());
  report::write_report(page, folder.path());
  if (!comparison.methods.empty()) folder.write("comparison.csv", report::csv(comparison_table(comparison)));
  context.result().file("report", "report.html");
  context.result().file("weights", "weights.h5");
  add_metrics(context.result(), run, comparison);
  print_result(context, settings, run, comparison, folder.path());
  const std::string status = run.interrupted ? "interrupted" : any_failed(run) ? "failed" : "ok";
  folder.write_summary(context, status, app::to_json(job.chosen.loaded.tree.nested()));
}

int print_settings(app::Context& context) {
  const app::LoadedConfig loaded = app::load_config(context.config(), context.all_overrides(), load_options());
  bind_settings(loaded);
  return app::print_config(context, config_app(), loaded);
}

std::string position_of(const Settings& settings, const CrossValidation& run) {
  std::int64_t steps = 0;
  for (const FoldResult& fold : run.folds) steps += static_cast<std::int64_t>(fold.losses.size());
  return text::cat("step ", steps, " of ", run.folds.size(), " folds with ", settings.train.epochs, " epochs");
}

int run_train(app::Context& context) {
  if (context.has("--print-config")) return print_settings(context);
  const Job job = make_job(context);
  const Settings& settings = job.chosen.settings;
  use_threads(settings);
  const Recordings recordings = load_recordings(settings);
  check_sessions(settings, recordings.train);
  start_network(settings, sessions_of(recordings.train).front().segments->samples());  // refuses impossible filters
  if (context.flags().dry_run) {
    tell_plan(context, settings, recordings);
    return 0;
  }
  const app::RunFolder folder =
      job.folder.empty() ? app::RunFolder::create(identity_of(job.chosen)) : app::RunFolder::resume(job.folder);
  open_run_folder(context, folder, job);
  report::ProgressOptions options;
  options.mode = context.progress();
  options.unicode = report::utf8_locale();
  report::Progress progress(options);
  const app::StopWatch watch;
  try {
    TrainPlan plan;
    plan.folder = folder.path();
    plan.resume = !job.folder.empty();
    plan.progress = &progress;
    plan.interrupt = watch.flag();
    const CrossValidation run = cross_validate(settings, recordings.train, plan, recordings.dev);
    progress.end();
    context.set_position(position_of(settings, run));
    finish(context, folder, job, recordings, run);
    return any_failed(run) ? 1 : 0;
  } catch (const Error&) {
    progress.end();
    folder.write_summary(context, "failed", app::to_json(job.chosen.loaded.tree.nested()));
    throw;
  }
}

}  // namespace

app::Verb train_verb() {
  app::Verb v;
  v.name = "train";
  v.group = "Work";
  v.summary = "train one network per fold, compare it with what needs no training, write a run folder and a report";
  v.run = run_train;
  v.stops_cleanly = true;
  v.flags = {{"--print-config", "", "show the settings that would be used", "", {}, 0}};
  v.examples = {"thimble-fenet train demo", "thimble-fenet train demo seed=4 train.epochs=24",
                "thimble-fenet train demo '~train.fold' train.folds=4", "thimble-fenet train --resume latest"};
  v.more =
      "Without data.train the recordings come from the simulator. The sessions are parted into train.folds contiguous "
      "folds; each fold trains a network on the others and is judged on sessions the network has not seen. Folds train "
      "side by side, at most --threads at a time; the results do not depend on the number of threads. Ctrl-C saves "
      "everything; --resume goes on to the same bits. Flat keys of published sweep files (kernel1, optim.lr, pls_dims, "
      "...) work as they are.";
  return v;
}

}  // namespace thimble::fenet
