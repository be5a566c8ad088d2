#include "core/io/source.h"

#include <algorithm>
#include <cstring>

namespace thimble::io {
namespace {

constexpr std::size_t kPiece = 256 * limits::kKiB;

}  // namespace

std::size_t MemorySource::read(char* to, std::size_t count) {
  const std::size_t take = std::min({count, bytes_.size(), piece_});
  std::memcpy(to, bytes_.data(), take);
  bytes_.remove_prefix(take);
  return take;
}

LineReader::LineReader(ByteSource& source, std::string name, std::size_t max_line)
    : source_(source), name_(std::move(name)), max_line_(max_line) {}

/// Makes room, reads more; false at the end of the source.
bool LineReader::refill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + kPiece) buffer_.resize(end_ + kPiece);
  const std::size_t got = source_.read(buffer_.data() + end_, buffer_.size() - end_);
  end_ += got;
  exhausted_ = got == 0;
  return got > 0;
}

bool LineReader::next(std::string_view& line) {
  ++number_;
  std::size_t searched = 0;
  for (;;) {
    const char* start = buffer_.data() + begin_;
    const std::size_t have = end_ - begin_;
    const void* found = have > searched ? std::memchr(start + searched, '\n', have - searched) : nullptr;
    const std::size_t length =
        found == nullptr ? have : static_cast<std::size_t>(static_cast<const char*>(found) - start);
    if (length > max_line_)
      throw Error(ErrorKind::data, text::cat("line longer than the limit of ", size_text(max_line_)),
                  Place{name_, number_, 0, {}});
    searched = have;
    if (found == nullptr && !exhausted_ && (refill(), true)) continue;
    if (found == nullptr && length == 0) return false;
    line = std::string_view(start, length);
    begin_ += length + (found == nullptr ? 0 : 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return true;
  }
}

}  // namespace thimble::io
