#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/io/npy.h"
#include "core/report/html.h"
#include "core/report/table.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/channels/channel_estimates.h"
#include "apps/fenet/channels/channel_ranking.h"
#include "apps/fenet/run/subject.h"
#include "apps/fenet/train/fold_training.h"
#include "apps/fenet/verbs/verbs.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

/// Configuration and filters; the choice of channels is switched off, since it is what is looked for.
ChosenNetwork chosen_network(const app::Context& context) {
  ChosenNetwork out;
  if (!context.flag("--weights").empty()) {
    out = open_network(context);
  } else {
    const std::string config = context.config().empty() ? "{}" : context.config();
    out.chosen.loaded = app::load_config(config, context.all_overrides(), load_options());
    out.chosen.settings = bind_settings(out.chosen.loaded);
  }
  ChannelKeys& keys = out.chosen.settings.data.channels;
  keys.top = 0, keys.min_r2 = 0.0, keys.mask.clear();
  return out;
}

report::Column heading(const char* name, const char* unit = "") {
  report::Column column;
  column.name = name;
  column.unit = unit;
  return column;
}

report::Table ranking_table(const ChannelScores& scores) {
  report::Table table;
  table.title = text::cat("Squared correlation of each channel alone, ", scores.day);
  table.columns = {heading("rank"), heading("channel"), heading("R2 x"), heading("R2 y")};
  const std::int64_t axes = scores.r2.size(1);
  const std::vector<std::int64_t> ranking = scores.ranking();
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    const double* row = scores.r2.data<double>() + ranking[i] * axes;
    std::vector<report::Cell> cells{std::to_string(i + 1), std::to_string(ranking[i] + 1)};
    for (std::int64_t axis = 0; axis < axes; ++axis) cells.push_back(report::number(row[axis], 4));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

report::Table estimates_table(const std::string& day, const std::vector<ChannelEstimate>& channels) {
  report::Table table;
  table.title = text::cat("Channels as recorded, ", day);
  table.columns = {heading("channel"),         heading("mean", "uV"),      heading("deviation", "uV"),
                   heading("noise RMS", "uV"), heading("spike RMS", "uV"), heading("mains"),
                   heading("remark")};
  table.columns.back().left = true;
  for (std::size_t c = 0; c < channels.size(); ++c) {
    const ChannelEstimate& e = channels[c];
    table.rows.push_back({std::to_string(c + 1), report::number(e.mean, 2), report::number(e.deviation, 2),
                          report::number(e.noise_rms, 2), report::number(e.spike_rms, 2),
                          report::number(e.line_ratio, 1),
                          e.dead        ? "dead"
                          : e.saturated ? "saturated"
                                        : ""});
  }
  return table;
}

report::Table levels_table(const std::vector<LevelEstimate>& levels, std::int64_t word_length) {
  report::Table table;
  table.title = text::cat("Magnitudes in the network, and fraction bits of ", word_length, "-bit words that hold them");
  table.note = "99.9 % of the numbers are smaller";
  table.columns = {heading("stage"), heading("into the next"), heading("feature"), heading("wl"), heading("fl")};
  table.columns.front().left = true;
  for (const LevelEstimate& level : levels)
    table.rows.push_back({level.name, report::Cell(text::significant(level.activation, 4)),
                          report::Cell(text::significant(level.feature, 4)), std::to_string(word_length),
                          std::to_string(level.fraction)});
  return table;
}

/// Tables of the channels, R2 to be stored beside recordings and the mask of the best ones.
class ChannelFiles {
 public:
  ChannelFiles(app::Context& context, fs::path folder) : context_(context), folder_(std::move(folder)) {
    if (!context.flags().dry_run) fs::create_directories(folder_);
  }
  void table(const std::string& name, const report::Table& table, bool print) {
    if (print) context_.result().print(report::plain_text(table, report::utf8_locale()) + "\n");
    write(name + ".csv", report::csv(table));
  }
  void scores(const ChannelScores& scores) { write(scores.day + "_cvr2.npy", io::npy_bytes(io::Array(scores.r2))); }
  void masks(const std::vector<ChannelScores>& days, std::int64_t top) {
    nlohmann::ordered_json masks;
    for (const ChannelScores& day : days) masks[day.day] = day.mask(top);
    write("mask.json", io::json_text(masks));
  }

 private:
  void write(const std::string& name, const std::string& content) {
    if (context_.flags().dry_run) return;
    io::atomic_replace(folder_ / name, content);
    context_.result().file(name, (folder_ / name).string());
  }
  app::Context& context_;
  fs::path folder_;
};

int run_channels(app::Context& context) {
  const ChosenNetwork chosen = chosen_network(context);
  const Settings& settings = chosen.chosen.settings;
  use_threads(settings);
  const std::int64_t top = context.flag_integer("--top", 40);
  if (top < 0) throw Error(ErrorKind::usage, "fewer than no channels", {"", 0, 0, "--top"});
  const Recordings recordings = load_recordings(settings);
  const SegmentSource& first = *recordings.train.front().sessions.front().segments;
  Network network = start_network(settings, first.samples());
  if (!chosen.weights.empty()) network.set_weights(chosen.weights);
  ChannelFiles files(context, context.flag("--to"));
  if (context.flags().dry_run) return 0;
  for (const Day& day : recordings.train)
    files.table("estimates_" + day.name,
                estimates_table(day.name, estimate_channels(*day.sessions.front().raw, day.rate_hz)),
                recordings.train.size() == 1);
  const std::int64_t bits = settings.quant.word_length;
  files.table("levels", levels_table(estimate_levels(network, first, bits), bits), true);
  const std::vector<ChannelScores> scores = score_channels(network, recordings.train, protocol_of(settings));
  for (const ChannelScores& day : scores) {
    files.table("ranking_" + day.day, ranking_table(day), &day == &scores.back());
    files.scores(day);
  }
  files.masks(scores, top);
  context.result().line(text::cat(
      "the best ", top, " channels: data.channels.mask=", (fs::path(context.flag("--to")) / "mask.json").string()));
  return 0;
}

}  // namespace

app::Verb channels_verb() {
  app::Verb v;
  v.name = "channels";
  v.group = "Look";
  v.summary = "measure every channel, rank them by what each alone tells of the movement, write a mask";
  v.run = run_channels;
  v.flags = {{"--weights", "FILE", "filters of this file or preset; without it the start of a training", "", {}, 0},
             {"--top", "N", "channels that the mask keeps, 0: all", "40", {}, 0},
             {"--to", "DIR", "folder to write", "channels", {}, 0}};
  v.examples = {"thimble-fenet channels --weights efficient --top 6 --to channels",
                "thimble-fenet train demo data.train=[day.mat] data.channels.mask=channels/mask.json"};
  v.more =
      "Written are estimates_DAY.csv (mean, deviation, noise, spike band, mains, dead and saturated channels, from the "
      "first session of the day as recorded), levels.csv (magnitudes in the network and the word they fit into), "
      "ranking_DAY.csv and DAY_cvr2.npy (features of the channel, reduction and decoder, by the folds of eval), over "
      "all days as pooled, and mask.json.";
  return v;
}

}  // namespace thimble::fenet
