#pragma once
// Help screens, manual page and completion, all printed from the table of a Program.

#include "apps/common/cli/program.h"

#include <string>
#include <vector>

namespace thimble::app {

/// Purpose, usage, examples, verbs; `full` adds the common flags and where to read on. At most 80 columns.
std::string program_help(const Program& program, bool full);
/// Usage, examples and flags of one verb; `full` adds the extra text and the common flags.
std::string verb_help(const Program& program, const Verb& verb, bool full);
/// Manual page in mdoc.
std::string manual_page(const Program& program);
/// Script for bash, zsh or fish that asks the program itself.
std::string completion_script(const Program& program, const std::string& shell);
/// Candidates for the last of `words` (the words behind the program's name), one per line of the hidden verb.
std::vector<std::string> complete(const Program& program, const std::vector<std::string>& words);

}  // namespace thimble::app
