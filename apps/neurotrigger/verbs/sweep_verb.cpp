#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/hash.h"
#include "core/io/json.h"

#include "apps/common/cli/context.h"
#include "apps/common/run/run_folder.h"
#include "apps/neurotrigger/run/run_access.h"
#include "apps/neurotrigger/sweep/sweep_report.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

constexpr const char* kRankedBy = "z_cm";
constexpr std::size_t kShownRows = 30;  // of the ranking on standard output

struct SweepPlan {
  app::Sweep sweep;
  std::string folder;  // of the sweep to resume; empty: a new one
};

/// --seed is a setting of every arm, as on any other verb.
std::vector<app::Override> words_of(const app::Context& context) {
  std::vector<app::Override> words = context.overrides();
  if (const auto seed = context.flags().seed) {
    const std::string text = text::to_text(*seed);
    words.push_back({app::Override::Kind::set, "seed", text, "--seed " + text});
  }
  return words;
}

/// As find_run; "latest" is the newest sweep, other runs are passed over.
std::string sweep_folder(const std::string& word, const std::string& root) {
  if (word != "latest") return app::find_run(word, root, "neurotrigger");
  const std::vector<app::RunInfo> runs = app::list_runs(root, "neurotrigger");
  const auto newest = std::find_if(runs.rbegin(), runs.rend(), [](const app::RunInfo& run) {
    return std::filesystem::exists(std::filesystem::path(run.path) / "sweep.yaml");
  });
  if (newest == runs.rend())
    throw Error(ErrorKind::usage, "no sweep to go on with", {}, text::cat("sweeps are below ", root, "/neurotrigger"));
  return newest->path;
}

SweepPlan plan_sweep(const app::Context& context) {
  SweepPlan plan;
  if (context.flags().resume.empty()) {
    plan.sweep = app::read_sweep(context.word(0), words_of(context), config_app());
    if (context.flags().name) plan.sweep.name = *context.flags().name;
    app::check_path_name(plan.sweep.name, "name");
    return plan;
  }
  if (!context.words().empty() || !words_of(context).empty())
    throw Error(ErrorKind::usage, "a resumed sweep keeps its settings", {},
                "say only: thimble-neurotrigger sweep --resume RUN");
  plan.folder = sweep_folder(context.flags().resume, context.flags().out.value_or("runs"));
  const std::filesystem::path file = std::filesystem::path(plan.folder) / "sweep.yaml";
  if (!std::filesystem::exists(file))
    throw Error(ErrorKind::usage, "the run is no sweep", {plan.folder, 0, 0, ""},
                "name the sweep: thimble-neurotrigger runs list");
  plan.sweep = app::read_sweep(file.string(), {}, config_app());
  return plan;
}

/// Hash of every configuration that the arms start from, so that a resumed sweep notices a changed one.
std::string configs_text(const app::Sweep& sweep) {
  std::vector<std::string> names;
  for (const nn::search::Parameter& parameter : sweep.parameters) {
    if (parameter.name != app::kConfigParameter) continue;
    const std::optional<std::vector<nn::search::Value>> values = parameter.values();
    for (const nn::search::Value& value : values.value()) names.push_back(value.str());
  }
  if (names.empty()) names.push_back(sweep.base);
  std::string out;
  app::LoadOptions options = load_options();
  options.announce = false;
  for (const std::string& name : names) {
    const app::LoadedConfig loaded = app::load_config(name, {}, options);
    out += text::cat(name, " ", io::sha256_hex(app::to_json(loaded.tree.nested())), "\n");
  }
  return out;
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

/// Told by the line of progress.
class SweepLine {
 public:
  SweepLine(const app::Context& context, const SweepMetric& metric) : progress_(options_of(context)), metric_(metric) {}
  void operator()(const nn::search::StudyState& state) {
    if (!begun_) progress_.begin("sweep", static_cast<double>(state.planned.value_or(state.done + 1)));
    begun_ = true;
    if (state.restored > restored_) progress_.skip(static_cast<double>(state.restored - restored_));
    restored_ = state.restored;
    const std::string planned = state.planned ? text::cat("/", *state.planned) : "";
    std::vector<report::ProgressField> fields{{report::Part::counter, "arm", text::cat(state.done, planned), {}, {}}};
    if (state.last) fields.push_back({report::Part::loss, "last", shown(*state.last), {}, {}});
    if (state.best) fields.push_back({report::Part::best, "best", shown(*state.best), {}, {}});
    fields.push_back({report::Part::counter, "fails", text::to_text(state.failures), {}, {}});
    progress_.update(static_cast<double>(state.done), fields, true);
  }
  void end() {
    if (begun_) progress_.end();
  }

 private:
  static report::ProgressOptions options_of(const app::Context& context) {
    report::ProgressOptions options;
    options.mode = context.progress();
    options.unicode = report::utf8_locale();
    return options;
  }
  std::string shown(double value) const {
    return text::cat(text::significant(value * metric_.scale, 4), *metric_.unit == 0 ? "" : " ", metric_.unit);
  }

  report::Progress progress_;
  SweepMetric metric_;
  bool begun_ = false;
  std::size_t restored_ = 0;
};

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

std::string plan_text(const app::Sweep& sweep, const nn::search::Strategy& strategy,
                      const nn::search::StudyOptions& options) {
  const auto size = strategy.size();
  const std::size_t arms = options.most_arms == 0 || (size && *size < options.most_arms)
                               ? static_cast<std::size_t>(size.value_or(0))
                               : options.most_arms;
  return text::cat("sweep '", sweep.name, "', ", strategy.name(), ": ", arms, " arms of ", options.repeats,
                   options.repeats == 1 ? " training" : " trainings", ", ranked by ", options.metric);
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

nn::search::Journal open_journal(const app::RunFolder& folder, const std::string& head) {
  const std::filesystem::path path = folder.file("journal.jsonl");
  return std::filesystem::exists(path) ? nn::search::Journal::open(path, head)
                                       : nn::search::Journal::create(path, head);
}

}  // namespace

int run_sweep(app::Context& context) {
  const SweepPlan plan = plan_sweep(context);
  const app::Sweep& sweep = plan.sweep;
  const nn::search::StudyOptions options = app::study_options(sweep, kRankedBy, nn::Goal::min);
  check_metric(options.metric);
  const auto strategy = app::strategy_of(sweep);
  const RunSettings first = first_arm(sweep, *strategy);
  const std::string head = app::identity_of(sweep, configs_text(sweep));
  if (context.flags().dry_run) {
    context.result().line(plan_text(sweep, *strategy, options));
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
  log::note(plan_text(sweep, *strategy, options));
  nn::search::Journal journal = open_journal(folder, head);
  ArmTrainer trainer(sweep, folder.path());
  SweepLine line(context, metric_called(options.metric));
  const nn::search::StudyResult result = nn::search::run_study(
      *strategy, options, journal, [&](const nn::search::Trial& trial) { return trainer(trial); },
      [] { return stop_flag().requested(); }, [&](const nn::search::StudyState& state) { line(state); });
  line.end();
  const SweepView view = view_of(sweep, options, result);
  context.set_position(text::cat("arm ", journal.records().size() / options.repeats));
  finish_sweep(context, folder, sweep, view, tracks_text(first));
  const bool failed = std::any_of(view.arms.begin(), view.arms.end(), [](const RankedArm& a) { return a.failed; });
  return failed ? 1 : 0;
}

}  // namespace thimble::neurotrigger
