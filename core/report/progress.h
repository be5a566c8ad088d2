#pragma once
// One progress line on stderr: a bar on a terminal, sparse key=value lines elsewhere, JSON for programs.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::report {

/// Now, in seconds of the steady clock.
double steady_seconds();

enum class ProgressMode { automatic, bar, lines, json, none };
/// "auto", "bar", "lines", "json", "none"; throws Error(usage) else.
ProgressMode progress_mode(std::string_view word);

/// What a part of the line is; decides what goes first when the terminal is narrow: rate, (the bar), best, loss,
/// then counter. Verb, percent and remaining time stay.
enum class Part { counter, loss, best, rate };

struct ProgressField {
  Part part;
  std::string key;    // key=value form: "val_loss"
  std::string value;  // "0.0183", "312/1000", "0.0179@298"
  std::string label;  // bar form: "val"; empty: the key
  std::string shown;  // bar form of the value when it differs: "0.0179 @298"
};

/// Where and how to write; the members with functions are there for tests.
struct ProgressOptions {
  ProgressMode mode = ProgressMode::automatic;
  bool unicode = true;
  std::function<void(std::string_view)> write;  // default: stderr, one write per call
  std::function<double()> clock;                // seconds, monotonic; default: steady clock
  std::function<std::string()> utc;             // "2026-11-20T12:03:41Z"
  std::function<int()> width;                   // columns; default: asks the terminal each time, 80 if unknown
  std::function<bool()> terminal;               // default: stderr is a terminal and TERM is not dumb
};

/// Remaining time from a moving rate (time constant 20 s by default).
class EtaClock {
 public:
  explicit EtaClock(double time_constant = 20) : constant_(time_constant) {}
  void start(double now, double done);
  void update(double now, double done);
  /// Work that was there already (a resumed part): not counted for the rate.
  void skip(double done) { done_ += done; }
  /// Units per second; 0 before the first update.
  double rate() const;
  /// Seconds until `total`; negative while unknown (nothing done yet).
  double remaining(double now, double total) const;

 private:
  double constant_, begin_ = 0, last_ = 0, done_ = 0;
  double work_ = 0, time_ = 0;  // decayed sums
};

/// Thread safe. Nothing is shown in the first two seconds.
class Progress {
 public:
  explicit Progress(ProgressOptions options = {});
  ~Progress();  // erases a bar that was not ended
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `total` in any unit of work; `done`: already there (a resumed run), not counted for the rate.
  void begin(const std::string& verb, double total, double done = 0);
  /// State of the work; `fields` in the order of the line. `bound`: the remaining time is an upper limit (early stop).
  void update(double done, const std::vector<ProgressField>& fields, bool bound = false);
  /// So much of the next update was done before this run: it does not count for the rate.
  void skip(double done);
  /// Erases the bar and writes `summary` (a line without newline; empty: nothing on a terminal).
  void end(const std::string& summary = {});

  /// Takes the bar away and puts it back, for whoever writes to the same terminal.
  void erase();
  void redraw();
  /// erase, write text, redraw, in one step.
  void write_above(std::string_view text);
  ProgressMode mode() const;  // never automatic
  /// The clock of the options.
  double now() const;

  /// The progress that was begun last and not ended, or null. Log sinks on stderr use write_to_stderr.
  static Progress* active();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes to stderr without tearing an active bar.
void write_to_stderr(std::string_view text);

/// State of one of several trainings that run side by side (experts, folds).
struct TrainState {
  int epoch = 0, epochs = 0;  // finished, planned
  double samples = 0;         // processed since the start of this run
  double loss = 0, val_loss = 0, best = 0;
  int best_epoch = -1;  // -1: none yet
  bool ended = false;
};

/// The line of training: collects the states of all members and shows their mean. What a member has done before its
/// first report (resumed epochs) does not count for the remaining time.
class TrainProgress {
 public:
  /// Begins `progress` with the verb "train"; who made it ends it. `group` names the members ("experts"), `unit` what
  /// is counted ("tracks").
  TrainProgress(Progress& progress, std::string group, int members, std::string unit, bool early_stop);
  /// Thread safe; `member` from 0.
  void report(int member, const TrainState& state);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// "0:00:12"; "1 d 02:03:04" from a day on.
std::string duration_text(double seconds);
/// 2.1e6 -> "2.1 M", 830 -> "830".
std::string rate_text(double value);
/// LC_ALL, LC_CTYPE, LANG say UTF-8.
bool utf8_locale();

}  // namespace thimble::report
