#include "apps/common/cli/logger.h"

#include "core/base/log.h"
#include "core/report/progress.h"

#include "apps/common/cli/screen.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <mutex>

namespace thimble::app {
namespace {

constexpr off_t kRotateAt = 64 << 20;

struct Logger {
  std::mutex mutex;
  bool quiet = false, verbose = false;
  int file = -1;
  std::string path;
  std::vector<std::string> warnings;
};

Logger& logger() {
  static Logger instance;
  return instance;
}

int open_log(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
}

/// log.txt becomes log.1.txt when it grows past 64 MiB.
void rotate_if_long(Logger& log) {
  struct stat status {};
  if (fstat(log.file, &status) != 0 || status.st_size < kRotateAt) return;
  const std::size_t dot = log.path.rfind('.');
  const std::string old = log.path.substr(0, dot) + ".1" + (dot == std::string::npos ? "" : log.path.substr(dot));
  if (rename(log.path.c_str(), old.c_str()) != 0) return;
  const int fresh = open_log(log.path);
  if (fresh < 0) return;
  close(log.file);
  log.file = fresh;
}

void append(Logger& log, std::string_view line) {
  if (log.file < 0) return;
  rotate_if_long(log);
  const std::string whole = utc_now() + " " + std::string(line) + "\n";
  if (write(log.file, whole.data(), whole.size()) < 0) {
    // a full disk must not end a training; the terminal still shows the line
  }
}

/// File of the thread's LogBranch, -1 if there is none.
thread_local int branch_file = -1;

void append_to_branch(const std::string& line) {
  if (branch_file < 0) return;
  const std::string whole = utc_now() + " " + line + "\n";
  if (write(branch_file, whole.data(), whole.size()) < 0) {
    // as in append
  }
}

const char* level_name(log::Level level) {
  switch (level) {
    case log::Level::debug:
      return "debug";
    case log::Level::note:
      return "note";
    case log::Level::warning:
      return "warning";
    case log::Level::error:
      break;
  }
  return "error";
}

Style level_style(log::Level level) {
  if (level == log::Level::warning) return Style::warning;
  return level == log::Level::error ? Style::error : Style::plain;
}

bool shown(const Logger& log, log::Level level) {
  if (level >= log::Level::warning) return true;
  return level == log::Level::note ? !log.quiet : log.verbose;
}

void receive(log::Level level, std::string_view message) {
  Logger& log = logger();
  const std::scoped_lock lock(log.mutex);
  if (level == log::Level::warning) log.warnings.emplace_back(message);
  append(log, text::cat(level_name(level), ": ", message));
  append_to_branch(text::cat(level_name(level), ": ", message));
  if (!shown(log, level)) return;
  const std::string name = level == log::Level::note ? "" : text::cat(level_name(level), ":");
  const std::string line =
      (name.empty() ? "" : styled(Stream::err, level_style(level), name) + " ") + std::string(message) + "\n";
  report::write_to_stderr(line);
}

}  // namespace

void start_logging(bool quiet, bool verbose) {
  logger().quiet = quiet;
  logger().verbose = verbose;
  logger().warnings.clear();
  log::set_sink(receive);
}

void log_to_file(const std::string& path) {
  Logger& log = logger();
  const std::scoped_lock lock(log.mutex);
  if (log.file >= 0) close(log.file);
  log.path = path;
  log.file = path.empty() ? -1 : open_log(path);
}

LogBranch::LogBranch(const std::string& path) {
  branch_file = path.empty() ? -1 : open_log(path);
}

LogBranch::~LogBranch() {
  if (branch_file >= 0) close(branch_file);
  branch_file = -1;
}

void log_file_line(std::string_view line) {
  Logger& log = logger();
  const std::scoped_lock lock(log.mutex);
  append(log, line);
}

std::vector<std::string> logged_warnings() {
  const std::scoped_lock lock(logger().mutex);
  return logger().warnings;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace thimble::app
