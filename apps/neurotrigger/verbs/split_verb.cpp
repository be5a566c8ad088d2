#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/atomic_file.h"
#include "core/io/gzip.h"
#include "core/io/json.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/data/filters.h"
#include "apps/neurotrigger/data/track_split.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <nlohmann/json.hpp>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

SplitOptions split_options(const app::Context& context) {
  SplitOptions options;
  options.shares.clear();
  for (const std::string& word : text::split(context.flag("--shares"), ',')) {
    double share = 0;
    if (!text::parse(word, share))
      throw Error(ErrorKind::usage, text::cat("'", text::printable(word), "' is no share"), {}, "--shares 0.6,0.2,0.2");
    options.shares.push_back(share);
  }
  options.seed = static_cast<std::uint64_t>(context.flags().seed.value_or(1));
  options.by_run = context.has("--by-run");
  options.filter = context.flag("--filter");
  if (!options.filter.empty()) check_filter(options.filter, "--filter");
  return options;
}

/// Writes all files into a folder beside `to` and gives it its name at the end: the folder is whole or not there.
void write_folder(const fs::path& to, const std::vector<std::pair<std::string, std::string>>& files) {
  fs::path waiting = to;
  waiting += ".part";
  std::error_code error;
  fs::remove_all(waiting, error);
  fs::create_directories(waiting);
  for (const auto& [name, content] : files) io::atomic_replace(waiting / name, content);
  fs::rename(waiting, to, error);
  if (!error) return;
  const std::string reason = error.message();
  fs::remove_all(waiting, error);
  throw Error(ErrorKind::io, "cannot make the folder: " + reason, {to.string(), 0, 0, ""}, "choose another --to");
}

}  // namespace

int run_split(app::Context& context) {
  const SplitOptions options = split_options(context);
  const fs::path to = context.flag("--to");
  if (fs::exists(to))
    throw Error(ErrorKind::usage, "the folder exists", {to.string(), 0, 0, ""}, "name a new one: --to tracks2");
  const TrackText tracks = read_track_text(context.words());
  const auto parts = split_rows(tracks.data, options);
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> files;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool plain = context.has("--plain");
    names.push_back(text::cat("random", i + 1, plain ? ".csv" : ".csv.gz"));
    const std::string content = split_text(tracks, parts[i]);
    files.emplace_back(names.back(), plain ? content : io::gzip(content));
    if (parts[i].empty()) log::warning(names.back(), " has no track: too few events for its share");
    context.result().file(text::cat("random", i + 1), (to / names.back()).string());
    context.result().line(text::cat((to / names.back()).string(), ": ",
                                    text::grouped(static_cast<std::int64_t>(parts[i].size())), " tracks"));
  }
  const std::string manifest = split_manifest(tracks, options, parts, names);
  files.emplace_back("manifest.json", manifest);
  if (context.flags().dry_run) return 0;
  write_folder(to, files);
  const std::string version = io::parse_json(manifest, "manifest.json").at("version").get<std::string>();
  context.result().data("manifest", manifest);
  context.result().line("version " + version);
  return 0;
}

}  // namespace thimble::neurotrigger
