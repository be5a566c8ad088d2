#include "core/base/error.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/look/view.h"
#include "apps/fenet/study/lags.h"
#include "apps/fenet/study/study.h"
#include "apps/fenet/verbs/verbs.h"

namespace thimble::fenet {
namespace {

std::int64_t count_flag(const app::Context& context, const std::string& flag, std::int64_t fallback,
                        std::int64_t least) {
  const std::int64_t value = context.flag_integer(flag, fallback);
  if (value < least)
    throw Error(ErrorKind::usage, text::cat("must be at least ", least), {"", 0, 0, flag},
                text::cat(flag, " ", fallback));
  return value;
}

StudyOptions study_options(const app::Context& context) {
  StudyOptions out;
  out.grid = count_flag(context, "--grid", 11, 3);
  if (out.grid % 2 == 0)
    throw Error(ErrorKind::usage, "must be odd, so that the network is a point of the grid", {"", 0, 0, "--grid"},
                text::cat("--grid ", out.grid + 1));
  if (!text::parse(context.flag("--reach"), out.reach) || !(out.reach > 0 && out.reach <= 100))
    throw Error(ErrorKind::usage, "must be a number above 0 and up to 100", {"", 0, 0, "--reach"}, "--reach 1");
  out.permutations = count_flag(context, "--permutations", 200, 1);
  out.segments = count_flag(context, "--segments", 0, 0);
  const auto lags = lag_range(context.flag("--lags"));
  out.first_lag = lags.first;
  out.last_lag = lags.second;
  out.full = context.has("--full");
  if (!context.flag("--presets").empty()) out.presets = wanted_names(context.flag("--presets"), presets(), "--presets");
  return out;
}

int run_study(app::Context& context) {
  const std::vector<std::string> names = wanted_names(context.flag("--what"), study_names(), "--what");
  StudyOptions options = study_options(context);
  const View view = open_view(context);
  if (context.flags().dry_run) {
    context.result().line(text::cat("studies: ", text::join(names, ", "), "; weights: ", view.origin));
    return 0;
  }
  const app::StopWatch stop;
  options.interrupt = stop.flag();
  report::ProgressOptions shown;
  shown.mode = context.progress();
  shown.unicode = report::utf8_locale();
  report::Progress progress(shown);
  progress.begin("study", static_cast<double>(names.size()));
  double done = 0;
  options.told = [&](double part, double total, const std::string& what) {
    if (stop.flag()->load()) throw Error(ErrorKind::failed, "interrupted");
    progress.update(done + part / total, {{report::Part::counter, "study", what, "", ""}});
  };
  LookPage page(context, look_folder(context, view, "studies"), view.name,
                text::cat("Studies of ", view.name, ", weights: ", view.origin));
  try {
    for (const std::string& name : names) {
      page.add(make_study(name, view, options));
      progress.update(++done, {{report::Part::counter, "study", name, "", ""}});
    }
  } catch (const Error&) {
    if (!stop.flag()->load()) throw;  // asked to end: what is done is kept
  }
  page.finish();
  progress.end();
  return 0;
}

}  // namespace

app::Verb study_verb() {
  app::Verb v;
  v.name = "study";
  v.group = "Look";
  v.summary = "ablation, loss surface, averaging, learning curves, days of data, drift, permutation test, lags";
  v.run = run_study;
  v.operands = {"RUN | CONFIG [key=value ...]", 0, 1, true};
  v.stops_cleanly = true;
  v.flags = {weights_flag(),
             {"--what",
              "LIST",
              "ablation, surface, averaging, learning-curve, days, drift, permutation, lags, or all",
              "drift,permutation",
              {},
              0},
             {"--segments", "N", "first segments of every session that are used, 0: all", "0", {}, 0},
             {"--full", "", "ablation: all 16 combinations in place of one part at a time", "", {}, 0},
             {"--grid", "N", "surface: points per direction, odd", "11", {}, 0},
             {"--reach", "X", "surface: ends of both directions, in norms of the filters", "1", {}, 0},
             {"--presets", "LIST", "surface: these presets as well, with their wavelets", "", {}, 0},
             {"--permutations", "N", "permutation: how often the labels are moved", "200", {}, 0},
             {"--lags", "A:B", "lags: segments by which the features are taken earlier", "-5:5", {}, 0}};
  v.examples = {"thimble-fenet study latest", "thimble-fenet study demo --what ablation train.epochs=4",
                "thimble-fenet study demo --what drift synth.days=4 synth.unit_loss=0.1",
                "thimble-fenet study latest --what surface --presets efficient,db20"};
  v.more =
      "Ablation, averaging, learning-curve and days train again, with the settings of the run or configuration; "
      "surface, drift, permutation and lags look at the filters as they are. One report.html, a JSON and a CSV file "
      "per "
      "study, in the folder studies of the run, of the current folder, or in --out.";
  return v;
}

}  // namespace thimble::fenet
