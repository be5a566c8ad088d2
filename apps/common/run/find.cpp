// Runs on disk: which there are, and which one a word of the command line means.

#include "core/base/text.h"
#include "core/io/json.h"

#include "apps/common/run/lock.h"
#include "apps/common/run/run_folder.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <tuple>

namespace thimble::app {
namespace {

namespace fs = std::filesystem;

/// A JSON file of a run folder; an empty object when it is missing or damaged.
nlohmann::json read_or_empty(const fs::path& path) {
  try {
    if (fs::exists(path)) return io::read_json(path);
  } catch (const Error& error) {
    log::warning(error.what());
  }
  return nlohmann::json::object();
}

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string status_of(const fs::path& folder) {
  if (RunLock::held(folder / "run.lock")) return "running";
  const std::string status = text_of(read_or_empty(folder / "summary.json"), "status");
  return status.empty() || status == "running" ? "killed" : status;
}

/// The key `tags` of the run's settings.
std::vector<std::string> tags_of(const nlohmann::json& summary) {
  std::vector<std::string> tags;
  const auto config = summary.find("config");
  const nlohmann::json& settings = config != summary.end() && config->is_object() ? *config : summary;
  const auto found = settings.find("tags");
  if (found == settings.end() || !found->is_array()) return tags;
  for (const nlohmann::json& tag : *found)
    if (tag.is_string()) tags.push_back(tag.get<std::string>());
  return tags;
}

RunInfo info_of(const fs::path& folder, const std::string& app, const std::string& config, int version) {
  const nlohmann::json manifest = read_or_empty(folder / "manifest.json");
  return {folder.string(),
          app,
          config,
          version,
          status_of(folder),
          text_of(manifest, "note"),
          text_of(manifest, "started"),
          tags_of(read_or_empty(folder / "summary.json"))};
}

/// When the run was last started or resumed.
fs::file_time_type touched(const RunInfo& run) {
  std::error_code error;
  const fs::file_time_type time = fs::last_write_time(fs::path(run.path) / "run.lock", error);
  return error ? fs::file_time_type::min() : time;
}

bool is_run_folder(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "run.lock", error) || fs::exists(folder / "manifest.json", error) ||
         fs::exists(folder / "config.yaml", error);
}

/// Runs that a word which is no path may mean.
std::vector<RunInfo> meant(const std::string& word, const std::vector<RunInfo>& runs) {
  std::vector<RunInfo> out;
  std::int64_t number = -1;
  const bool is_number = text::parse(word, number);
  for (const RunInfo& run : runs) {
    const bool by_name = word == run.config || word == text::cat(run.config, "/", run.version) ||
                         word == text::cat(run.config, "/version_", run.version);
    if (word == "latest" || by_name || (is_number && number == run.version)) out.push_back(run);
  }
  return out;
}

[[noreturn]] void no_run(const std::string& word, const std::vector<RunInfo>& runs, const std::string& root) {
  std::vector<std::string> names;
  for (const RunInfo& run : runs) names.push_back(text::cat(run.config, "/", run.version));
  const std::string near = text::nearest(word, names);
  std::string hint = text::cat("there are no runs below ", root);
  if (!names.empty())
    hint = near.empty() ? text::cat("newest is ", names.back()) : text::cat("did you mean '", near, "'?");
  throw Error(ErrorKind::usage, text::cat("no run '", text::printable(word), "'"), {}, hint);
}

std::string pick(const std::string& word, const std::vector<RunInfo>& all, const std::string& root) {
  const std::vector<RunInfo> found = meant(word, all);
  if (found.empty()) no_run(word, all, root);
  const bool several_configs =
      std::any_of(found.begin(), found.end(), [&](const RunInfo& run) { return run.config != found.front().config; });
  if (word != "latest" && several_configs) {
    std::vector<std::string> names;
    for (const RunInfo& run : found) names.push_back(text::cat(run.config, "/", run.version));
    throw Error(ErrorKind::usage, text::cat("several runs have the number ", text::printable(word)), {},
                text::cat("choose one: ", text::join(names, ", ")));
  }
  return found.back().path;
}

}  // namespace

std::vector<RunInfo> list_runs(const std::string& root, const std::string& app) {
  std::vector<RunInfo> runs;
  std::error_code error;
  for (const auto& config : fs::directory_iterator(fs::path(root) / app, error)) {
    std::error_code inner;
    for (const auto& entry : fs::directory_iterator(config.path(), inner)) {
      const std::string name = entry.path().filename().string();
      std::int64_t version = -1;
      if (!name.starts_with("version_") || !text::parse(std::string_view(name).substr(8), version)) continue;
      if (fs::is_symlink(entry.path())) continue;
      runs.push_back(info_of(entry.path(), app, config.path().filename().string(), static_cast<int>(version)));
    }
  }
  std::sort(runs.begin(), runs.end(), [](const RunInfo& a, const RunInfo& b) {
    return std::tuple(touched(a), a.config, a.version) < std::tuple(touched(b), b.config, b.version);
  });
  return runs;
}

std::string find_run(const std::string& word, const std::string& root, const std::string& app) {
  std::error_code error;
  if (fs::is_directory(word, error) && is_run_folder(word)) return fs::path(word).lexically_normal().string();
  return pick(word, list_runs(root, app), root);
}

std::string find_run_to_resume(const std::string& word, const std::string& root, const std::string& app) {
  if (word != "latest") return find_run(word, root, app);
  std::vector<RunInfo> runs = list_runs(root, app);
  std::erase_if(runs, [](const RunInfo& run) { return run.status == "ok" || run.status == "running"; });
  if (runs.empty())
    throw Error(ErrorKind::usage, "no unfinished run to resume", {}, text::cat("runs are below ", root));
  return runs.back().path;
}

}  // namespace thimble::app
