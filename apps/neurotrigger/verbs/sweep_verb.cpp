#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/json.h"

#include "apps/common/cli/context.h"
#include "apps/common/run/run_folder.h"
#include "apps/common/sweep/sweep_run.h"
#include "apps/neurotrigger/run/run_access.h"
#include "apps/neurotrigger/sweep/sweep_report.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

constexpr const char* kRankedBy = "z_cm";
constexpr std::size_t kShownRows = 30;  // of the ranking on standard output

/// The plan, without what these trainings cannot do.
app::SweepPlan plan_of(const app::Context& context) {
  app::SweepPlan plan = app::plan_sweep(context, config_app());
  if (plan.sweep.early_terminate)
    throw Error(ErrorKind::config, "early_terminate: a training of several experts has no one value on the way",
                {plan.sweep.path, 0, 0, "early_terminate"},
                "remove it; 'patience' of the configuration ends a training that no longer improves");
  return plan;
}

/// Trains the arms of the sweep in a run folder, for a rank that knows nothing else.
nn::search::Evaluate evaluation_in(const std::string& folder) {
  struct Held {
    app::Sweep sweep;
    ArmTrainer trainer;
    explicit Held(const std::string& path) : sweep(app::sweep_in(path, config_app())), trainer(sweep, path) {}
  };
  const auto held = std::make_shared<Held>(folder);
  return [held](const nn::search::Trial& trial) { return held->trainer(trial); };
}

void check_metric(const std::string& name) {
  std::vector<std::string> known{"epochs", "parameters", "macs"};
  for (const SweepMetric& metric : sweep_metrics()) {
    known.emplace_back(metric.name);
    known.push_back(text::cat("test_", metric.name));
  }
  const std::string plain = name.starts_with("expert_") ? name.substr(std::min(name.size(), name.find('.') + 1)) : name;
  if (std::find(known.begin(), known.end(), plain) != known.end()) return;
  const std::string near = text::nearest(plain, known);
  throw Error(
      ErrorKind::config, text::cat("there is no metric '", text::printable(name), "'"), {"", 0, 0, "metric.name"},
      near.empty() ? text::cat("known are ", text::join(known, ", ")) : text::cat("did you mean '", near, "'?"));
}

/// Settings of the first arm: refuses before anything is written, and tells about the tracks.
RunSettings first_arm(const app::Sweep& sweep, const nn::search::Strategy& strategy) {
  const auto first = strategy.propose({}, 1);
  if (first.empty()) throw Error(ErrorKind::config, "the sweep has no arm", {sweep.path, 0, 0, "parameters"});
  return settings_of(sweep, first.front(), 0);
}

std::string tracks_text(const RunSettings& settings) {
  const DataKeys& data = settings.all.data;
  if (!data.train.empty()) return text::join(data.train.paths, ", ");
  return text::cat("simulated, preset '", data.simulate.preset, "': ", text::grouped(data.simulate.train),
                   " thrown for "
                   "training, ",
                   text::grouped(data.simulate.val), " for validation, ", text::grouped(data.simulate.test),
                   " for the test");
}

/// Files of all splits, for the manifest.
std::vector<std::pair<std::string, std::string>> inputs_of(const DataKeys& data) {
  std::vector<std::pair<std::string, std::string>> inputs;
  const auto add = [&](const char* key, const FileList& files) {
    for (const std::string& path : files.paths) inputs.emplace_back(key, path);
  };
  add("data.train", data.train);
  add("data.val", data.val);
  add("data.test", data.test);
  return inputs;
}

void add_results(app::Result& result, const SweepView& view) {
  if (!view.has_best()) return;
  for (const RankedArm& arm : view.arms)
    if (const Maybe value = arm.metric(view.metric))
      result.metric(text::cat("arm_", arm.number, ".", view.metric), *value);
  const RankedArm& best = view.arms.front();
  for (const SweepMetric& metric : sweep_metrics())
    if (const Maybe value = best.metric(metric.name)) result.metric(text::cat("best.", metric.name), *value);
  result.data("best", io::json_string(best.name));
}

