#include "core/io/json.h"

#include "apps/common/cli/context.h"
#include "apps/common/config/verb.h"
#include "apps/common/run/run_folder.h"
#include "apps/neurotrigger/look/plots.h"
#include "apps/neurotrigger/run/legacy_names.h"
#include "apps/neurotrigger/run/old_outputs.h"
#include "apps/neurotrigger/run/run_access.h"
#include "apps/neurotrigger/run/run_files.h"
#include "apps/neurotrigger/run/run_mode.h"
#include "apps/neurotrigger/run/run_origin.h"
#include "apps/neurotrigger/run/run_report.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

void check_overrides(const app::Context& context) {
  Settings defaults;
  app::check_resume(app::fields_of(defaults), training_overrides(context));
}

struct Plan {
  app::LoadedConfig loaded;
  std::string folder;  // of the run to resume; empty: a new one
  bool debug = false;
};

Plan make_plan(const app::Context& context) {
  Plan plan;
  plan.debug = wants_debug(context);
  if (context.flags().resume.empty()) {
    plan.loaded = app::load_config(wanted_config(context), training_overrides(context), load_options());
    if (plan.debug) make_debug(plan.loaded);
    return plan;
  }
  check_overrides(context);
  plan.folder = app::find_run_to_resume(context.flags().resume, context.flags().out.value_or("runs"), "neurotrigger");
  plan.loaded = app::load_config(plan.folder + "/config.yaml", training_overrides(context), load_options());
  plan.loaded.name = std::filesystem::path(plan.folder).parent_path().filename().string();
  return plan;
}

/// "latest" and "demo" mean another run tomorrow: the configuration kept with the run names the one found today.
void pin_compared_run(RunSettings& settings, app::LoadedConfig& loaded) {
  if (!settings.all.compare_to) return;
  const std::filesystem::path run = find_compared_run(settings.all);
  const std::filesystem::path root = std::filesystem::path(settings.all.out) / "neurotrigger";
  const bool below = run.parent_path().parent_path().lexically_normal() == root.lexically_normal();
  const std::string name = below ? (run.parent_path().filename() / run.filename()).string() : run.string();
  loaded.tree.set("compare_to", app::Node::scalar(name));
  settings.tree = loaded.tree;
  settings.all.compare_to = name;
  for (auto& [expert, own] : settings.own) own.compare_to = name;
}

void tell_plan(app::Context& context, const RunSettings& settings, const Splits& splits) {
  for (const Split split : kSplits) {
    std::string line = text::cat(name_of(split), ": ", text::grouped(splits[split].rows()), " tracks, by expert");
    for (const int expert : settings.experts)
      line +=
          text::cat("  ", expert, ": ", text::grouped(static_cast<std::int64_t>(splits[split].rows_of(expert).size())));
    context.result().line(line);
  }
  context.result().line(nn::describe(model_of(settings.own.begin()->second)));
}

void add_metrics(app::Result& result, const RunResult& run, Split quoted) {
  const auto add = [&result](const std::string& path, Maybe value) {
    if (value) result.metric(path, *value);
  };
  for (const ExpertResult& expert : run.experts) {
    const std::string prefix = text::cat("expert_", expert.outcome.expert, ".");
    const Merit& m = expert.merits[static_cast<std::size_t>(quoted)];
    const Merit& validation = expert.merits[static_cast<std::size_t>(Split::val)];
    add(prefix + "val_loss", validation.loss);
    if (std::isfinite(expert.outcome.table.start_val_loss))
      result.metric(prefix + "start_val_loss", expert.outcome.table.start_val_loss);
    add(prefix + "loss", m.loss);
    add(prefix + "sigma_z_cm", m.z_trimmed_cm);
    add(prefix + "sigma_z_near_cm", m.z_trimmed_near_cm);
    add(prefix + "sigma_z_old_cm", m.z_trimmed_old_cm);
    result.metric(prefix + "seconds", expert.outcome.seconds);
  }
}

/// What the original's summary holds besides settings and losses.
void add_origin(app::Result& result, const RunSettings& settings, const Splits& splits) {
  result.data("git_id", io::json_string(app::git_state().id));
  result.data("run_description", io::json_string(settings.all.note));
  std::vector<std::string> lists;
  for (const Split split : kSplits) {
    std::vector<std::string> files;
    for (const std::string& path : split_paths(splits, split)) files.push_back(io::json_string(path));
    lists.push_back(text::cat(io::json_string(name_of(split)), ":[", text::join(files, ","), "]"));
  }
  result.data("data_path", "{" + text::join(lists, ",") + "}");
}

/// summary.json, also before there is a result: then `losses` is empty.
void write_summary(app::Context& context, const app::RunFolder& folder, const RunSettings& settings,
                   const Splits& splits, const std::string& status, const std::string& losses = "") {
  const std::string config = app::to_json(settings.tree.nested());
  if (settings.all.legacy_names)
    folder.write("summary.json", legacy_summary(settings, splits, config, losses, status));
  else
    folder.write_summary(context, status, config);
}

