#include "apps/neurotrigger/data/track_split.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/gzip.h"
#include "core/io/hash.h"
#include "core/io/json.h"
#include "core/random/philox.h"

#include "nn/data/split.h"

#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/track_file.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

namespace thimble::neurotrigger {
namespace {

using EventName = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

EventName event_name(const Origin& origin, bool by_run) {
  return by_run ? EventName{origin.event, origin.run, origin.experiment} : EventName{origin.event, 0, 0};
}

/// One number per row, the same for all tracks of an event.
std::vector<std::int64_t> event_groups(const Dataset& data, bool by_run) {
  std::vector<std::int64_t> groups;
  for (const Origin& origin : data.origins) {
    const auto [event, run, experiment] = event_name(origin, by_run);
    groups.push_back(by_run ? static_cast<std::int64_t>(io::xxh64(text::cat(experiment, ' ', run, ' ', event)))
                            : event);
  }
  return groups;
}

void check_shares(const std::vector<double>& shares) {
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  bool positive = true;
  for (const double share : shares) positive = positive && share > 0;
  if (shares.size() < 2 || shares.size() > 9 || !positive || std::abs(sum - 1.0) > 1e-9)
    throw Error(ErrorKind::usage, "shares are 2 to 9 positive numbers that add up to 1", {}, "--shares 0.6,0.2,0.2");
}

/// Rows of the file as text; the header must have the columns of the first file.
void add_lines(const std::string& path, TrackText& tracks) {
  const std::unique_ptr<io::ByteSource> source = io::open_source(path);
  io::LineReader reader(*source, path);
  std::string_view line;
  bool first = true;
  while (reader.next(line)) {
    if (line.empty()) continue;
    if (!first) {
      tracks.lines.emplace_back(line);
      continue;
    }
    first = false;
    if (tracks.header.empty()) tracks.header = line;
    if (tracks.header != line)
      throw Error(ErrorKind::data, "the columns are not those of the first file", {path, reader.number(), 0, ""},
                  "split files of one kind at a time");
  }
}

std::int64_t events_of(const Dataset& data, const std::vector<std::int64_t>& rows, bool by_run) {
  std::set<EventName> events;
  for (const std::int64_t row : rows) events.insert(event_name(data.origins[static_cast<std::size_t>(row)], by_run));
  return static_cast<std::int64_t>(events.size());
}

nlohmann::json settings_json(const SplitOptions& options) {
  return {{"shares", options.shares}, {"seed", options.seed}, {"by_run", options.by_run}, {"filter", options.filter}};
}

}  // namespace

TrackText read_track_text(const std::vector<std::string>& paths) {
  TrackText tracks;
  tracks.data = read_tracks(paths);
  for (const std::string& path : paths) {
    const std::size_t before = tracks.lines.size();
    add_lines(path, tracks);
    tracks.sources.push_back(
        {path, io::sha256_hex(io::read_file(path)), static_cast<std::int64_t>(tracks.lines.size() - before)});
  }
  THIMBLE_CHECK(static_cast<std::int64_t>(tracks.lines.size()) == tracks.data.rows(), data,
                "a file changed while it was "
                "read: ",
                tracks.lines.size(), " lines, ", tracks.data.rows(), " tracks");
  return tracks;
}

std::vector<std::vector<std::int64_t>> split_rows(const Dataset& data, const SplitOptions& options) {
  check_shares(options.shares);
  const std::vector<std::int64_t> groups = event_groups(data, options.by_run);
  const Stream stream = Rng(options.seed).stream("split");
  nn::Rows left = rows_of(apply_filter(options.filter, data, "--filter"));
  std::vector<std::vector<std::int64_t>> parts(options.shares.size());
  double share_left = 1.0;
  for (std::size_t part = options.shares.size() - 1; part > 0; --part) {
    std::vector<std::int64_t> own;
    for (const std::int64_t row : left) own.push_back(groups[static_cast<std::size_t>(row)]);
    const double share = std::min(1.0, options.shares[part] / share_left);
    nn::Split two = nn::by_group(left, own, share, stream.stream(text::cat("part/", part + 1)));
    parts[part] = std::move(two.valid);
    left = std::move(two.train);
    share_left -= options.shares[part];
  }
  parts[0] = std::move(left);
  return parts;
}

std::string split_text(const TrackText& tracks, const std::vector<std::int64_t>& rows) {
  std::string out = tracks.header + "\n\n";
  for (const std::int64_t row : rows) {
    out += tracks.lines[static_cast<std::size_t>(row)];
    out += '\n';
  }
  return out;
}

std::string split_manifest(const TrackText& tracks, const SplitOptions& options,
                           const std::vector<std::vector<std::int64_t>>& parts, const std::vector<std::string>& names) {
  nlohmann::json sources = nlohmann::json::array(), files = nlohmann::json::array();
  std::string identity = io::canonical_json(settings_json(options));
  for (const TrackText::Source& source : tracks.sources) {
    sources.push_back({{"file", source.path}, {"sha256", source.sha256}, {"tracks", source.rows}});
    identity += source.sha256;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::array<std::int64_t, kExperts> experts{};
    for (const std::int64_t row : parts[i])
      ++experts[static_cast<std::size_t>(tracks.data.experts[static_cast<std::size_t>(row)])];
    files.push_back({{"file", names[i]},
                     {"tracks", parts[i].size()},
                     {"events", events_of(tracks.data, parts[i], options.by_run)},
                     {"tracks_by_expert", experts},
                     {"sha256_text", io::sha256_hex(split_text(tracks, parts[i]))}});
  }
  constexpr std::size_t kVersionDigits = 16;
  const nlohmann::json manifest{{"schema", "thimble.tracks/1"},
                                {"version", io::sha256_hex(identity).substr(0, kVersionDigits)},
                                {"settings", settings_json(options)},
                                {"sources", sources},
                                {"files", files}};
  return io::json_text(manifest, 2) + "\n";
}

}  // namespace thimble::neurotrigger
