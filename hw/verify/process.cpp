#include "hw/verify/process.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/io/file.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

extern char** environ;

namespace thimble::hw {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Owns the two structures that posix_spawn wants.
struct SpawnPlan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  SpawnPlan(int output, const fs::path& folder) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);  // its own group, so that its children can be ended with it
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    for (const int number : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, number);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

pid_t start(const std::vector<std::string>& argv, const fs::path& folder, int output) {
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const SpawnPlan plan(output, folder);
  pid_t child = 0;
  const int code = posix_spawn(&child, argv[0].c_str(), &plan.actions, &plan.attributes, pointers.data(), environ);
  if (code != 0) throw io::system_error(code, text::cat("cannot start ", text::printable(argv[0])), argv[0]);
  return child;
}

/// Reads until the other side closes, the time is over or a stop is asked for; true if it closed.
bool read_all(int from, const ProcessOptions& options, Clock::time_point begin, std::string& output) {
  char buffer[65536];
  for (;;) {
    pollfd wait{from, POLLIN, 0};
    const int ready = poll(&wait, 1, 100);
    if (seconds_since(begin) > options.seconds || stop_flag().requested()) return false;
    if (ready <= 0) continue;
    const ssize_t got = read(from, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    const std::size_t room = options.output_bytes - std::min(options.output_bytes, output.size());
    output.append(buffer, std::min(room, static_cast<std::size_t>(got)));
  }
}

/// Waits for the child itself; after the output closed it may still take a moment.
int reap(pid_t child, const ProcessOptions& options, Clock::time_point begin, bool& timed_out) {
  int status = 0;
  for (;;) {
    const pid_t got = waitpid(child, &status, timed_out ? 0 : WNOHANG);
    if (got == child) return status;
    if (got < 0 && errno != EINTR) return -1;
    if (seconds_since(begin) > options.seconds || stop_flag().requested()) {
      timed_out = true;
      kill(-child, SIGKILL);
    } else {
      usleep(2000);
    }
  }
}

}  // namespace

std::string ProcessResult::how_it_ended() const {
  if (timed_out) return text::cat("stopped after ", text::fixed(seconds, 0), " s");
  if (signal != 0) return text::cat("killed by signal ", signal);
  return text::cat("exit code ", exit_code);
}

std::string program_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : text::split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    const std::string candidate = folder + "/" + name;
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate)) return candidate;
  }
  return {};
}

ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw io::system_error(errno, "cannot make a pipe", argv[0]);
  const io::Descriptor from(ends[0]);
  io::Descriptor to(ends[1]);
  const Clock::time_point begin = Clock::now();
  const pid_t child = start(argv, options.folder, to.get());
  to.reset();
  ProcessResult result;
  result.timed_out = !read_all(from.get(), options, begin, result.output);
  if (result.timed_out) kill(-child, SIGKILL);
  const int status = reap(child, options, begin, result.timed_out);
  result.seconds = seconds_since(begin);
  if (status >= 0 && WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (status >= 0 && WIFEXITED(status) && !result.timed_out) result.exit_code = WEXITSTATUS(status);
  return result;
}

TemporaryFolder::TemporaryFolder(const std::string& name) {
  std::string pattern = (fs::temp_directory_path() / (name + "-XXXXXX")).string();
  if (mkdtemp(pattern.data()) == nullptr) throw io::system_error(errno, "cannot make a temporary folder", pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace thimble::hw
