#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/report/progress.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/look/comparison.h"
#include "apps/neurotrigger/run/run_report.h"
#include "apps/neurotrigger/run/subject.h"
#include "apps/neurotrigger/verbs/verbs.h"

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// "baseline_v2/3", short enough for legends.
std::string run_name(const fs::path& folder) {
  std::string version = folder.filename().string();
  if (version.starts_with("version_")) version.erase(0, std::string("version_").size());
  return folder.parent_path().filename().string() + "/" + version;
}

Candidate candidate_of(const OldRun& run, const Splits& splits, Split split) {
  const RunResult result =
      evaluate_experts(run.settings, splits, load_models(run.settings, run.folder / "weights.json"));
  return {run_name(run.folder), row_outputs(splits, result, split)};
}

}  // namespace

int run_compare(app::Context& context) {
  std::vector<OldRun> runs;
  for (std::size_t i = 0; i < context.words().size(); ++i) runs.push_back(open_run(context, i));
  use_threads(runs.front().settings.all);
  const std::string data = context.flag("--data");
  const Splits splits = data.empty() ? load_splits(runs.front().settings.all) : given_tracks(data);
  const Split split = quoted_split(splits);
  std::vector<Candidate> candidates;
  for (const OldRun& run : runs) candidates.push_back(candidate_of(run, splits, split));
  const Comparison comparison = compare_candidates(splits[split], std::move(candidates));
  const report::Table table = comparison_table(comparison);
  const report::Report page = comparison_report(comparison);
  context.result().print("\n" + report::plain_text(table, report::utf8_locale()));
  context.result().line(page.sentence);
  const fs::path to = context.flag("--to");
  if (to.empty()) return 0;
  fs::create_directories(to);
  io::atomic_replace(to / "comparison.csv", report::csv(table));
  report::write_report(page, to);
  context.result().file("comparison", (to / "comparison.csv").string());
  context.result().file("report", (to / "report.html").string());
  context.result().line("report: " + (to / "report.html").string());
  return 0;
}

}  // namespace thimble::neurotrigger
