#include "core/io/gzip.h"

#include <zlib.h>

#include <array>
#include <limits>
#include <utility>

namespace thimble::io {
namespace {

constexpr std::size_t kInput = 64 * limits::kKiB;
constexpr int kGzipOnly = 15 + 16;  // window of 32 KiB; gzip wrapper demanded, its CRC and length checked

Bytef* bytes_of(const char* data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data));  // zlib's interface lacks const
}

/// Gives back what was read to find the kind of a file, then the rest.
class PrefixedSource : public ByteSource {
 public:
  PrefixedSource(std::string prefix, std::unique_ptr<ByteSource> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}
  std::size_t read(char* to, std::size_t count) override {
    if (prefix_.empty()) return rest_->read(to, count);
    const std::size_t take = prefix_.copy(to, count);
    prefix_.erase(0, take);
    return take;
  }

 private:
  std::string prefix_;
  std::unique_ptr<ByteSource> rest_;
};

}  // namespace

bool is_gzip(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
}

GzipSource::GzipSource(std::unique_ptr<ByteSource> compressed, std::string name)
    : compressed_(std::move(compressed)), name_(std::move(name)), stream_(std::make_unique<z_stream>()) {
  input_.resize(kInput);
  THIMBLE_CHECK(inflateInit2(stream_.get(), kGzipOnly) == Z_OK, internal, "zlib cannot start");
}

GzipSource::~GzipSource() {
  inflateEnd(stream_.get());
}

void GzipSource::refuse(const std::string& message) const {
  throw Error(ErrorKind::data, message, Place{name_, 0, 0, {}}, "fetch the file again, or write it anew");
}

bool GzipSource::refill() {
  if (stream_->avail_in > 0) return true;
  const std::size_t got = compressed_->read(input_.data(), input_.size());
  stream_->next_in = bytes_of(input_.data());
  stream_->avail_in = static_cast<uInt>(got);
  return got > 0;
}

/// Behind the end of a member: either the file ends or another member begins.
void GzipSource::next_member() {
  finished_ = !refill();
  if (finished_) return;
  if (*stream_->next_in != 0x1f) refuse("bytes behind the end of the gzip data");
  inflateReset(stream_.get());
}

std::size_t GzipSource::read(char* to, std::size_t count) {
  const auto room = static_cast<uInt>(std::min<std::size_t>(count, std::numeric_limits<uInt>::max()));
  stream_->next_out = bytes_of(to);
  stream_->avail_out = room;
  while (!finished_ && stream_->avail_out == room && room > 0) {
    if (!refill()) refuse("gzip data cut off");
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    if (result == Z_STREAM_END)
      next_member();
    else if (result != Z_OK)
      refuse(text::cat("damaged gzip data (", stream_->msg == nullptr ? "zlib gave up" : stream_->msg, ")"));
  }
  return room - stream_->avail_out;
}

std::string gunzip(std::string_view compressed, const std::string& name, std::uint64_t max_bytes) {
  GzipSource source(std::make_unique<MemorySource>(compressed), name);
  std::string out;
  std::vector<char> piece(kInput);
  while (const std::size_t got = source.read(piece.data(), piece.size())) {
    out.append(piece.data(), got);
    if (out.size() > max_bytes)
      throw Error(ErrorKind::data, text::cat("inflates to more than the limit of ", size_text(max_bytes)),
                  Place{name, 0, 0, {}});
  }
  return out;
}

std::string gzip(std::string_view bytes, int level) {
  z_stream stream{};
  THIMBLE_CHECK(deflateInit2(&stream, level, Z_DEFLATED, kGzipOnly, 8, Z_DEFAULT_STRATEGY) == Z_OK, internal,
                "zlib cannot start");
  THIMBLE_CHECK(bytes.size() <= std::numeric_limits<uInt>::max(), value, "gzip: more than 4 GiB at once");
  std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = bytes_of(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = bytes_of(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  THIMBLE_CHECK(result == Z_STREAM_END, internal, "zlib could not finish");
  return out;
}

std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path) {
  auto file = std::make_unique<FileSource>(open_regular(path));
  std::string start(2, '\0');
  std::size_t have = 0;
  while (have < start.size()) {
    const std::size_t got = file->read(start.data() + have, start.size() - have);
    if (got == 0) break;
    have += got;
  }
  start.resize(have);
  const bool packed = is_gzip(start);
  if (!packed && path.extension() == ".gz")
    throw Error(ErrorKind::data, "named .gz but its content is not gzip", Place{shown(path), 0, 0, {}},
                "rename the file if it is plain text");
  auto whole = std::make_unique<PrefixedSource>(start, std::move(file));
  if (!packed) return whole;
  return std::make_unique<GzipSource>(std::move(whole), shown(path));
}

}  // namespace thimble::io
