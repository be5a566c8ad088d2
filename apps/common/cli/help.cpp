#include "apps/common/cli/help.h"

#include "core/base/text.h"

#include "apps/common/cli/parser.h"
#include "apps/common/cli/screen.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace thimble::app {
namespace {

constexpr std::size_t kWidth = 80;

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t used = columns(text);
  return used < width ? text + std::string(width - used, ' ') : text;
}

std::string heading(const std::string& text) {
  return styled(Stream::out, Style::bold, text) + "\n";
}

std::vector<std::string> groups_of(const Program& program) {
  std::vector<std::string> groups;
  for (const Verb& verb : program.verbs) {
    if (!verb.group.empty() && std::find(groups.begin(), groups.end(), verb.group) == groups.end()) {
      groups.push_back(verb.group);
    }
  }
  return groups;
}

std::size_t longest_name(const Program& program) {
  std::size_t longest = 0;
  for (const Verb& verb : program.verbs) {
    if (!verb.group.empty()) longest = std::max(longest, verb.name.size());
  }
  return longest;
}

std::vector<std::string> verb_cells(const Program& program, const std::string& group) {
  std::vector<std::string> cells;
  const std::size_t width = longest_name(program) + 2;
  for (const Verb& verb : program.verbs) {
    if (verb.group == group) cells.push_back(padded(verb.name, width) + verb.summary);
  }
  return cells;
}

/// Two columns when every pair fits, else one.
std::string layout(const std::vector<std::string>& cells) {
  std::array<std::size_t, 2> widest{};
  for (std::size_t i = 0; i < cells.size(); ++i) widest[i % 2] = std::max(widest[i % 2], columns(cells[i]));
  const bool pairs = cells.size() > 1 && 2 + widest[0] + 3 + widest[1] <= kWidth;
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool first = !pairs || i % 2 == 0;
    const bool last = !pairs || i % 2 == 1 || i + 1 == cells.size();
    out += (first ? "  " : "   ") + (last ? cells[i] : padded(cells[i], widest[0])) + (last ? "\n" : "");
  }
  return out;
}

std::string flag_name(const Flag& flag) {
  std::string out = flag.letter != 0 ? std::string("-") + flag.letter + ", " : "";
  out += flag.name;
  return flag.value.empty() ? out : out + " " + flag.value;
}

/// "  --flag VALUE   help   [default]" with the help in column `name_width`.
std::string flag_line(const Flag& flag, std::size_t name_width) {
  std::string name = "  " + flag_name(flag);
  name = columns(name) + 1 < name_width ? padded(name, name_width) : name + "  ";
  const std::vector<std::string> help = text::split(wrap(flag.help, kWidth - name_width, 0), '\n');
  const std::string fallback = flag.fallback.empty() ? "" : "[" + flag.fallback + "]";
  std::string out;
  for (std::size_t i = 0; i < help.size(); ++i) {
    std::string line = (i == 0 ? name : std::string(name_width, ' ')) + help[i];
    const bool last = i + 1 == help.size() && !fallback.empty();
    const bool fits = columns(line) + 1 + columns(fallback) <= kWidth;
    if (last && fits) line = padded(line, std::max(columns(line) + 1, kWidth - 1 - columns(fallback))) + fallback;
    out += line + "\n";
    if (last && !fits) out += std::string(name_width, ' ') + fallback + "\n";
  }
  return out;
}

std::string flag_lines(const std::vector<Flag>& flags) {
  std::size_t name_width = 21;
  for (const Flag& flag : flags)
    name_width = std::max(name_width, std::min<std::size_t>(28, columns(flag_name(flag)) + 4));
  std::string out;
  for (const Flag& flag : flags) out += flag_line(flag, name_width);
  return out;
}

std::string usage_operands(const Program& program) {
  const bool overrides =
      std::any_of(program.verbs.begin(), program.verbs.end(), [](const Verb& verb) { return verb.operands.overrides; });
  return overrides ? "VERB [CONFIG] [key=value ...] [flags]" : "VERB [operands] [flags]";
}

bool has_verb(const Program& program, const std::string& name) {
  return std::any_of(program.verbs.begin(), program.verbs.end(), [&](const Verb& verb) { return verb.name == name; });
}

std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text.empty() || text.back() == '.' ? text : text + ".";
}

std::string example_lines(const std::vector<std::string>& examples) {
  std::string out;
  for (const std::string& example : examples) out += "  " + example + "\n";
  return out;
}

}  // namespace

std::string program_help(const Program& program, bool full) {
  const std::string command = command_name(program);
  std::string out = program.purpose + "\n\n" + "Usage: " + command + " " + usage_operands(program) + "\n";
  if (!program.examples.empty()) out += "\n" + heading(program.try_first) + example_lines(program.examples);
  for (const std::string& group : groups_of(program)) out += heading(group) + layout(verb_cells(program, group));
  if (!full) return out + "'" + command + " --help' says everything, '" + command + " VERB -h' explains a verb.\n";
  out += heading("Flags for every verb") + flag_lines(common_flags());
  out += "  -h, --help         first screen, everything\n  --version          version; with -v libraries and CPU\n";
  out += "'" + command + " VERB --help' explains a verb and its settings.\n";
  if (has_verb(program, "config")) out += "'" + command + " config --schema' lists every setting.\n";
  return out + "Manual: man " + command + "\n";
}

std::string verb_help(const Program& program, const Verb& verb, bool full) {
  const std::string command = command_name(program);
  const std::string operands = verb.operands.usage.empty() ? "" : " " + verb.operands.usage;
  std::string out = capitalised(verb.summary) + "\n\nUsage: " + command + " " + verb.name + operands + " [flags]\n";
  if (!verb.examples.empty()) out += heading("Examples") + example_lines(verb.examples);
  if (!verb.flags.empty()) out += heading("Flags") + flag_lines(verb.flags);
  if (!full) return out + "'" + command + " " + verb.name + " --help' says everything.\n";
  if (!verb.more.empty()) out += wrap(verb.more, kWidth, 0) + "\n";
  out += heading("Flags for every verb") + flag_lines(common_flags());
  if (verb.operands.overrides && has_verb(program, "config")) {
    out += "'" + command + " config --schema' lists every setting.\n";
  }
  return out;
}

}  // namespace thimble::app
