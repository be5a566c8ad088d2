#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/report/progress.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/look/plots.h"
#include "apps/neurotrigger/look/row_outputs.h"
#include "apps/neurotrigger/run/run_files.h"
#include "apps/neurotrigger/run/run_report.h"
#include "apps/neurotrigger/run/subject.h"
#include "apps/neurotrigger/train/uncertainty_run.h"
#include "apps/neurotrigger/verbs/verbs.h"

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// Tables, plots, worst tracks and the page of an evaluation, in a folder of its own.
void write_evaluation(app::Context& context, const Subject& subject, const report::Table& worst, const fs::path& to) {
  fs::create_directories(to);
  const Split split = quoted_split(subject.splits);
  io::atomic_replace(to / "metrics.json", losses_json(subject.settings, subject.splits, subject.result) + "\n");
  io::atomic_replace(to / "worst.csv", report::csv(worst));
  std::vector<PlotFile> plots;
  for (const NetworkRows& network : rows_of_networks(subject.splits, subject.result, split))
    for (Plot& plot : all_plots(network.rows, network.title)) plots.push_back({to / network.name, std::move(plot)});
  write_plots(plots, context.progress());
  report::write_report(build_report(subject.settings, subject.splits, subject.result), to);
  for (const char* file : {"metrics.json", "worst.csv", "report.html"})
    context.result().file(fs::path(file).stem().string(), (to / file).string());
  context.result().line("report: " + (to / "report.html").string());
}

}  // namespace

int run_evaluate(app::Context& context) {
  const std::int64_t count = context.flag_integer("--worst", 0);
  if (count < 0) throw Error(ErrorKind::usage, "--worst is a number of tracks", {}, "--worst 20");
  const Subject subject = open_subject(context);
  app::Result& result = context.result();
  if (!subject.folder.empty()) result.run(subject.folder.string());
  const bool unicode = report::utf8_locale();
  for (const Split split : kSplits)
    if (subject.splits[split].rows() > 0)
      result.print(report::plain_text(result_table(subject.settings, subject.splits, subject.result, split), unicode));
  const Split split = quoted_split(subject.splits);
  if (has_uncertainty(subject.result))
    result.print(report::plain_text(coverage_table(subject.splits, subject.result, split), unicode));
  const Dataset& data = subject.splits[split];
  const RowOutputs outputs = row_outputs(subject.splits, subject.result, split);
  const std::string to = context.flag("--to");
  constexpr std::size_t kWrittenTracks = 100;
  const auto table = [&](std::size_t most) { return worst_table(data, outputs, worst_tracks(data, outputs, most)); };
  if (count > 0) result.print(report::plain_text(table(static_cast<std::size_t>(count)), unicode));
  result.line(result_sentence(subject.settings, subject.splits, subject.result));
  result.data("loss", losses_json(subject.settings, subject.splits, subject.result));
  if (!to.empty())
    write_evaluation(context, subject, table(std::max(kWrittenTracks, static_cast<std::size_t>(count))), to);
  return 0;
}

}  // namespace thimble::neurotrigger
