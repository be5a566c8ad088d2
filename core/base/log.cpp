#include "core/base/log.h"

#include <cstdio>
#include <mutex>
#include <utility>

namespace thimble::log {
namespace {

struct State {
  std::mutex mutex;
  Sink sink;
};

State& state() {
  static State instance;
  return instance;
}

void to_standard_error(Level level, std::string_view message) {
  if (level < Level::warning) return;
  const std::string line = text::cat(level == Level::error ? "error: " : "warning: ", message, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

Sink set_sink(Sink sink) {
  const std::scoped_lock lock(state().mutex);
  return std::exchange(state().sink, std::move(sink));
}

void write(Level level, std::string_view message) {
  const std::scoped_lock lock(state().mutex);
  const std::string safe = text::printable(message, 4096);
  if (state().sink) {
    state().sink(level, safe);
  } else {
    to_standard_error(level, safe);
  }
}

}  // namespace thimble::log
