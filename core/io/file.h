#pragma once
// Opening and reading files that somebody else may have prepared: only regular files, never waiting, never unbounded.

#include "core/base/error.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

namespace thimble::io {

/// Owns a descriptor; closes it at the end of its life.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }
  int release();
  void reset();

 private:
  int number_ = -1;
};

/// A file opened for reading.
struct InputFile {
  Descriptor descriptor;
  std::uint64_t bytes = 0;       // size when it was opened
  std::int64_t modified_ns = 0;  // time of the last change, nanoseconds since 1970
  std::filesystem::path path;
};

inline constexpr std::uint64_t kNoSizeLimit = std::numeric_limits<std::uint64_t>::max();

/// Opens `path` without ever waiting (a FIFO would block) and refuses everything but a regular file of at most
/// `max_bytes`. Throws Error(io) naming path and reason.
InputFile open_regular(const std::filesystem::path& path, std::uint64_t max_bytes = kNoSizeLimit);

/// The next bytes of the file, up to `count`; 0 at the end. Throws Error(io).
std::size_t read_some(const InputFile& file, char* to, std::size_t count);

/// The whole content of a regular file of at most `max_bytes`. Throws Error(io).
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = kNoSizeLimit);

/// Writes everything, through short writes and interruptions; returns 0 or the errno of the failure.
int write_all(int descriptor, std::string_view bytes);

/// Path as it may stand in a message: not UTF-8 and control characters escaped.
std::string shown(const std::filesystem::path& path);

/// "2.5 MiB", "300 bytes".
std::string size_text(std::uint64_t bytes);

/// Error(io) "MESSAGE: text of `code`" at the path.
Error system_error(int code, const std::string& message, const std::filesystem::path& path);

}  // namespace thimble::io
