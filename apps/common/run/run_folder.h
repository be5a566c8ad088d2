#pragma once
// Run folders: runs/<app>/<config>/version_<n>/ with everything a run leaves behind.

#include "apps/common/cli/context.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thimble::app {

/// Throws Error(config) unless `name` may be part of a path: [A-Za-z0-9][A-Za-z0-9._-]{0,63}, no "..".
void check_path_name(const std::string& name, const std::string& key);

struct RunIdentity {
  std::string root = "runs";  // --out
  std::string app;            // "neurotrigger"
  std::string config;         // name of the configuration, or --name
};

/// One run's folder, locked while this object lives.
class RunFolder {
 public:
  /// Makes version_<n>, n = 1 + largest existing (0 first), by an atomic mkdir; several processes get several folders.
  /// Moves the symlink `latest`, opens log.txt, takes the lock.
  static RunFolder create(const RunIdentity& identity);
  /// Opens an existing run to go on with it; Error(config) naming pid and host when another process works on it.
  static RunFolder resume(const std::string& folder);
  ~RunFolder();
  RunFolder(RunFolder&&) noexcept;
  RunFolder& operator=(RunFolder&&) noexcept;

  /// "runs/neurotrigger/baseline_v2/version_3"
  const std::string& path() const;
  int version() const;
  /// Path of a file inside; parent folders inside the run are made.
  std::string file(const std::string& relative) const;
  /// Writes a text file atomically.
  void write(const std::string& relative, std::string_view text) const;
  /// manifest.json: version, git id, CPU, threads, command line, hashes; `inputs` are name -> path (hash is
  /// computed); a name that comes again is told as name[1], name[2], ...
  /// `note`: remark kept with the run; without one that of --note.
  void write_manifest(const Context& context, const std::vector<std::pair<std::string, std::string>>& inputs,
                      const std::string& note = {}) const;
  /// summary.json: thimble.result/1 of the context so far, status, and the settings under "config" (JSON text).
  void write_summary(const Context& context, const std::string& status, const std::string& config_json) const;
  /// One line into log.txt with a UTC time stamp.
  void log(std::string_view line) const;

 private:
  struct State;
  explicit RunFolder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// git commit of the current folder's repository and its uncommitted changes; empty outside a repository.
struct GitState {
  std::string id, diff;
};
GitState git_state();

struct RunInfo {
  std::string path, app, config;
  int version = 0;
  std::string status;  // ok, failed, interrupted, running, killed
  std::string note, started;
  std::vector<std::string> tags;
};
/// All runs below <root>/<app>, newest last.
std::vector<RunInfo> list_runs(const std::string& root, const std::string& app);

/// `word`: path of a run folder, "config/3", "config" (its newest), "latest" (newest of the app). Error if none.
std::string find_run(const std::string& word, const std::string& root, const std::string& app);
/// As find_run for --resume: "latest" is the newest unfinished run.
std::string find_run_to_resume(const std::string& word, const std::string& root, const std::string& app);

/// Verbs `runs` (list, show, note, rm) and `compare`.
Verb runs_verb(const std::string& app);
Verb compare_verb(const std::string& app);

}  // namespace thimble::app
