#include "core/base/error.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/data/day_writers.h"
#include "apps/fenet/data/simulator.h"
#include "apps/fenet/run/run_access.h"
#include "apps/fenet/verbs/verbs.h"

#include <filesystem>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

Settings simulation_settings(const app::Context& context) {
  const std::string config = context.config().empty() ? "{}" : context.config();
  return bind_settings(app::load_config(config, context.all_overrides(), load_options()));
}

int run_simulate(app::Context& context) {
  const Settings settings = simulation_settings(context);
  use_threads(settings);
  const DayFormat format = parse_day_format(context.flag("--format"));
  const fs::path folder = context.flag("--to");
  const std::vector<Day> days = simulate_days(settings.synth, settings.seed);
  app::Result& result = context.result();
  if (!context.flags().dry_run) fs::create_directories(folder);
  std::vector<std::string> names;
  for (const Day& day : days) {
    if (!context.flags().dry_run)
      for (const fs::path& file : write_day(day, format, folder)) {
        result.file(file.filename().string(), file.string());
        if (file == folder / (day.name + ".json") || file.extension() == ".nwb" || file.extension() == ".mat" ||
            file.string().find("_broadband.npy") != std::string::npos)
          names.push_back(file.string());
      }
    result.line(text::cat(day.name, ": ", day.sessions.size(), " sessions of ", settings.synth.segments, " segments, ",
                          settings.synth.channels, " channels"));
  }
  if (!names.empty())
    result.line(text::cat("next: thimble-fenet baselines demo data.train=[", text::join(names, ","), "]"));
  return 0;
}

}  // namespace

app::Verb simulate_verb() {
  app::Verb v;
  v.name = "simulate";
  v.group = "Work";
  v.summary = "write simulated days as files that are read again";
  v.run = run_simulate;
  v.flags = {{"--to", "DIR", "folder to write", "recordings", {}, 0},
             {"--format",
              "KIND",
              "raw: int16 samples and JSON; npy; nwb: NWB 2, one file per session; matlab: day file",
              "raw",
              {"raw", "npy", "nwb", "matlab"},
              0}};
  v.examples = {"thimble-fenet simulate synth.segments=100 --to recordings",
                "thimble-fenet simulate synth.days=2 synth.unit_loss=0.2 --format matlab --to recordings",
                "thimble-fenet simulate synth.channels=192 synth.segments=1600 synth.sessions=1 --to large"};
  v.more =
      "Settings of the simulator are below synth; --seed gives another recording. raw and npy are written a few "
      "segments at a time, so that a day may be larger than memory.";
  return v;
}

}  // namespace thimble::fenet
