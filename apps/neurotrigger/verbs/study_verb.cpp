#include "core/base/error.h"
#include "core/io/atomic_file.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/run/run_report.h"
#include "apps/neurotrigger/run/subject.h"
#include "apps/neurotrigger/study/studies.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> wanted_studies(const std::string& list) {
  if (list == "all") return study_names();
  std::vector<std::string> names = text::split(list, ',');
  for (const std::string& name : names)
    if (std::find(study_names().begin(), study_names().end(), name) == study_names().end())
      throw Error(ErrorKind::usage, text::cat("there is no study '", text::printable(name), "'"), {"", 0, 0, "--what"},
                  "studies: all, " + text::join(study_names(), ", "));
  return names;
}

Split wanted_split(const app::Context& context, const Splits& splits) {
  const std::string name = context.flag("--split");
  if (name.empty()) return quoted_split(splits);
  for (const Split split : kSplits)
    if (name == name_of(split)) return split;
  throw Error(ErrorKind::internal, "a split that the command line should have refused");
}

void write_files(const Study& study, const fs::path& folder, app::Result& result) {
  for (const auto& [name, content] : study.files) {
    io::atomic_replace(folder / name, content);
    result.file(name, (folder / name).string());
  }
}

void print_section(const report::FigureGroup& section, app::Result& result) {
  result.line(section.heading);
  for (const std::string& paragraph : section.text) result.line(paragraph);
  for (const report::Table& table : section.tables) result.print(report::plain_text(table, report::utf8_locale()));
}

/// --out, else a folder of the run.
fs::path studies_folder(const app::Context& context, const Subject& subject) {
  if (context.flags().out) return *context.flags().out;
  if (subject.folder.empty())
    throw Error(ErrorKind::usage, "where to? There is no run folder", {"", 0, 0, "--out"}, "--out looks");
  return subject.folder / "studies";
}

}  // namespace

int run_study(app::Context& context) {
  const std::vector<std::string> names = wanted_studies(context.flag("--what"));
  const Subject subject = open_subject(context);
  const Split split = wanted_split(context, subject.splits);
  if (subject.splits[split].rows() == 0)
    throw Error(ErrorKind::data, text::cat("there are no ", name_of(split), " tracks"), {"", 0, 0, "--split"},
                "name some with --data FILE or data.test=FILE, or take another --split");
  const fs::path folder = studies_folder(context, subject);
  fs::create_directories(folder);
  report::Report page;
  page.app = "thimble-neurotrigger";
  page.name = subject.settings.config;
  page.version = subject.folder.filename().string();
  page.sentence = text::cat("What the ", name_of(split), " tracks say about the networks of this run");
  context.result().run(subject.folder.string());
  report::ProgressOptions options;
  options.mode = context.progress();
  options.unicode = report::utf8_locale();
  report::Progress progress(options);
  progress.begin("study", static_cast<double>(names.size()));
  double done = 0;
  for (const std::string& name : names) {
    progress.update(done++, {{report::Part::counter, "study", name, "", ""}});
    Study study = make_study(name, subject.settings, subject.result, subject.splits, split);
    if (study.section.heading.empty()) {
      context.result().line(name + ": this run has nothing to show");
      continue;
    }
    write_files(study, folder, context.result());
    print_section(study.section, context.result());
    page.figures.push_back(std::move(study.section));
  }
  page.seconds = context.seconds();
  report::write_report(page, folder);
  progress.end();
  context.result().file("report", (folder / "report.html").string());
  context.result().line("report: " + (folder / "report.html").string());
  return 0;
}

}  // namespace thimble::neurotrigger
