#pragma once
// The one exception type of Thimble: what happened, where, and what to do about it.

#include "core/base/text.h"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace thimble {

/// What kind of trouble; decides the exit code of a program (exit_code below).
enum class ErrorKind {
  usage,     // the command line
  config,    // a configuration file or key
  data,      // the content of an input file
  shape,     // tensors that do not fit together
  dtype,     // a tensor of the wrong element type
  value,     // a number or an argument out of range
  io,        // a file that cannot be read or written
  tool,      // a program asked for by name and not installed
  failed,    // ran, but the answer is no: mismatch, divergence, an expert that failed
  internal,  // a fault in Thimble
};

/// Where it happened. Empty or zero members are unknown; `name` is a key, data set, layer or column.
struct Place {
  std::string file;
  long line = 0;    // 1-based
  long column = 0;  // 1-based
  std::string name;
};

/// One line of what happened, a place, and a remedy that can be pasted. See docs/architecture.md, "Errors".
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string message, Place place = {}, std::string hint = {});
  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const Place& place() const { return place_; }
  const std::string& hint() const { return hint_; }
  /// Excerpt of the offending text line, empty if there is none.
  const std::string& excerpt() const { return excerpt_; }
  Error& with_excerpt(std::string line) {
    excerpt_ = std::move(line);
    return *this;
  }

 private:
  ErrorKind kind_;
  std::string message_, hint_, excerpt_;
  Place place_;
};

/// Several errors found in one pass (all errors of a configuration are told at once).
class Errors : public Error {
 public:
  explicit Errors(std::vector<Error> list);
  const std::vector<Error>& list() const { return list_; }

 private:
  std::vector<Error> list_;
};

/// 0 done, 1 failed on the way, 2 bad usage, config, input or a missing tool.
int exit_code(ErrorKind kind);

/// Throws Error(kind) with the parts joined by text::cat.
template <class... Parts>
[[noreturn]] void fail(ErrorKind kind, const Parts&... parts) {
  throw Error(kind, text::cat(parts...));
}

}  // namespace thimble

/// Always on: what a caller can get wrong. Parts: operation, what was given, what was expected.
#define THIMBLE_CHECK(condition, kind, ...)                                     \
  do {                                                                          \
    if (!(condition)) ::thimble::fail(::thimble::ErrorKind::kind, __VA_ARGS__); \
  } while (false)

/// Our own invariants; compiled out in release builds.
#ifdef NDEBUG
#define THIMBLE_ASSERT(condition) static_cast<void>(0)
#else
#define THIMBLE_ASSERT(condition)                                                                  \
  do {                                                                                             \
    if (!(condition)) ::thimble::fail(::thimble::ErrorKind::internal, __FILE__, ": ", #condition); \
  } while (false)
#endif
