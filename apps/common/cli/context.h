#pragma once
// What a verb's handler gets: the words of the command line, the common flags and the result to fill.

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/stop.h"
#include "core/report/progress.h"

#include "apps/common/cli/program.h"
#include "apps/common/cli/result.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace thimble::app {

/// One `key=value`, `key+=value` or `~key` of the command line, in the order typed.
struct Override {
  enum class Kind { set, append, reset };
  Kind kind = Kind::set;
  std::string key;    // dotted
  std::string value;  // YAML scalar or flow text, as typed
  std::string word;   // the whole word, for messages
};

enum class Color { automatic, always, never };

/// Flags of every verb.
struct CommonFlags {
  std::optional<std::string> out, name, note;
  std::string resume;  // run to continue: path, "config/3", "latest"; empty: none
  std::optional<std::int64_t> threads, seed;
  bool dry_run = false, json = false, yes = false, quiet = false, verbose = false;
  report::ProgressMode progress = report::ProgressMode::automatic;
  Color color = Color::automatic;
};

class Context {
 public:
  Context(const Program& program, const Verb& verb);

  const Program& program() const { return program_; }
  const Verb& verb() const { return verb_; }
  const std::vector<std::string>& words() const { return words_; }
  /// Plain word `index` behind the verb, or `fallback`.
  std::string word(std::size_t index, const std::string& fallback = {}) const;
  /// The CONFIG word; empty when none was given.
  std::string config() const { return word(0); }
  const std::vector<Override>& overrides() const { return overrides_; }
  /// Overrides preceded by the flags that are keys too: --seed, --threads, --out, --name, --note.
  std::vector<Override> all_overrides() const;
  const CommonFlags& flags() const { return common_; }
  /// A switch of this verb was given.
  bool has(const std::string& flag) const { return flags_.count(flag) != 0; }
  /// Value of a flag of this verb, its fallback, or "".
  std::string flag(const std::string& flag) const;
  /// As whole number; Error(usage) if it is none.
  std::int64_t flag_integer(const std::string& flag, std::int64_t fallback) const;
  /// The command line as typed, for manifests.
  const std::vector<std::string>& argv() const { return argv_; }

  Result& result() { return result_; }
  const Result& result() const { return result_; }
  /// Seconds since the verb began.
  double seconds() const;
  /// When it began, UTC.
  const std::string& started() const { return started_; }
  /// Asked to end? Poll between steps.
  StopFlag& stop() { return stop_flag(); }
  /// "epoch 312 of 1000": told in the hint printed after an interruption.
  void set_position(std::string position) { position_ = std::move(position); }
  const std::string& position() const { return position_; }
  /// Asks yes or no on the terminal; true with --yes; false when nobody can answer.
  bool confirm(const std::string& question) const;
  /// Asks for one line on the terminal; "" with --yes and when nobody can answer.
  std::string ask(const std::string& question) const;
  /// --progress; none with --quiet.
  report::ProgressMode progress() const;

 private:
  friend class Parser;
  const Program& program_;
  const Verb& verb_;
  std::vector<std::string> words_, argv_;
  std::vector<Override> overrides_;
  std::map<std::string, std::string> flags_;
  CommonFlags common_;
  Result result_;
  std::string position_, started_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace thimble::app
