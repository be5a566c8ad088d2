#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/gzip.h"
#include "core/report/progress.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/data/track_text.h"
#include "apps/neurotrigger/hardware/hardware_look.h"
#include "apps/neurotrigger/run/run_files.h"
#include "apps/neurotrigger/run/run_report.h"
#include "apps/neurotrigger/run/subject.h"
#include "apps/neurotrigger/train/uncertainty_run.h"
#include "apps/neurotrigger/verbs/verbs.h"

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void write_text(const fs::path& path, const std::string& content) {
  io::atomic_replace(path, ends_with(path.string(), ".gz") ? io::gzip(content) : content);
}

void print_table(app::Context& context, const report::Table& table) {
  context.result().print(report::plain_text(table, report::utf8_locale()));
}

/// The track file with the words of the hardware network in place of the recorded ones.
int write_words(app::Context& context, const Subject& subject, const Dataset& data) {
  const std::string to = context.flag("--to"), wanted = context.flag("--target");
  const std::string target = wanted == "float" ? "hw-a" : wanted;  // words come from integers
  const auto networks = seen_by(target, load_models(subject.settings, subject.weights), subject.settings);
  Dataset seen = data;  // what the networks get; the file keeps its inputs
  apply_quirk(seen, subject.settings.all.hw_quirk);
  Dataset out = with_hardware_words(seen, networks);
  out.inputs = data.inputs;
  write_text(to, track_text(out));
  context.result().file("tracks", to);
  context.result().line(text::cat(to, ": ", text::grouped(data.rows()), " tracks with the words of ",
                                  hardware_model(target, subject.settings.all.hw).str()));
  return 0;
}

}  // namespace

int run_predict(app::Context& context) {
  const Subject subject = open_subject(context);
  const Split split = quoted_split(subject.splits);
  const Dataset& data = subject.splits[split];
  if (context.flag("--what") == "words") return write_words(context, subject, data);
  const Tensor outputs = outputs_in_order(subject.splits, subject.result, split, false);
  std::size_t predicted = 0;
  for (const ExpertResult& expert : subject.result.experts)
    predicted += expert.outputs[static_cast<std::size_t>(split)].rows.size();
  const bool legacy = context.has("--legacy-names"), widths = !legacy && has_uncertainty(subject.result);
  std::string content = prediction_text(data, outputs, legacy ? HeaderStyle::spaces : HeaderStyle::tabs,
                                        widths ? widths_in_order(subject.splits, subject.result, split) : Tensor());
  if (context.has("--no-header")) content.erase(0, content.find("\n\n") + 2);
  const std::string to = context.flag("--to");
  write_text(to, content);
  context.result().file("predictions", to);
  context.result().line(text::cat(to, ": ", text::grouped(static_cast<std::int64_t>(predicted)), " of ",
                                  text::grouped(data.rows()), " tracks have outputs"));
  return 0;
}

int run_report(app::Context& context) {
  const Subject subject = open_subject(context);
  report::write_report(build_report(subject.settings, subject.splits, subject.result), subject.folder);
  context.result().run(subject.folder.string());
  context.result().file("report", "report.html");
  print_table(context, result_table(subject.settings, subject.splits, subject.result, quoted_split(subject.splits)));
  context.result().line("report: " + (subject.folder / "report.html").string());
  return 0;
}

int run_simulate(app::Context& context) {
  if (context.config().empty())
    throw Error(ErrorKind::usage, "which configuration?", {}, "thimble-neurotrigger simulate demo --out tracks");
  std::vector<app::Override> changes;
  for (const app::Override& change : context.all_overrides())
    if (change.key != "out") changes.push_back(change);
  const RunSettings settings = bind_settings(app::load_config(context.config(), changes, load_options()));
  use_threads(settings.all);
  if (!settings.all.data.train.empty())
    throw Error(ErrorKind::config, "this configuration reads track files", {"", 0, 0, "data.train"},
                "simulate writes tracks of data.simulate; leave data.train out");
  Splits splits = load_splits(settings.all);
  if (const std::string weights = context.flag("--weights"); !weights.empty()) {
    const auto networks = seen_by("hw-a", load_models(settings, weights), settings);
    for (const Split split : kSplits) splits[split] = with_hardware_words(splits[split], networks);
  }
  const fs::path folder = context.flags().out.value_or("tracks");
  fs::create_directories(folder);
  for (const Split split : kSplits) {
    if (splits[split].rows() == 0) continue;
    const fs::path path =
        folder / text::cat("random", static_cast<int>(split) + 1, ".csv", context.has("--plain") ? "" : ".gz");
    write_text(path, track_text(splits[split]));
    context.result().file(name_of(split), path.string());
    context.result().line(text::cat(path.string(), ": ", text::grouped(splits[split].rows()), " tracks"));
  }
  return 0;
}

}  // namespace thimble::neurotrigger
