#include "core/report/progress.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/look/data_look.h"
#include "apps/fenet/look/model_look.h"
#include "apps/fenet/look/quantised_look.h"
#include "apps/fenet/look/video.h"
#include "apps/fenet/look/view.h"
#include "apps/fenet/verbs/verbs.h"

#include <numeric>

namespace thimble::fenet {
namespace {

const std::vector<std::string>& charts() {
  static const std::vector<std::string> names{"data", "model", "quantised", "video"};
  return names;
}

/// Numbers of the channels of a day, also when its file does not say.
std::vector<std::int64_t> channel_numbers(const Day& day, std::int64_t channels) {
  if (static_cast<std::int64_t>(day.channels.size()) == channels) return day.channels;
  std::vector<std::int64_t> out(static_cast<std::size_t>(channels));
  std::iota(out.begin(), out.end(), std::int64_t{0});
  return out;
}

Look make_look(const app::Context& context, const View& view, const std::vector<Day>& days,
               const std::vector<DayFeatures>& features, const std::string& name) {
  if (name == "data") return data_look(days);
  if (name == "model") return model_look(view.network, features.front(), view.protocol());
  if (name == "video")
    return video_look(features.front(), channel_numbers(days.front(), features.front().channels), view.protocol(),
                      view.settings.data.channels.map, context.flag_integer("--frames", 333));
  QuantisedLookOptions options;
  options.repetitions = context.flag_integer("--repetitions", options.repetitions);
  options.seed = static_cast<std::uint64_t>(view.settings.seed);
  options.word_length = view.settings.quant.word_length;
  options.fraction = view.settings.quant.fraction;
  return quantised_look(view.network, features, view.protocol(), options);
}

void check_counts(const app::Context& context) {
  for (const char* flag : {"--repetitions", "--segments", "--frames"})
    if (context.flag_integer(flag, 1) < 1)
      throw Error(ErrorKind::usage, "must be at least 1", {"", 0, 0, flag}, text::cat(flag, " 50"));
}

int run_explore(app::Context& context) {
  const std::vector<std::string> names = wanted_names(context.flag("--what"), charts(), "--what");
  check_counts(context);
  const View view = open_view(context);
  if (context.flags().dry_run) {
    context.result().line(text::cat("charts: ", text::join(names, ", "), "; weights: ", view.origin));
    return 0;
  }
  const std::vector<Day> days = view.days();
  report::ProgressOptions options;
  options.mode = context.progress();
  options.unicode = report::utf8_locale();
  report::Progress progress(options);
  progress.begin("explore", static_cast<double>(names.size() + 1));
  const bool networks = names != std::vector<std::string>{"data"};
  const std::vector<DayFeatures> features =
      networks ? features_of_days(view.network, days, context.flag_integer("--segments", 500))
               : std::vector<DayFeatures>();
  LookPage page(context, look_folder(context, view, "explore"), view.name,
                text::cat("Recordings and network, weights: ", view.origin));
  double done = 1;
  for (const std::string& name : names) {
    progress.update(done++, {{report::Part::counter, "chart", name, "", ""}});
    page.add(make_look(context, view, days, features, name));
  }
  page.finish();
  progress.end();
  return 0;
}

}  // namespace

app::Verb explore_verb() {
  app::Verb v;
  v.name = "explore";
  v.group = "Look";
  v.summary = "charts of labels, weights, values, number formats; a video of the electrodes";
  v.run = run_explore;
  v.operands = {"RUN | CONFIG [key=value ...]", 0, 1, true};
  v.flags = {weights_flag(),
             {"--what", "LIST", "data, model, quantised, video, or all", "all", {}, 0},
             {"--segments", "N", "segments of the first session of a day that the charts look at", "500", {}, 0},
             {"--repetitions", "N", "random halves behind the bands of the number formats", "50", {}, 0},
             {"--frames", "N", "segments in the video", "333", {}, 0}};
  v.examples = {"thimble-fenet explore latest", "thimble-fenet explore demo --what data",
                "thimble-fenet explore latest --what video --frames 100 --out film"};
  v.more =
      "A run is looked at with its own weights; a configuration with those of --weights, of model.weights or with "
      "Daubechies filters. Every chart is written as data and picture beside report.html.";
  return v;
}

}  // namespace thimble::fenet
