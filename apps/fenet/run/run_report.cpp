#include "apps/fenet/run/run_report.h"

#include "apps/fenet/run/run_figures.h"
#include "apps/fenet/train/fold_training.h"

#include <cmath>

namespace thimble::fenet {
namespace {

using report::Cell;
using report::Table;

const Method* method_of(const Comparison& comparison, const std::string& key) {
  for (const Method& m : comparison.methods)
    if (m.key == key) return &m;
  return nullptr;
}

report::Column column_named(const char* name, bool left = false) {
  report::Column c;
  c.name = name;
  c.left = left;
  return c;
}

Table fold_table(const CrossValidation& run) {
  Table table;
  table.title = "Folds of the training";
  table.note = "best: the highest value of an evaluation, by which weights are saved; last: nothing was chosen by it";
  table.columns = {column_named("fold", true), column_named("steps"),      column_named("first loss"),
                   column_named("last loss"),  column_named("best R2"),    column_named("at step"),
                   column_named("last R2"),    column_named("state", true)};
  for (const FoldResult& fold : run.folds) {
    const double none = std::nan("");
    const double last = fold.evaluations.empty() ? none : headline_of(fold.evaluations.back());
    table.rows.push_back({text::to_text(fold.fold), text::to_text(fold.losses.size()),
                          report::number(fold.losses.empty() ? none : fold.losses.front(), 4),
                          report::number(fold.losses.empty() ? none : fold.losses.back(), 4),
                          report::number(fold.best, 4),
                          fold.best_step < 0 ? Cell("-") : Cell(text::to_text(fold.best_step)), report::number(last, 4),
                          name_of(fold.status)});
  }
  return table;
}

Table efficiency_table(const Settings& settings, const CrossValidation& run) {
  const Architecture a = architecture_of(settings.model);
  const std::int64_t window = settings.eval.efficiency_samples, operations = published_operations(a, window);
  Table table;
  table.title = "What a window costs";
  table.note =
      text::cat("window of ", window, " samples; cost divisor ", text::shortest(settings.eval.compute_cost_divisor));
  table.columns = {column_named("weights"), column_named("operations-per-eval"), column_named("exact-macs"),
                   column_named("R2 / operations"), column_named("R2 - operations / divisor")};
  table.rows.push_back(
      {text::to_text(a.chain().weights()), text::grouped(operations), text::grouped(exact_macs(a, window)),
       text::shortest(std::round(run.last / static_cast<double>(operations) * 1e9) / 1e9),
       report::number(run.last - static_cast<double>(operations) / settings.eval.compute_cost_divisor, 3)});
  return table;
}

std::string origin_text(const app::Node* node) {
  return node == nullptr ? "default" : node->origin.brief();
}

std::vector<report::Setting> settings_of(const ReportedRun& reported) {
  const app::ConfigTree values(app::dump_config(reported.settings)), defaults(app::dump_config(Settings()));
  std::vector<report::Setting> list;
  for (const app::ConfigTree::Entry& entry : values.entries()) {
    const app::Node* standard = defaults.find(entry.key);
    list.push_back({entry.key, app::flow_text(entry.value), standard == nullptr ? "" : app::flow_text(*standard),
                    origin_text(reported.tree.find(entry.key))});
  }
  return list;
}

std::vector<report::Fact> provenance_of(const ReportedRun& reported) {
  std::vector<report::Fact> facts{{"seed", text::to_text(reported.settings.seed)}};
  const Recordings& r = reported.recordings;
  if (r.simulated) facts.push_back({"recordings", "simulated"});
  const auto tell = [&facts](const char* name, const std::vector<Day>& days) {
    if (days.empty()) return;
    std::vector<std::string> names;
    for (const Day& day : days) names.push_back(text::cat(day.name, " (", day.sessions.size(), " sessions)"));
    facts.push_back({name, text::join(names, ", ")});
  };
  tell("training days", r.train);
  tell("dev days", r.dev);
  tell("test days", r.test);
  return facts;
}

std::vector<std::string> disclosures(const Settings& settings) {
  std::vector<std::string> out;
  if (settings.model.normalize_at_end && !settings.eval.leak_free)
    out.push_back(
        "Normalisation, standardisation and the scale of the labels use the whole held-out session, as published. "
        "eval.leak_free=true takes the training rows of every fold alone.");
  return out;
}

}  // namespace

std::string result_sentence(const Settings& settings, const CrossValidation& run, const Comparison& comparison) {
  if (comparison.sessions == 0 && settings.train.folds == 1 && !run.interrupted && !std::isfinite(run.score))
    return "trained on all sessions; there is no day to judge the network on (data.dev, data.test)";
  if (comparison.methods.empty() || !std::isfinite(comparison.methods.front().mean))
    return std::isfinite(run.score) ? text::cat("best R2 ", text::fixed(run.score, 3), ", mean over folds")
                                    : std::string("there is no result yet");
  std::string sentence =
      text::cat("R2 ", text::fixed(comparison.methods.front().mean, 3), " on ", comparison.sessions,
                comparison.sessions == 1 ? " session" : " sessions", settings.train.folds > 1 ? " held out" : "");
  const auto add = [&](const char* key, const std::string& name) {
    const Method* m = method_of(comparison, key);
    if (m != nullptr && std::isfinite(m->ratio)) sentence += text::cat(", ", text::fixed(m->ratio, 2), " x ", name);
  };
  add("start", settings.model.weights ? "the start weights" : "the wavelet start");
  add("sbp", "spiking-band power");
  add("tc", "threshold crossings");
  return sentence;
}

std::vector<report::NextCommand> next_commands(const std::string& folder) {
  return {{"look again", "thimble-fenet evaluate " + folder},
          {"features as files", "thimble-fenet predict " + folder + " --what features --to features.npy"},
          {"hardware", "thimble-fenet export " + folder + " --target hw --out build/fenet"}};
}

report::Report build_report(const ReportedRun& reported, const CrossValidation& run, const Comparison& comparison) {
  report::Report r;
  r.app = "thimble-fenet";
  r.name = reported.name;
  r.status = run.interrupted ? report::Status::interrupted : report::Status::done;
  r.seconds = run.seconds;
  r.sentence = result_sentence(reported.settings, run, comparison);
  r.advice = disclosures(reported.settings);
  if (!comparison.methods.empty()) r.results.push_back(comparison_table(comparison));
  r.results.push_back(fold_table(run));
  r.results.push_back(efficiency_table(reported.settings, run));
  for (const FoldResult& fold : run.folds)
    if (fold.status == FoldStatus::failed)
      r.warnings.push_back(text::cat("fold ", fold.fold, " failed: ", fold.reason));
  if (comparison.invalid > 0)
    r.warnings.push_back(text::cat(comparison.invalid, " evaluation folds have a constant axis and no value"));
  r.figures = run_figures(reported.settings, run, comparison);
  r.settings = settings_of(reported);
  r.provenance = provenance_of(reported);
  std::erase_if(r.figures, [](const report::FigureGroup& g) { return g.figures.empty() && g.tables.empty(); });
  return r;
}

}  // namespace thimble::fenet
