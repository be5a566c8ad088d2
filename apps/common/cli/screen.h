#pragma once
// Streams of a program: colours, width, errors as people read them.

#include "core/base/error.h"

#include <string>
#include <string_view>

namespace thimble::app {

/// Which output; standard output carries only results.
enum class Stream { out, err };

enum class Style { plain, error, warning, hint, good, bold };

/// Colour rules: --color beats CLICOLOR_FORCE and NO_COLOR; else only on a terminal whose TERM is not dumb.
class Screen {
 public:
  /// `color`: "auto", "always", "never".
  static void configure(std::string_view color);
  static bool colored(Stream stream);
  static bool is_terminal(Stream stream);
  /// Columns of the terminal on standard error, else 80.
  static int width();
};

/// `text` in colour when the stream shows colours.
std::string styled(Stream stream, Style style, std::string_view text);

/// error:, -->, excerpt with caret, help: of one error or of all errors of an Errors, with the closing count line.
/// Ends with a line end. `verbose` adds the kind of the error.
std::string render(const Error& error, bool verbose = false);

/// "config", "io", ...: the kind as it stands in the result document.
const char* error_code(ErrorKind kind);

/// `text` in lines of at most `width` columns, following lines indented; existing line ends are kept.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

/// Number of columns of UTF-8 text (code points).
std::size_t columns(std::string_view text);

}  // namespace thimble::app
