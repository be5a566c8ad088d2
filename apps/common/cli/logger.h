#pragma once
// Where notes and warnings of this program go: standard error, the run's log.txt, the result document.

#include <string>
#include <string_view>
#include <vector>

namespace thimble::app {

/// Takes over the log of the libraries. `quiet`: warnings only; `verbose`: debug lines too.
void start_logging(bool quiet, bool verbose);
/// Everything from now on also into this file (appended, UTC time stamps, no colours). "" ends it.
void log_to_file(const std::string& path);
/// A line for the file only.
void log_file_line(std::string_view line);
/// While it lives, what this thread logs goes into one more file (appended); "" is none. Branches do not nest.
class LogBranch {
 public:
  explicit LogBranch(const std::string& path);
  ~LogBranch();
  LogBranch(const LogBranch&) = delete;
  LogBranch& operator=(const LogBranch&) = delete;
};
/// Warnings so far.
std::vector<std::string> logged_warnings();
/// "2026-11-20T12:03:41Z"
std::string utc_now();

}  // namespace thimble::app
