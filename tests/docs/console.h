#pragma once
// The commands of a documentation page: fenced blocks marked `console`, "$ COMMAND" lines with the output below them.
// In expected output "..." stands for any text, a line of "..." alone for any lines; a block marked `console exit=2`
// expects that exit code of its last command.

#include "core/base/text.h"

#include <string>
#include <string_view>
#include <vector>

namespace thimble::test {

struct ConsoleCommand {
  std::string line;                   // as typed
  std::vector<std::string> expected;  // lines of output; empty: not compared
  int exit_code = 0;
  int page_line = 0;
};

inline std::vector<ConsoleCommand> console_commands(std::string_view page) {
  std::vector<ConsoleCommand> out;
  int number = 0, exit_code = 0;
  std::size_t first_of_block = 0;
  bool inside = false;
  for (const std::string& line : text::split(page, '\n')) {
    ++number;
    if (!inside && line.starts_with("```console")) {
      inside = true;
      first_of_block = out.size();
      const std::size_t at = line.find("exit=");
      exit_code = at == std::string::npos ? 0 : std::stoi(line.substr(at + 5));
    } else if (inside && line.starts_with("```")) {
      inside = false;
      if (out.size() > first_of_block) out.back().exit_code = exit_code;
    } else if (inside && line.starts_with("$ ")) {
      out.push_back({line.substr(2), {}, 0, number});
    } else if (inside && !out.empty() && !out.back().line.empty() && out.back().line.back() == '\\') {
      out.back().line += "\n" + line;
    } else if (inside && out.size() > first_of_block) {
      out.back().expected.push_back(line);
    }
  }
  return out;
}

/// True if the text fits the pattern, whose "..." stand for anything.
inline bool fits_line(std::string_view line, std::string_view pattern) {
  const std::size_t gap = pattern.find("...");
  if (gap == std::string_view::npos) return line == pattern;
  if (!line.starts_with(pattern.substr(0, gap))) return false;
  line.remove_prefix(gap);
  pattern.remove_prefix(gap + 3);
  for (std::size_t skip = 0; skip <= line.size(); ++skip)
    if (fits_line(line.substr(skip), pattern)) return true;
  return false;
}

inline bool fits(const std::vector<std::string>& lines, const std::vector<std::string>& patterns, std::size_t i = 0,
                 std::size_t p = 0) {
  if (p == patterns.size()) return i == lines.size();
  if (patterns[p] == "...") {
    for (std::size_t next = i; next <= lines.size(); ++next)
      if (fits(lines, patterns, next, p + 1)) return true;
    return false;
  }
  return i < lines.size() && fits_line(lines[i], patterns[p]) && fits(lines, patterns, i + 1, p + 1);
}

}  // namespace thimble::test
