#pragma once
// Notes and warnings of libraries. The program decides where they go; until it does, warnings go to standard error.

#include "core/base/text.h"

#include <functional>
#include <string_view>

namespace thimble::log {

enum class Level { debug, note, warning, error };

/// Receives every line; called from any thread, one at a time.
using Sink = std::function<void(Level, std::string_view)>;
/// Puts a new sink in place and returns the former one.
Sink set_sink(Sink sink);

/// `message` is one line of plain text; control characters are escaped before it is passed on.
void write(Level level, std::string_view message);

template <class... Parts>
void debug(const Parts&... parts) {
  write(Level::debug, text::cat(parts...));
}
template <class... Parts>
void note(const Parts&... parts) {
  write(Level::note, text::cat(parts...));
}
template <class... Parts>
void warning(const Parts&... parts) {
  write(Level::warning, text::cat(parts...));
}

}  // namespace thimble::log
