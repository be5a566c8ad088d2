#include "apps/common/run/run_folder.h"

#include "core/io/atomic_file.h"
#include "core/io/hash.h"
#include "core/io/json.h"
#include "core/parallel/blocks.h"

#include "apps/common/cli/doctor.h"
#include "apps/common/cli/logger.h"
#include "apps/common/config/schema.h"
#include "apps/common/run/child.h"
#include "apps/common/run/lock.h"

#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace thimble::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kDiffBytes = 4 << 20;

/// Number behind "version_", -1 if the name is another.
int version_of(const std::string& name) {
  constexpr std::string_view kPrefix = "version_";
  std::int64_t number = -1;
  if (!name.starts_with(kPrefix) || !text::parse(std::string_view(name).substr(kPrefix.size()), number)) return -1;
  return number >= 0 && number < 1'000'000'000 ? static_cast<int>(number) : -1;
}

int largest_version(const fs::path& folder) {
  int largest = -1;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    largest = std::max(largest, version_of(entry.path().filename().string()));
  }
  return largest;
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder)) {
    throw io::system_error(error ? error.value() : ENOTDIR, "the folder cannot be made", folder);
  }
}

/// The next free version_<n>; mkdir decides when several processes want the same.
fs::path claim_version(const fs::path& config_folder, int& version) {
  for (version = largest_version(config_folder) + 1;; ++version) {
    fs::path folder = config_folder / text::cat("version_", version);
    if (::mkdir(folder.c_str(), 0777) == 0) return folder;
    if (errno != EEXIST) throw io::system_error(errno, "the run folder cannot be made", folder);
  }
}

/// Points `latest` at the new version; a reader sees the old or the new link, never none.
void move_latest(const fs::path& folder) {
  const fs::path link = folder.parent_path() / "latest";
  const fs::path temporary = folder.parent_path() / text::cat(".latest.", ::getpid(), ".", folder.filename().string());
  std::error_code error;
  fs::create_symlink(folder.filename(), temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    log::warning("the link ", io::shown(link), " could not be moved: ", error.message());
  }
}

std::string hash_of(const std::string& path) {
  const io::InputFile file = io::open_regular(path);
  io::Sha256 hash;
  std::string buffer(1 << 16, '\0');
  for (std::size_t got = 0; (got = io::read_some(file, buffer.data(), buffer.size())) > 0;) {
    hash.update(std::string_view(buffer).substr(0, got));
  }
  return hash.hex();
}

}  // namespace

struct RunFolder::State {
  fs::path path;
  int version = 0;
  RunLock lock;
};

void check_path_name(const std::string& name, const std::string& key) {
  if (is_path_name(name)) return;
  throw Error(ErrorKind::config, text::cat(key, " is '", text::printable(name), "', but becomes part of a path"), {},
              "use up to 64 letters, digits, '.', '_', '-', not beginning with a sign");
}

RunFolder::RunFolder(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunFolder::RunFolder(RunFolder&&) noexcept = default;
RunFolder& RunFolder::operator=(RunFolder&&) noexcept = default;

RunFolder::~RunFolder() {
  if (state_) log_to_file("");
}

RunFolder RunFolder::create(const RunIdentity& identity) {
  check_path_name(identity.app, "the application");
  check_path_name(identity.config, "the name of the run");
  const fs::path config_folder = fs::path(identity.root) / identity.app / identity.config;
  make_folders(config_folder);
  auto state = std::make_unique<State>();
  state->path = claim_version(config_folder, state->version);
  state->lock = RunLock::take(state->path / "run.lock");
  move_latest(state->path);
  log_to_file((state->path / "log.txt").string());
  return RunFolder(std::move(state));
}

RunFolder RunFolder::resume(const std::string& folder) {
  const fs::path path = folder;
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    throw Error(ErrorKind::config, "no such run folder", Place{folder, 0, 0, ""});
  }
  auto state = std::make_unique<State>();
  state->path = path;
  state->version = std::max(0, version_of(path.filename().string()));
  state->lock = RunLock::take(path / "run.lock");
  io::sweep_temporaries(path, true);
  log_to_file((path / "log.txt").string());
  log_file_line("resumed");
  return RunFolder(std::move(state));
}

const std::string& RunFolder::path() const {
  return state_->path.native();
}

int RunFolder::version() const {
  return state_->version;
}

std::string RunFolder::file(const std::string& relative) const {
  const fs::path path = state_->path / relative;
  if (fs::path(relative).has_parent_path()) make_folders(path.parent_path());
  return path.string();
}

void RunFolder::write(const std::string& relative, std::string_view text) const {
  io::atomic_replace(file(relative), text);
}

void RunFolder::write_manifest(const Context& context, const std::vector<std::pair<std::string, std::string>>& inputs,
                               const std::string& note) const {
  const GitState git = git_state();
  Json files = Json::object();
  for (const auto& [name, path] : inputs) {
    std::string key = name;
    for (int again = 1; files.contains(key); ++again) key = text::cat(name, "[", again, "]");
    files[key] = {{"path", path}, {"sha256", hash_of(path)}, {"bytes", fs::file_size(path)}};
  }
  std::vector<std::string> argv = {command_name(context.program())};
  argv.insert(argv.end(), context.argv().begin(), context.argv().end());
  const Json manifest = {{"schema", "thimble.manifest/1"},
                         {"app", context.program().name},
                         {"verb", context.verb().name},
                         {"version", program_version()},
                         {"git_id", git.id.empty() ? Json(nullptr) : Json(git.id)},
                         {"started", context.started()},
                         {"argv", argv},
                         {"threads", threads()},
                         {"cpu", cpu_name()},
                         {"instructions", instruction_set()},
                         {"note", note.empty() ? context.flags().note.value_or("") : note},
                         {"inputs", files}};
  write("manifest.json", io::json_text(manifest, 2) + "\n");
  if (!git.diff.empty()) write("git_diff.txt", git.diff);
}

void RunFolder::write_summary(const Context& context, const std::string& status, const std::string& config_json) const {
  Ending ending;
  ending.app = context.program().name;
  ending.verb = context.verb().name;
  ending.status = status;
  ending.exit = status == "ok" ? 0 : 1;
  ending.seconds = context.seconds();
  Json summary = Json::parse(result_json(context.result(), ending));
  summary["run"] = path();
  for (const std::string& warning : logged_warnings()) summary["warnings"].push_back(warning);
  summary["config"] = Json::parse(config_json);
  write("summary.json", io::json_text(summary, 2) + "\n");
}

void RunFolder::log(std::string_view line) const {
  log_file_line(text::printable(line, 4096));
}

GitState git_state() {
  GitState state;
  const std::optional<std::string> id = output_of({"git", "rev-parse", "HEAD"}, 200);
  if (!id) return state;
  state.id = std::string(text::trim(*id));
  state.diff =
      output_of({"git", "--no-pager", "diff", "--no-ext-diff", "--no-textconv", "HEAD"}, kDiffBytes).value_or("");
  return state;
}

}  // namespace thimble::app