bool any_failed(const RunResult& run) {
  return std::any_of(run.experts.begin(), run.experts.end(),
                     [](const ExpertResult& e) { return e.outcome.status == ExpertStatus::failed; });
}

/// How many tracks per second all experts took together in this process.
std::string speed_sentence(const RunResult& run) {
  double tracks = 0;
  for (const ExpertResult& e : run.experts)
    tracks += static_cast<double>(e.outcome.epochs_here) * static_cast<double>(e.outcome.rows_trained);
  if (run.seconds <= 0 || tracks <= 0) return "";
  return text::cat("trained in ", text::fixed(run.seconds, 1), " s, ", report::rate_text(tracks / run.seconds),
                   " tracks/s");
}

void print_result(app::Context& context, const RunSettings& settings, const Splits& splits, const RunResult& run) {
  const Split quoted = quoted_split(splits);
  app::Result& result = context.result();
  result.print(report::plain_text(result_table(settings, splits, run, quoted), report::utf8_locale()));
  result.line(result_sentence(settings, splits, run));
  const std::string order = order_sentence(run, quoted), speed = speed_sentence(run);
  if (!order.empty()) result.line(order);
  if (!speed.empty()) result.line(speed);
  for (const ExpertResult& e : run.experts)
    if (e.outcome.status == ExpertStatus::trained && e.outcome.seconds > 0)
      result.line(text::cat("expert ", e.outcome.expert, ": best validation loss ", text::fixed(e.outcome.best_loss, 5),
                            " after epoch ", e.outcome.best_epoch, " of ", e.outcome.epochs, ", ",
                            text::fixed(e.outcome.seconds, 1), " s"));
}

void finish(app::Context& context, const app::RunFolder& folder, const RunSettings& settings, const Splits& splits,
            const RunResult& run) {
  const bool legacy = settings.all.legacy_names;
  write_run_files(folder.path(), settings, splits, run);
  if (settings.all.plots.final_set)
    write_post_training_plots(folder.path(), splits, run, Split::val, plots_name(legacy), context.progress());
  report::Report page = build_report(settings, splits, run);
  page.version = text::cat("version ", folder.version());
  page.next = {
      {"export", text::cat("thimble-neurotrigger export ", folder.path(), " --target hw-a --out build/expert0")},
      {"verify", "thimble-hw verify build/expert0"}};
  report::write_report(page, folder.path());
  if (legacy) add_legacy_names(folder.path(), run);
  const std::string losses = losses_json(settings, splits, run);
  context.result().file("report", "report.html");
  context.result().file("weights", "weights.json");
  context.result().data("loss", losses);
  add_metrics(context.result(), run, quoted_split(splits));
  print_result(context, settings, splits, run);
  context.result().line("report: " + folder.file("report.html"));
  const std::string status = run.interrupted ? "interrupted" : any_failed(run) ? "failed" : "ok";
  write_summary(context, folder, settings, splits, status, losses);
}

/// Everything a run folder holds before the first step.
void open_run_folder(app::Context& context, const app::RunFolder& folder, const Plan& plan, const RunSettings& settings,
                     const Splits& splits) {
  context.result().run(folder.path());
  context.result().seed(settings.all.seed);
  add_origin(context.result(), settings, splits);
  if (!plan.folder.empty()) return;
  folder.write("config.yaml", app::resolved_yaml(plan.loaded, config_app()));
  folder.write_manifest(context, splits.inputs, settings.all.note);
  write_origin_files(folder.path(), settings, splits);
  write_summary(context, folder, settings, splits, "running");
  note_in_log_root(run_identity(settings, plan.debug), folder);
}

}  // namespace

int run_train(app::Context& context) {
  if (context.has("--list-configs")) return app::list_configs(context, config_app());
  Plan plan = make_plan(context);
  RunSettings settings = bind_settings(plan.loaded);
  if (context.has("--print-config")) return app::print_config(context, config_app(), plan.loaded);
  use_threads(settings.all);
  for (const auto& [expert, own] : settings.own) start_model(own, expert);  // refuses before anything is written
  pin_compared_run(settings, plan.loaded);
  const Splits splits = load_splits(settings.all, OldOutputs::required);
  require_rows(settings, splits);
  if (context.flags().dry_run) {
    tell_plan(context, settings, splits);
    return 0;
  }
  const app::RunFolder folder = plan.folder.empty() ? app::RunFolder::create(run_identity(settings, plan.debug))
                                                    : app::RunFolder::resume(plan.folder);
  open_run_folder(context, folder, plan, settings, splits);
  report::ProgressOptions options;
  options.mode = context.progress();
  options.unicode = report::utf8_locale();
  report::Progress progress(options);
  try {
    RunPlan how;
    how.folder = folder.path();
    how.resume = !plan.folder.empty();
    how.profile = plan.debug;
    how.progress = &progress;
    const RunResult run = train_experts(settings, splits, how);
    progress.end();
    context.set_position(position_of(settings, run));
    finish(context, folder, settings, splits, run);
    return any_failed(run) ? 1 : 0;
  } catch (const Error&) {
    progress.end();
    write_summary(context, folder, settings, splits, "failed");
    throw;
  }
}

}  // namespace thimble::neurotrigger