/// Tables, files, page and summary; also of a sweep that was interrupted.
void finish_sweep(app::Context& context, const app::RunFolder& folder, const app::Sweep& sweep, const SweepView& view,
                  const std::string& tracks) {
  app::Result& result = context.result();
  folder.write("ranking.csv", ranking_csv(view));
  folder.write("ranking.json", ranking_json(view));
  report::Report page = sweep_report(view, sweep, tracks);
  page.version = text::cat("version ", folder.version());
  page.seconds = context.seconds();
  if (const auto take = best_by(view, view.metric, view.goal, true)) {
    const std::string arm = folder.path() + "/" + folder_of(sweep, view.arms[*take].number, 0);
    page.next = {{"look", text::cat("thimble-neurotrigger evaluate ", arm)},
                 {"export", text::cat("thimble-neurotrigger export ", arm, " --target hw-a --out build/expert0")}};
  }
  report::write_report(page, folder.path());
  result.print(report::plain_text(ranking_table(view, kShownRows), report::utf8_locale()));
  if (view.arms.size() > kShownRows)
    result.line(text::cat(view.arms.size() - kShownRows, " more arms in ", folder.file("ranking.csv")));
  for (const std::string& sentence : recommendation(view)) result.line(sentence);
  result.line("report: " + folder.file("report.html"));
  for (const char* name : {"report.html", "ranking.csv", "ranking.json"}) result.file(name, name);
  add_results(result, view);
  const bool failed = std::any_of(view.arms.begin(), view.arms.end(), [](const RankedArm& a) { return a.failed; });
  const std::string config = text::cat("{\"sweep\":", io::json_string(app::sweep_yaml(sweep)), "}");
  folder.write_summary(context, view.interrupted ? "interrupted" : failed ? "failed" : "ok", config);
}

}  // namespace

int run_sweep(app::Context& context) {
  const auto ranks = app::join_ranks(context);
  if (ranks && ranks->rank() > 0) return app::serve_rank(context, *ranks, evaluation_in);
  const app::SweepPlan plan = plan_of(context);
  const app::Sweep& sweep = plan.sweep;
  const nn::search::StudyOptions options = app::study_options(sweep, kRankedBy, nn::Goal::min);
  check_metric(options.metric);
  const auto strategy = app::strategy_of(sweep, options.goal);
  const RunSettings first = first_arm(sweep, *strategy);
  const std::string head = app::journal_head(sweep, config_app());
  if (context.flags().dry_run) {
    context.result().line(app::plan_text(sweep, *strategy, options));
    context.result().line("tracks: " + tracks_text(first));
    return 0;
  }
  const app::RunFolder folder =
      plan.folder.empty() ? app::RunFolder::create({context.flags().out.value_or("runs"), "neurotrigger", sweep.name})
                          : app::RunFolder::resume(plan.folder);
  context.result().run(folder.path());
  if (plan.folder.empty()) {
    folder.write("sweep.yaml", app::sweep_yaml(sweep));
    folder.write_manifest(context, inputs_of(first.all.data));
  }
  log::note(app::plan_text(sweep, *strategy, options));
  ArmTrainer trainer(sweep, folder.path());
  const SweepMetric metric = metric_called(options.metric);
  const nn::search::StudyResult result = app::run_arms(
      context, folder, *strategy, options, head, [&](const nn::search::Trial& trial) { return trainer(trial); },
      {metric.unit, metric.scale}, ranks.get());
  const SweepView view = view_of(sweep, options, result);
  finish_sweep(context, folder, sweep, view, tracks_text(first));
  const bool failed = std::any_of(view.arms.begin(), view.arms.end(), [](const RankedArm& a) { return a.failed; });
  return failed ? 1 : 0;
}

}  // namespace thimble::neurotrigger
