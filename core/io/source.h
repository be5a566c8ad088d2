#pragma once
// Streams of bytes and lines with limits, for readers that must not hold a whole file to refuse it.

#include "core/io/file.h"
#include "core/io/limits.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::io {

/// Something that gives bytes in order.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `count` bytes; 0 only at the end. Throws Error(io) or Error(data).
  virtual std::size_t read(char* to, std::size_t count) = 0;
};

/// A regular file.
class FileSource : public ByteSource {
 public:
  explicit FileSource(InputFile file) : file_(std::move(file)) {}
  std::size_t read(char* to, std::size_t count) override { return read_some(file_, to, count); }

 private:
  InputFile file_;
};

/// Bytes that the caller keeps alive; `piece` bounds what one read gives (tests).
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes, std::size_t piece = static_cast<std::size_t>(-1))
      : bytes_(bytes), piece_(piece) {}
  std::size_t read(char* to, std::size_t count) override;

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

/// Cuts a source into lines.
class LineReader {
 public:
  /// `name` is the file shown in errors.
  LineReader(ByteSource& source, std::string name, std::size_t max_line = limits::kLineBytes);

  /// The next line without "\n" or "\r\n"; false at the end. The view lives until the next call. Throws Error(data)
  /// with the line number if the line is longer than the limit.
  bool next(std::string_view& line);
  /// Number of the line that next() gave last, from 1.
  long number() const { return number_; }
  const std::string& name() const { return name_; }

 private:
  bool refill();

  ByteSource& source_;
  std::string name_;
  std::size_t max_line_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool exhausted_ = false;
  long number_ = 0;
};

}  // namespace thimble::io
