#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/gzip.h"
#include "core/report/progress.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/hardware_look.h"
#include "apps/neurotrigger/run_access.h"
#include "apps/neurotrigger/run_files.h"
#include "apps/neurotrigger/run_report.h"
#include "apps/neurotrigger/track_file.h"
#include "apps/neurotrigger/track_text.h"
#include "apps/neurotrigger/uncertainty_run.h"
#include "apps/neurotrigger/verbs.h"

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

std::string required_flag(const app::Context& context, const std::string& name, const std::string& example) {
  const std::string value = context.flag(name);
  if (value.empty()) throw Error(ErrorKind::usage, text::cat(name, " is missing"), {}, example);
  return value;
}

/// Metrics and histories of a stored run, as after its training.
RunResult look_again(const OldRun& run, const Splits& splits, const fs::path& weights,
                     const std::string& target = "float") {
  RunResult result =
      evaluate_experts(run.settings, splits, seen_by(target, load_models(run.settings, weights), run.settings));
  std::map<int, ExpertOutcome> histories = load_histories(run.settings, run.folder);
  for (ExpertResult& expert : result.experts) {
    const auto found = histories.find(expert.outcome.expert);
    if (found == histories.end()) continue;
    nn::Graph model = std::move(expert.outcome.model);
    expert.outcome = std::move(found->second);
    expert.outcome.model = std::move(model);
  }
  return result;
}

/// Outputs of a stored run on other tracks, in row order; zero for rows without a network.
struct FileOutputs {
  Tensor outputs;  // [N, 2]
  Tensor widths;   // [N, 2] calibrated half widths in cm; undefined without uncertainty outputs
  std::int64_t predicted = 0;
};

/// Copies the rows of `own` to their places in `all`, from the left.
void place_rows(const Tensor& own, const std::vector<std::int64_t>& rows, const Tensor& all) {
  const std::int64_t width = own.size(1);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::copy_n(own.data<float>() + static_cast<std::int64_t>(i) * width, width,
                all.mut<float>() + rows[i] * all.size(1));
}

Tensor calibrated_widths(const Tensor& estimates, const Tensor& extra, Uncertainty kind, const Calibration& factor) {
  const HalfWidths widths = scaled(half_widths(estimates, extra, kind), factor.one_sigma.value_or(1.0));
  Tensor out = Tensor::empty({extra.size(0), 2});
  for (std::size_t i = 0; i < widths.size(); ++i) {
    out.mut<float>()[2 * i] = static_cast<float>(widths.below[i]);
    out.mut<float>()[2 * i + 1] = static_cast<float>(widths.above[i]);
  }
  return out;
}

FileOutputs outputs_of(const OldRun& run, const Dataset& data, const std::string& target) {
  const Settings& s = run.settings.all;
  const Uncertainty kind = uncertainty_from_name(s.uncertainty);
  FileOutputs out{Tensor::zeros({data.rows(), 2}), {}, 0};
  std::map<int, Calibration> calibrations;
  if (kind != Uncertainty::none) {
    calibrations = read_calibrations(run.folder / "uncertainty.json");
    out.widths = Tensor::zeros({data.rows(), 2});
  }
  for (const auto& [expert, model] :
       seen_by(target, load_models(run.settings, run.folder / "weights.json"), run.settings)) {
    const std::vector<std::int64_t> rows = data.rows_of(expert);
    const Tensor own = predict(model, gather_rows(data.inputs, rows)), estimates = columns_of(own, 0, s.out_size);
    place_rows(estimates, rows, out.outputs);
    if (kind != Uncertainty::none)
      place_rows(
          calibrated_widths(estimates, columns_of(own, s.out_size, extra_outputs(kind)), kind, calibrations[expert]),
          rows, out.widths);
    out.predicted += static_cast<std::int64_t>(rows.size());
  }
  return out;
}

/// The track file with the words of the hardware network in place of the recorded ones.
int write_words(app::Context& context, const OldRun& run, const Dataset& data, const Dataset& seen) {
  const std::string to = context.flag("--to"), wanted = context.flag("--target");
  const std::string target = wanted == "float" ? "hw-a" : wanted;  // words come from integers
  const auto networks = seen_by(target, load_models(run.settings, run.folder / "weights.json"), run.settings);
  Dataset out = with_hardware_words(seen, networks);
  out.inputs = data.inputs;
  write_text(to, track_text(out));
  context.result().file("tracks", to);
  context.result().line(text::cat(to, ": ", text::grouped(data.rows()), " tracks with the words of ",
                                  hardware_model(target, run.settings.all.hw).str()));
  return 0;
}

}  // namespace

int run_evaluate(app::Context& context) {
  const OldRun run = open_run(context);
  use_threads(run.settings.all);
  Splits splits = load_splits(run.settings.all);
  for (const Split split : kSplits) apply_quirk(splits[split], run.settings.all.hw_quirk);
  const std::string weights = context.flag("--weights");
  const RunResult result = look_again(run, splits, weights.empty() ? run.folder / "weights.json" : fs::path(weights),
                                      context.flag("--target"));
  context.result().run(run.folder.string());
  for (const Split split : kSplits)
    if (splits[split].rows() > 0) print_table(context, result_table(run.settings, splits, result, split));
  if (has_uncertainty(result)) print_table(context, coverage_table(splits, result, quoted_split(splits)));
  context.result().line(result_sentence(run.settings, splits, result));
  context.result().data("loss", losses_json(run.settings, splits, result));
  return 0;
}

int run_predict(app::Context& context) {
  const OldRun run = open_run(context);
  use_threads(run.settings.all);
  const std::string from = required_flag(context, "--data", "name a track file: --data random3.gz");
  const Dataset data = read_tracks(fs::path(from));
  Dataset seen = data;  // what the networks get; the file keeps its inputs
  apply_quirk(seen, run.settings.all.hw_quirk);
  const std::string to = context.flag("--to"), target = context.flag("--target");
  if (context.flag("--what") == "words") return write_words(context, run, data, seen);
  const FileOutputs made = outputs_of(run, seen, target);
  const bool legacy = context.has("--legacy-names");
  write_text(to, prediction_text(data, made.outputs, legacy ? HeaderStyle::spaces : HeaderStyle::tabs,
                                 legacy ? Tensor() : made.widths));
  context.result().file("predictions", to);
  context.result().line(
      text::cat(to, ": ", text::grouped(made.predicted), " of ", text::grouped(data.rows()), " tracks have outputs"));
  return 0;
}

int run_report(app::Context& context) {
  const OldRun run = open_run(context);
  use_threads(run.settings.all);
  const Splits splits = load_splits(run.settings.all);
  const RunResult result = look_again(run, splits, run.folder / "weights.json");
  report::write_report(build_report(run.settings, splits, result), run.folder);
  context.result().run(run.folder.string());
  context.result().file("report", "report.html");
  print_table(context, result_table(run.settings, splits, result, quoted_split(splits)));
  context.result().line("report: " + (run.folder / "report.html").string());
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
