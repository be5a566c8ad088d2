#pragma once
// gzip, read to its very end: every member, its checksum and length, and nothing behind the last one.

#include "core/io/source.h"

#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace thimble::io {

/// True if the bytes begin like gzip data.
bool is_gzip(std::string_view bytes);

/// Inflates another source. read() throws Error(data) naming the file if the data are no gzip, damaged, cut off or
/// followed by something else; what was given out before is only good when the end was reached.
class GzipSource : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> compressed, std::string name);
  ~GzipSource() override;
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  std::size_t read(char* to, std::size_t count) override;

 private:
  bool refill();
  void next_member();
  [[noreturn]] void refuse(const std::string& message) const;

  std::unique_ptr<ByteSource> compressed_;
  std::string name_;
  std::unique_ptr<z_stream_s> stream_;
  std::string input_;
  bool finished_ = false;
};

/// All bytes of gzip data, at most `max_bytes`. Throws Error(data).
std::string gunzip(std::string_view compressed, const std::string& name, std::uint64_t max_bytes);

/// One gzip member without name and time, so equal bytes give equal files. `level` 1 to 9.
std::string gzip(std::string_view bytes, int level = 6);

/// A regular file to read: inflated if its content is gzip, which it must be if its name ends ".gz".
/// Throws Error(io) or Error(data).
std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path);

}  // namespace thimble::io
