#pragma once
// A file too large to be built in memory that still appears whole or not at all.

#include "core/io/atomic_file.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace thimble::io {

class StreamedFile {
 public:
  /// Starts `path`.part beside the file to be. Throws Error(io).
  explicit StreamedFile(std::filesystem::path path);
  /// Removes what was not finished.
  ~StreamedFile();
  StreamedFile(const StreamedFile&) = delete;
  StreamedFile& operator=(const StreamedFile&) = delete;

  /// Throws Error(io).
  void append(std::string_view bytes) { file_->append(bytes); }
  /// Waits until the disk has everything, then gives it its name. Throws Error(io).
  void finish();

 private:
  std::filesystem::path path_, part_;
  std::optional<AppendFile> file_;
};

}  // namespace thimble::io
