#include "core/base/error.h"
#include "core/io/atomic_file.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/run/subject.h"
#include "apps/neurotrigger/study/drift_monitor.h"
#include "apps/neurotrigger/study/sensitivity.h"
#include "apps/neurotrigger/study/study.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostShapes = 8;  // figures of flagged inputs

double probability_flag(const app::Context& context) {
  const std::string word = context.flag("--p");
  double value = 0;
  if (!text::parse(word, value) || !(value > 0 && value < 1))
    throw Error(ErrorKind::usage, text::cat("'", text::printable(word), "' is no probability"), {"", 0, 0, "--p"},
                "a number between 0 and 1, for example 0.01");
  return value;
}

/// Shape that a comparison is about; null for shares.
const Profile* shape_of(const ReferenceStatistics& s, const DriftTest& t) {
  if (t.kind == DriftTest::Kind::output) return &s.outputs[t.name == "output z" ? 0 : 1];
  if (t.kind != DriftTest::Kind::input) return nullptr;
  for (std::size_t i = 0; i < s.inputs.size(); ++i)
    if (input_name(i) == t.name) return &s.inputs[i];
  return nullptr;
}

std::string verdict(const std::vector<DriftTest>& tests) {
  const auto flagged = std::count_if(tests.begin(), tests.end(), [](const DriftTest& t) { return t.flagged; });
  if (flagged == 0) return text::cat("no shift: all of ", tests.size(), " comparisons agree with the training tracks");
  return text::cat(flagged, " of ", tests.size(), " comparisons differ from the training tracks");
}

void write_page(const fs::path& folder, const Subject& subject, const std::vector<DriftTest>& tests,
                const ReferenceStatistics& reference, const ReferenceStatistics& now, double seconds) {
  report::Report page;
  page.app = "thimble-neurotrigger";
  page.name = subject.settings.config + " drift";
  page.version = subject.folder.filename().string();
  page.sentence = verdict(tests);
  page.seconds = seconds;
  page.results = {drift_table(tests)};
  report::FigureGroup shapes;
  shapes.heading = "What moved";
  for (const DriftTest& t : tests) {
    if (!t.flagged) continue;
    page.warnings.push_back(t.sentence);
    const Profile* before = shape_of(reference, t);
    if (before != nullptr && shapes.figures.size() < kMostShapes)
      shapes.figures.push_back(shape_figure(t.name, *before, *shape_of(now, t)));
  }
  if (!shapes.figures.empty()) page.figures.push_back(std::move(shapes));
  for (const auto& [key, path] : subject.splits.inputs) page.provenance.push_back({key, path});
  fs::create_directories(folder);
  io::atomic_replace(folder / "drift.json", drift_json(tests, reference, now));
  io::atomic_replace(folder / "drift.csv", report::csv(drift_table(tests)));
  report::write_report(page, folder);
}

}  // namespace

int run_drift(app::Context& context) {
  if (context.flag("--data").empty())
    throw Error(ErrorKind::usage, "--data is missing", {}, "name the new tracks: --data random3.gz");
  DriftLimits limits;
  limits.p = probability_flag(context);
  const Subject subject = open_subject(context);
  const ReferenceStatistics reference = read_statistics(subject.folder / kReferenceStatistics);
  const StudyRows rows = study_rows(subject.result, Split::test);
  const ReferenceStatistics now = statistics_of(subject.splits[Split::test], rows.rows, rows.y_hat);
  const std::vector<DriftTest> tests = drift_tests(reference, now, limits);
  context.result().run(subject.folder.string());
  context.result().print(report::plain_text(drift_table(tests), report::utf8_locale()));
  std::int64_t flagged = 0;
  for (const DriftTest& t : tests)
    if (t.flagged) {
      ++flagged;
      context.result().line("shifted: " + t.sentence);
    }
  context.result().line(verdict(tests));
  context.result().metric("shifted", static_cast<double>(flagged));
  context.result().data("drift", drift_json(tests, reference, now));
  if (const std::string to = context.flag("--to"); !to.empty()) {
    write_page(to, subject, tests, reference, now, context.seconds());
    context.result().file("report", to + "/report.html");
    context.result().line("report: " + to + "/report.html");
  }
  return flagged == 0 ? 0 : 1;
}

}  // namespace thimble::neurotrigger
