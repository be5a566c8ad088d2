#pragma once
// One gnuplot child on a pipe. Never a shell: the program is started directly, in a private folder of its own, with a
// clean environment and without start-up files.

#include <chrono>
#include <filesystem>
#include <string>

namespace thimble::report {

/// The persistent child process. Not thread safe: Plotter locks around it. Started at the first run(), ended by the
/// destructor; restarted after it died.
class Gnuplot {
 public:
  /// `program`: a path, or a name looked up in PATH.
  explicit Gnuplot(std::string program = "gnuplot");
  ~Gnuplot();
  Gnuplot(const Gnuplot&) = delete;
  Gnuplot& operator=(const Gnuplot&) = delete;

  /// False when the program is not installed.
  bool available() const { return !path_.empty(); }
  /// Private folder, working directory of the child; files written there are reachable by their bare names.
  const std::filesystem::path& folder();
  /// Executes the commands and waits. Throws Error(tool) when gnuplot complains, dies or exceeds the limit.
  void run(const std::string& commands, std::chrono::milliseconds limit = std::chrono::seconds(30));
  /// Whether an output format is built in ("pngcairo").
  bool has_terminal(const std::string& name);

 private:
  void start();
  void stop();
  [[noreturn]] void abandon(const std::string& why);
  void send_text(const std::string& commands);
  std::string receive(const std::string& marker, std::chrono::milliseconds limit);

  std::string path_;
  std::filesystem::path folder_;
  int pid_ = -1, channel_ = -1;
  unsigned long tasks_ = 0;
};

/// A string of gnuplot: clean_text in single quotes. Nothing inside is expanded: no back-ticks, no macros, no escapes.
/// An apostrophe becomes the typographic one: gnuplot knows doubled quotes as one, but not at the start of a string and
/// not twice in a row, where the rest of the text would be read as commands.
std::string single_quoted(const std::string& text);
/// Without control characters, terminal sequences, bidi marks and malformed UTF-8 (each becomes U+FFFD, white space a
/// blank).
std::string clean_text(const std::string& text);

}  // namespace thimble::report
