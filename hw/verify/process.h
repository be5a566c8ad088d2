#pragma once
// Outside programs: started with an argument list (never through a shell), with a time limit, output captured.

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::hw {

struct ProcessOptions {
  std::filesystem::path folder = {};   // working folder; empty: ours
  double seconds = 300;                // then the program and its children are killed
  std::size_t output_bytes = 4 << 20;  // captured; what comes after is read and dropped
};

struct ProcessResult {
  int exit_code = -1;  // -1: ended by a signal or by the time limit
  int signal = 0;
  bool timed_out = false;
  std::string output = {};  // standard output and error together
  double seconds = 0;

  bool ok() const { return exit_code == 0; }
  /// "exit code 2", "killed by signal 11", "stopped after 300 s"
  std::string how_it_ended() const;
};

/// Path of a program found through PATH; empty if there is none.
std::string program_path(const std::string& name);

/// Runs `argv[0]` (a path) to its end; standard input is empty. A stop request of this process ends it too.
/// Throws Error(tool) if it cannot be started.
ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options = {});

/// A folder under the system's temporary folder, removed with everything in it at the end.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& name);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace thimble::hw
