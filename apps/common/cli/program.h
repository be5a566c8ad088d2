#pragma once
// One table per program: from it come the parser, the help screens, the manual page and the completion.

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace thimble::app {

class Context;

/// Does the work of a verb. Returns the exit code of an ordinary end: 0 done, 1 ran but the answer is no.
/// Trouble is thrown as Error; main-loop work polls stop_flag() and returns normally after saving.
using Handler = std::function<int(Context&)>;

/// One flag. Without `value` it is a switch.
struct Flag {
  std::string name;                  // "--target"
  std::string value;                 // "KIND": how the value is called in the help; empty for a switch
  std::string help;                  // one line
  std::string fallback;              // value when absent, shown in the help; empty: none
  std::vector<std::string> choices;  // allowed values, empty: any
  char letter = 0;                   // 't' for -t
};

/// What stands behind the verb besides flags.
struct Operands {
  std::string usage;       // "[CONFIG] [key=value ...]", "RUN", "DIR..."
  std::size_t least = 0;   // number of plain words
  std::size_t most = 0;    // number of plain words
  bool overrides = false;  // key=value, key+=value, ~key
};
/// CONFIG and overrides.
Operands config_operands();
/// Exactly / between so many plain words, no overrides.
Operands plain_operands(std::string usage, std::size_t least, std::size_t most);

struct Verb {
  std::string name;
  std::string group;  // heading in the help: "Work", "Look", "Set up"; empty: hidden
  std::string summary;
  Handler run;
  Operands operands = config_operands();
  std::vector<Flag> flags;
  std::vector<std::string> examples;  // commands that run as typed
  std::string more;                   // paragraphs of extra help, wrapped to 80 columns
  /// Polls stop_flag(): signals then ask for an orderly end instead of killing the process.
  bool stops_cleanly = false;
};

struct Program {
  std::string name;     // "neurotrigger"; the program is thimble-neurotrigger
  std::string purpose;  // one line
  std::string try_first = "Try this first:";
  std::vector<std::string> examples;
  std::vector<Verb> verbs;
  /// Old or foreign verb -> what to use here: {"eval", "evaluate"}.
  std::vector<std::pair<std::string, std::string>> synonyms;
  /// Candidates for completing a word that is no verb and no flag (configs, keys, runs).
  std::function<std::vector<std::string>(const Verb&, const std::string& word)> complete;
  /// Rewrites the words of the command line before they are parsed (older forms of other programs); may be empty.
  std::function<std::vector<std::string>(std::vector<std::string>)> legacy;
};

/// Parses, runs the verb, prints the result, maps every Error to its exit code (0, 1, 2; 130/143 by signal).
/// Adds `doctor`, `--version`, `--help`. The only function a main() calls.
int run(int argc, char** argv, const Program& program);

/// "0.1.0"
std::string program_version();
/// "thimble-neurotrigger"
std::string command_name(const Program& program);

}  // namespace thimble::app
