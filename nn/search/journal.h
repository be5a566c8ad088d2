#pragma once
// The memory of a search on disk: one JSON line per finished trial, each with its CRC-32C, flushed to the disk before
// the search goes on. A killed process leaves whole lines and at most one torn one, which is dropped when the journal
// is opened again.

#include "core/io/atomic_file.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::nn::search {

class Journal {
 public:
  /// Begins a journal whose first record is `head`; Error(io) when the file is there already.
  static Journal create(const std::filesystem::path& path, const std::string& head);
  /// Opens one and reads its records. A torn last line is cut off with a warning. Throws Error(data) with file and
  /// line for a damaged line before the last, and for another first record than `head`: then the journal belongs to
  /// another search.
  static Journal open(const std::filesystem::path& path, const std::string& head);

  /// Records behind the first one, as JSON text.
  const std::vector<std::string>& records() const { return records_; }
  /// Appends one line and waits until the disk has it. `record` is one line of JSON. Throws Error(io).
  void append(const std::string& record);
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  explicit Journal(const std::filesystem::path& path) : file_(path) {}
  void write(const std::string& record);
  io::AppendFile file_;
  std::vector<std::string> records_;
};

/// The line of a record, with its line end: {"crc32c":"e3069283","record":...}
std::string journal_line(std::string_view record);

}  // namespace thimble::nn::search
