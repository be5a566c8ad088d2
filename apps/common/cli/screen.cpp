#include "apps/common/cli/screen.h"

#include "core/base/text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace thimble::app {
namespace {

std::string& color_wish() {
  static std::string wish = "auto";
  return wish;
}

bool set_and_not_empty(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

const char* code(Style style) {
  switch (style) {
    case Style::error:
      return "\x1b[1;31m";
    case Style::warning:
      return "\x1b[33m";
    case Style::hint:
      return "\x1b[36m";
    case Style::good:
      return "\x1b[32m";
    case Style::bold:
      return "\x1b[1m";
    case Style::plain:
      break;
  }
  return "";
}

std::string where(const Place& place) {
  std::string out = text::printable(place.file, 400);
  if (!out.empty() && place.line > 0) out += ":" + std::to_string(place.line);
  if (!out.empty() && place.line > 0 && place.column > 0) out += ":" + std::to_string(place.column);
  if (place.name.empty()) return out;
  const std::string name = text::printable(place.name);
  if (out.empty()) return name;
  if (name.front() == '/') return out + ":" + name;  // a data set inside the file
  return out + "  " + name;
}

/// How many columns the caret line marks: the word at the column.
std::size_t marked(std::string_view line, std::size_t from) {
  std::size_t to = from;
  const std::string_view stops = " \t,:]}#";
  while (to < line.size() && stops.find(line[to]) == std::string_view::npos) ++to;
  return std::max<std::size_t>(1, columns(text::printable(line.substr(from, to - from), 400)));
}

struct Excerpt {
  std::string line;
  std::size_t caret = 0, length = 1;
};

/// The part of a text line that fits beside the number, with the caret inside it.
Excerpt cut_excerpt(std::string line, std::size_t column) {
  constexpr std::size_t kWidth = 100, kBefore = 60;
  std::replace(line.begin(), line.end(), '\t', ' ');
  std::size_t from = std::min(column > 0 ? column - 1 : 0, line.size());
  const std::size_t begin = from > kBefore ? from - kBefore : 0;
  const std::string_view window = std::string_view(line).substr(begin, kWidth);
  Excerpt out;
  out.line = (begin > 0 ? "..." : "") + text::printable(window, 4 * kWidth);
  out.caret = columns(text::printable(window.substr(0, from - begin), 4 * kWidth)) + (begin > 0 ? 3 : 0);
  out.length = std::min(marked(line, from),
                        std::max<std::size_t>(1, columns(out.line) - std::min(columns(out.line), out.caret)));
  return out;
}

bool behind_caret(const std::string& hint) {
  return hint.rfind("did you mean", 0) == 0 && hint.size() < 60;
}

std::string excerpt_lines(const Error& error) {
  const std::string number = std::to_string(error.place().line);
  const std::string blank(number.size() + 2, ' ');
  const Excerpt cut = cut_excerpt(error.excerpt(), static_cast<std::size_t>(std::max(1L, error.place().column)));
  std::string out = blank + "|\n " + number + " | " + cut.line + "\n" + blank + "| ";
  out += std::string(cut.caret, ' ') + styled(Stream::err, Style::error, std::string(cut.length, '^'));
  if (behind_caret(error.hint())) out += " " + styled(Stream::err, Style::hint, error.hint());
  return out + "\n";
}

std::string render_one(const Error& error, bool verbose) {
  std::string out = styled(Stream::err, Style::error, "error:") + " " + text::printable(error.message(), 2000);
  if (verbose) out += text::cat(" [", error_code(error.kind()), "]");
  out += "\n";
  const std::string place = where(error.place());
  if (!place.empty()) out += "  --> " + place + "\n";
  const bool excerpt = !error.excerpt().empty() && error.place().line > 0;
  if (excerpt) out += excerpt_lines(error);
  if (!error.hint().empty() && !(excerpt && behind_caret(error.hint()))) {
    out += "  " + styled(Stream::err, Style::hint, "help:") + " " + text::printable(error.hint(), 2000) + "\n";
  }
  if (error.kind() == ErrorKind::internal) {
    out += text::cat("  this is a fault in Thimble, version ", THIMBLE_VERSION,
                     "; please report the lines above and the command\n");
  }
  return out;
}

}  // namespace

const char* error_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::config:
      return "config";
    case ErrorKind::data:
      return "data";
    case ErrorKind::shape:
      return "shape";
    case ErrorKind::dtype:
      return "dtype";
    case ErrorKind::value:
      return "value";
    case ErrorKind::io:
      return "io";
    case ErrorKind::tool:
      return "tool";
    case ErrorKind::failed:
      return "failed";
    case ErrorKind::internal:
      break;
  }
  return "internal";
}

void Screen::configure(std::string_view color) {
  color_wish() = color;
}

bool Screen::is_terminal(Stream stream) {
  return isatty(stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO) != 0;
}

bool Screen::colored(Stream stream) {
  if (color_wish() == "always") return true;
  if (color_wish() == "never" || set_and_not_empty("NO_COLOR")) return false;
  if (set_and_not_empty("CLICOLOR_FORCE") && std::strcmp(std::getenv("CLICOLOR_FORCE"), "0") != 0) return true;
  const char* term = std::getenv("TERM");
  return is_terminal(stream) && (term == nullptr || std::strcmp(term, "dumb") != 0);
}

int Screen::width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::string styled(Stream stream, Style style, std::string_view text) {
  if (style == Style::plain || !Screen::colored(stream)) return std::string(text);
  return code(style) + std::string(text) + "\x1b[0m";
}

std::string render(const Error& error, bool verbose) {
  const auto* several = dynamic_cast<const Errors*>(&error);
  if (several == nullptr) return render_one(error, verbose);
  constexpr std::size_t kShown = 50;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, several->list().size()); ++i) {
    out += render_one(several->list()[i], verbose);
  }
  const std::size_t count = several->list().size();
  if (count > kShown) out += text::cat("... and ", count - kShown, " more\n");
  return out + text::cat(count, count == 1 ? " error" : " errors", "; nothing was started\n");
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  for (const std::string& line : text::split(text, '\n')) {
    std::size_t used = 0;
    for (const std::string& word : text::split(line, ' ')) {
      if (used > 0 && used + 1 + columns(word) > width) {
        out += "\n" + std::string(indent, ' ');
        used = indent;
      } else if (used > 0 || word.empty()) {
        out += ' ';
        ++used;
      }
      out += word;
      used += columns(word);
    }
    out += "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace thimble::app
