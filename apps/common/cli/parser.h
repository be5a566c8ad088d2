#pragma once
// The words of a command line against the tables of a Program.

#include "apps/common/cli/context.h"

#include <memory>
#include <string>
#include <vector>

namespace thimble::app {

/// Flags every verb takes.
const std::vector<Flag>& common_flags();

/// What was asked for. With help, version or completion no verb runs.
struct Invocation {
  enum class Ask { verb, first_screen, full_help, version, completion };
  Ask ask = Ask::verb;
  std::unique_ptr<Context> context;  // nullptr without a verb
  const Verb* verb = nullptr;        // for help on one verb
  std::string completion;            // bash, zsh, fish
  bool nothing = false;              // no word at all
};

/// Throws Error(usage) with a suggestion. The program must outlive the invocation.
Invocation parse_command_line(const std::vector<std::string>& words, const Program& program);

/// key=value, key+=value, ~key; false when the word is none of them.
bool parse_override(const std::string& word, Override& out);

}  // namespace thimble::app
