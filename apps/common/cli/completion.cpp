#include "core/base/error.h"

#include "apps/common/cli/help.h"
#include "apps/common/cli/parser.h"

#include <algorithm>

namespace thimble::app {
namespace {

// Bash splits words at '=' and ':'; the words are joined again before the program is asked.
constexpr const char* kBash = R"(_@F@() {
  local line="${COMP_LINE:0:COMP_POINT}" words word
  read -r -a words <<< "$line"
  [[ $line == *' ' ]] && words+=('')
  word="${words[-1]}"
  mapfile -t COMPREPLY < <(@C@ __complete -- "${words[@]:1}" 2>/dev/null)
  local cut="${word%"${word##*[=:]}"}" i
  for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]="${COMPREPLY[i]#"$cut"}"; done
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
  [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
}
complete -F _@F@ @C@
)";

constexpr const char* kZsh = R"(#compdef @C@
_@F@() {
  local -a found
  found=("${(@f)$(@C@ __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -Q -- ${found:#*=}
  compadd -Q -S '' -- ${(M)found:#*=}
  [[ -z "$found" ]] && _files
}
compdef _@F@ @C@
)";

constexpr const char* kFish =
    R"(complete -c @C@ -a '(@C@ __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
)";

std::string filled(std::string script, const std::string& command) {
  std::string function = command;
  std::replace(function.begin(), function.end(), '-', '_');
  const auto replace_all = [&](const std::string& mark, const std::string& by) {
    for (std::size_t at = script.find(mark); at != std::string::npos; at = script.find(mark, at + by.size())) {
      script.replace(at, mark.size(), by);
    }
  };
  replace_all("@C@", command);
  replace_all("@F@", function);
  return script;
}

std::vector<std::string> starting_with(const std::string& begin, const std::vector<std::string>& all) {
  std::vector<std::string> out;
  for (const std::string& word : all) {
    if (word.rfind(begin, 0) == 0) out.push_back(word);
  }
  return out;
}

const Flag* flag_of(const Verb& verb, const std::string& name) {
  for (const Flag& flag : verb.flags) {
    if (flag.name == name) return &flag;
  }
  for (const Flag& flag : common_flags()) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

}  // namespace

std::string completion_script(const Program& program, const std::string& shell) {
  const std::string command = command_name(program);
  if (shell == "bash") return filled(kBash, command);
  if (shell == "zsh") return filled(kZsh, command);
  if (shell == "fish") return filled(kFish, command);
  throw Error(ErrorKind::usage, text::cat("no completion for '", text::printable(shell), "': bash, zsh or fish"));
}

std::vector<std::string> complete(const Program& program, const std::vector<std::string>& words) {
  const std::string last = words.empty() ? "" : words.back();
  if (words.size() <= 1) {
    std::vector<std::string> names;
    for (const Verb& verb : program.verbs) {
      if (!verb.group.empty()) names.push_back(verb.name);
    }
    return starting_with(last, names);
  }
  const auto verb = std::find_if(program.verbs.begin(), program.verbs.end(),
                                 [&](const Verb& known) { return known.name == words.front(); });
  if (verb == program.verbs.end()) return {};
  if (const Flag* before = flag_of(*verb, words[words.size() - 2]); before != nullptr && !before->value.empty()) {
    return starting_with(last, before->choices);
  }
  if (!last.empty() && last[0] == '-') {
    std::vector<std::string> names = {"--help"};
    for (const Flag& flag : verb->flags) names.push_back(flag.name);
    for (const Flag& flag : common_flags()) names.push_back(flag.name);
    return starting_with(last, names);
  }
  return program.complete ? starting_with(last, program.complete(*verb, last)) : std::vector<std::string>{};
}

}  // namespace thimble::app
