#include "core/base/text.h"

#include "apps/common/cli/help.h"
#include "apps/common/cli/parser.h"

#include <algorithm>
#include <cctype>

namespace thimble::app {
namespace {

/// Text of a mdoc line: no macro at its begin, no stray escapes.
std::string escaped(const std::string& text) {
  std::string out = !text.empty() && (text[0] == '.' || text[0] == '\'') ? "\\&" : "";
  for (const char c : text) out += c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c);
  return out;
}

/// Sentences each on a line of their own, as mdoc wants it.
std::string sentences(const std::string& text) {
  std::string out;
  for (const std::string& line : text::split(text, '\n')) {
    if (text::trim(line).empty()) continue;
    std::string rest = escaped(std::string(text::trim(line)));
    for (std::size_t at = rest.find(". "); at != std::string::npos; at = rest.find(". ")) {
      out += rest.substr(0, at + 1) + "\n";
      rest = rest.substr(rest.find_first_not_of(' ', at + 1));
    }
    out += rest + "\n";
  }
  return out;
}

std::string flag_items(const std::vector<Flag>& flags) {
  std::string out = ".Bl -tag -width Ds\n";
  for (const Flag& flag : flags) {
    std::string tag = flag.letter != 0 ? std::string("\\-") + flag.letter + ", " : "";
    tag += escaped(flag.name) + (flag.value.empty() ? "" : " " + escaped(flag.value));
    out += ".It " + tag + "\n" + sentences(flag.help + (flag.fallback.empty() ? "" : "; default " + flag.fallback));
  }
  return out + ".El\n";
}

std::string verb_items(const Program& program) {
  std::string out = ".Bl -tag -width Ds\n";
  for (const Verb& verb : program.verbs) {
    if (verb.group.empty()) continue;
    out += ".It " + verb.name + (verb.operands.usage.empty() ? "" : " " + escaped(verb.operands.usage)) + "\n";
    out += sentences(verb.summary);
    if (!verb.more.empty()) out += ".Pp\n" + sentences(verb.more);
    if (!verb.flags.empty()) out += flag_items(verb.flags);
  }
  return out + ".El\n";
}

std::string literal(const std::vector<std::string>& lines) {
  std::string out = ".Bd -literal -offset indent\n";
  for (const std::string& line : lines) out += escaped(line) + "\n";
  return out + ".Ed\n";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string without_stop(std::string text) {
  if (!text.empty() && text.back() == '.') text.pop_back();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

constexpr const char* kEnvironment = R"(.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev THIMBLE_THREADS
Worker threads when no flag says otherwise.
.It Ev THIMBLE_CONFIG_PATH
Folders searched for configurations, parted by colons.
.It Ev NO_COLOR , Ev CLICOLOR_FORCE
No colours; colours even when the output is no terminal.
.El
)";

constexpr const char* kExitStatus = R"(.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Done.
.It 1
Ran, but the answer is no, or failed on the way.
.It 2
Bad usage, configuration or input, or a needed tool is missing; nothing was started.
.It 130 , 143
Interrupted by SIGINT or SIGTERM after saving.
.El
)";

}  // namespace

std::string manual_page(const Program& program) {
  const std::string command = command_name(program);
  std::string out = ".Dd November 20, 2026\n.Dt " + upper(command) + " 1\n.Os Thimble\n.Sh NAME\n.Nm " + command +
                    "\n.Nd " + escaped(without_stop(program.purpose)) + "\n.Sh SYNOPSIS\n.Nm\n.Ar verb\n";
  out += ".Op Ar operands\n.Op Ar flags\n.Sh DESCRIPTION\n" + sentences(program.purpose);
  out += "Results go to standard output, everything else to standard error.\n";
  out += ".Ss Verbs\n" + verb_items(program) + ".Ss Flags\n" + flag_items(common_flags()) + kEnvironment;
  out += ".Sh FILES\nA run leaves everything in\n.Pa runs/" + program.name + "/ Ns Ar config Ns /version_ Ns Ar n .\n";
  out += kExitStatus;
  if (!program.examples.empty()) out += ".Sh EXAMPLES\n" + literal(program.examples);
  return out;
}

}  // namespace thimble::app
