#pragma once
// Files that are replaced whole or not at all, and logs that only grow. Recipe: reliability.md, section 3.4.

#include "core/io/file.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace thimble::io {

/// Puts `bytes` under the name `path`: a temporary file in the same folder, space reserved, written, synced, renamed,
/// folder synced. Whatever happens, `path` is either the old file or the new one. A symbolic link at `path` is
/// replaced, its target is not touched. Throws Error(io) with path, reason, bytes needed and free; then no temporary
/// file is left and the old file is as it was.
void atomic_replace(const std::filesystem::path& path, std::string_view bytes);

/// Removes temporary files that a killed process left in `folder`, and returns how many. Those of living processes
/// stay, unless `exclusive` says that nobody else can be writing here (the caller holds the lock of the run).
int sweep_temporaries(const std::filesystem::path& folder, bool exclusive = false);

/// A file that only grows (CSV, events, log). What append() got is in the file after flush(). A failed write leaves
/// the file as long as it was before, so it never ends in half a record.
class AppendFile {
 public:
  /// Opens or creates; refuses anything but a regular file. Throws Error(io).
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();  // flushes; a failure then is silent, so call flush() where it matters
  AppendFile(AppendFile&&) noexcept = default;
  AppendFile& operator=(AppendFile&&) noexcept = default;

  /// Collects the bytes and writes them when 64 KiB are waiting. Throws Error(io).
  void append(std::string_view bytes);
  /// Hands everything to the system. Throws Error(io) with path, bytes needed and free; the bytes keep waiting.
  void flush();
  /// flush, and waits until the disk has it. Throws Error(io).
  void sync();
  /// Length including what waits; store it in checkpoints.
  std::uint64_t length() const { return written_ + waiting_.size(); }
  /// Cuts the file (resume from a checkpoint). Throws Error(io) if the file is shorter than that.
  void truncate(std::uint64_t length);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
  std::uint64_t written_ = 0;
  std::string waiting_;
};

}  // namespace thimble::io
