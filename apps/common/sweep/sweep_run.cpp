#include "apps/common/sweep/sweep_run.h"

#include "core/base/log.h"
#include "core/io/hash.h"
#include "core/io/json.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <filesystem>
#include <thread>

namespace thimble::app {
namespace {

/// --seed is a setting of every arm, as on any other verb.
std::vector<Override> words_of(const Context& context) {
  std::vector<Override> words = context.overrides();
  if (const auto seed = context.flags().seed) {
    const std::string text = text::to_text(*seed);
    words.push_back({Override::Kind::set, "seed", text, "--seed " + text});
  }
  return words;
}

std::filesystem::path sweep_path(const std::string& folder) {
  return std::filesystem::path(folder) / "sweep.yaml";
}

/// As find_run; "latest" is the newest sweep, other runs are passed over.
std::string sweep_folder(const std::string& word, const std::string& root, const std::string& app) {
  if (word != "latest") return find_run(word, root, app);
  const std::vector<RunInfo> runs = list_runs(root, app);
  const auto newest =
      std::find_if(runs.rbegin(), runs.rend(), [](const RunInfo& run) { return exists(sweep_path(run.path)); });
  if (newest == runs.rend())
    throw Error(ErrorKind::usage, "no sweep to go on with", {}, text::cat("sweeps are below ", root, "/", app));
  return newest->path;
}

/// Hash of every configuration that the arms start from.
std::string configs_text(const Sweep& sweep, const ConfigApp& app) {
  std::vector<std::string> names;
  for (const nn::search::Parameter& parameter : sweep.parameters) {
    if (parameter.name != kConfigParameter) continue;
    const std::optional<std::vector<nn::search::Value>> values = parameter.values();
    for (const nn::search::Value& value : values.value()) names.push_back(value.str());
  }
  if (names.empty()) names.push_back(sweep.base);
  std::string out;
  LoadOptions options = app.load;
  options.announce = false;
  for (const std::string& name : names) {
    const LoadedConfig loaded = load_config(name, {}, options);
    out += text::cat(name, " ", io::sha256_hex(to_json(loaded.tree.nested())), "\n");
  }
  return out;
}

nn::search::Journal open_journal(const RunFolder& folder, const std::string& head) {
  const std::filesystem::path path = folder.file("journal.jsonl");
  return std::filesystem::exists(path) ? nn::search::Journal::open(path, head)
                                       : nn::search::Journal::create(path, head);
}

/// Told by the line of progress.
class SweepLine {
 public:
  SweepLine(const Context& context, ShownMetric shown) : progress_(options_of(context)), shown_(std::move(shown)) {}
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
    if (state.stopped > 0) fields.push_back({report::Part::counter, "stopped", text::to_text(state.stopped), {}, {}});
    progress_.update(static_cast<double>(state.done), fields, true);
  }
  void end() {
    if (begun_) progress_.end();
  }

 private:
  static report::ProgressOptions options_of(const Context& context) {
    report::ProgressOptions options;
    options.mode = context.progress();
    options.unicode = report::utf8_locale();
    return options;
  }
  std::string shown(double value) const {
    return text::cat(text::significant(value * shown_.scale, 4), shown_.unit.empty() ? "" : " ", shown_.unit);
  }

  report::Progress progress_;
  ShownMetric shown_;
  bool begun_ = false;
  std::size_t restored_ = 0;
};

bool asked_to_end() {
  return stop_flag().requested();
}

}  // namespace

Sweep sweep_in(const std::string& folder, const ConfigApp& app) {
  if (!exists(sweep_path(folder)))
    throw Error(ErrorKind::usage, "the run is no sweep", {folder, 0, 0, ""},
                text::cat("name the sweep: thimble-", app.load.app, " runs list"));
  return read_sweep(sweep_path(folder).string(), {}, app);
}

SweepPlan plan_sweep(const Context& context, const ConfigApp& app) {
  SweepPlan plan;
  if (context.flags().resume.empty()) {
    plan.sweep = read_sweep(context.word(0), words_of(context), app);
    if (context.flags().name) plan.sweep.name = *context.flags().name;
    check_path_name(plan.sweep.name, "name");
    return plan;
  }
  if (!context.words().empty() || !words_of(context).empty())
    throw Error(ErrorKind::usage, "a resumed sweep keeps its settings", {},
                text::cat("say only: thimble-", app.load.app, " sweep --resume RUN"));
  plan.folder = sweep_folder(context.flags().resume, context.flags().out.value_or("runs"), app.load.app);
  plan.sweep = sweep_in(plan.folder, app);
  return plan;
}

std::string journal_head(const Sweep& sweep, const ConfigApp& app) {
  return identity_of(sweep, configs_text(sweep, app));
}

std::string plan_text(const Sweep& sweep, const nn::search::Strategy& strategy,
                      const nn::search::StudyOptions& options) {
  const auto size = strategy.size();
  const std::size_t arms = options.most_arms == 0 || (size && *size < options.most_arms)
                               ? static_cast<std::size_t>(size.value_or(0))
                               : options.most_arms;
  return text::cat("sweep '", sweep.name, "', ", strategy.name(), ": ", arms, " arms of ", options.repeats,
                   options.repeats == 1 ? " training" : " trainings", ", ranked by ", options.metric);
}

nn::search::StudyResult run_arms(Context& context, const RunFolder& folder, const nn::search::Strategy& strategy,
                                 const nn::search::StudyOptions& options, const std::string& head,
                                 const nn::search::Evaluate& evaluate, const ShownMetric& shown,
                                 const nn::search::Ranks* ranks) {
  nn::search::Journal journal = open_journal(folder, head);
  SweepLine line(context, shown);
  const nn::search::Executor executor =
      ranks == nullptr ? nn::search::thread_executor()
                       : nn::search::rank_executor(*ranks, std::filesystem::absolute(folder.path()), asked_to_end);
  nn::search::StudyResult result = nn::search::run_study(
      strategy, options, journal, evaluate, asked_to_end, [&](const nn::search::StudyState& state) { line(state); },
      executor);
  line.end();
  context.set_position(text::cat("arm ", journal.records().size() / options.repeats));
  return result;
}

std::unique_ptr<nn::search::Ranks> join_ranks(const Context& context) {
  auto ranks = nn::search::Ranks::join();
  if (!ranks) return ranks;
  const int machine = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (!context.flags().threads) set_threads(std::max(1, machine / nn::search::Ranks::local_size()));
  if (ranks->rank() == 0) log::note("sweep on ", ranks->size(), " ranks, ", threads(), " threads each");
  return ranks;
}

int serve_rank(Context& context, const nn::search::Ranks& ranks,
               const std::function<nn::search::Evaluate(const std::string& folder)>& evaluation) {
  context.result().leave_to_others();
  nn::search::serve(ranks, evaluation);
  return 0;
}

}  // namespace thimble::app
