#include "core/io/zip.h"

#include "core/base/error.h"
#include "core/io/bytes.h"
#include "core/io/hash.h"
#include "core/io/limits.h"

#include <algorithm>
#include <cstdint>

namespace thimble::io {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator = 0x07064b50;
constexpr std::size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr std::uint16_t kSizesBehind = 1 << 3, kUtf8 = 1 << 11;  // flags of an entry
constexpr std::size_t kAlign = 64;
constexpr std::uint16_t kPadding = 0x4246;  // id of an extra field that only moves the content to its alignment

/// What the directory says of an entry.
struct Listed {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0, packed = 0, plain = 0, local = 0;
  std::size_t at = 0;  // of its line in the directory
};

/// Where the directory lies, from the record at the end.
struct Directory {
  std::uint64_t entries = 0, bytes = 0, at = 0, end = 0;
};

class Archive {
 public:
  Archive(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::map<std::string, std::string_view> entries() const {
    std::map<std::string, std::string_view> out;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> taken;
    const Directory directory = find_directory();
    std::size_t at = directory.at;
    for (std::uint64_t i = 0; i < directory.entries; ++i) {
      const Listed entry = listed(at, directory.at + directory.bytes);
      const std::string_view content = content_of(entry, directory.at);
      const auto end = static_cast<std::uint64_t>(content.data() - bytes_.data()) + content.size();
      taken.emplace_back(entry.local, end);
      if (!out.emplace(entry.name, content).second)
        refuse(entry.at, text::cat("the name \"", text::printable(entry.name), "\" twice"));
    }
    if (at != directory.at + directory.bytes) refuse(at, "bytes behind the last line of the directory");
    check_overlaps(std::move(taken));
    return out;
  }

 private:
  [[noreturn]] void refuse(std::uint64_t at, const std::string& what) const {
    throw Error(ErrorKind::data, text::cat("zip archive, byte ", at, ": ", what), {name_, 0, 0, {}});
  }
  template <class T>
  T number(std::uint64_t at) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) refuse(at, "cut off");
    return get<T>(bytes_, static_cast<std::size_t>(at));
  }
  void expect(std::uint64_t at, std::uint32_t signature, const char* what) const {
    if (number<std::uint32_t>(at) != signature) refuse(at, text::cat("no ", what, " here"));
  }

  /// The record of 64-bit numbers stands before the old one when there is one; both must agree where both can tell.
  Directory find_directory() const {
    if (bytes_.size() < kEndBytes) refuse(bytes_.size(), "too short for an archive");
    const std::uint64_t end = bytes_.size() - kEndBytes;
    expect(end, kEnd, "end of an archive");
    if (number<std::uint32_t>(end + 4) != 0 || number<std::uint16_t>(end + 20) != 0)
      refuse(end, "several volumes or a comment");
    Directory out{number<std::uint16_t>(end + 10), number<std::uint32_t>(end + 12), number<std::uint32_t>(end + 16),
                  end};
    if (number<std::uint16_t>(end + 8) != out.entries) refuse(end, "the numbers of entries differ");
    if (end >= kLocatorBytes && number<std::uint32_t>(end - kLocatorBytes) == kLocator)
      out = wide_directory(end - kLocatorBytes, out);
    if (out.entries > limits::kZipEntries) refuse(out.end, text::cat("more than ", limits::kZipEntries, " entries"));
    if (out.at > out.end || out.bytes != out.end - out.at) refuse(out.end, "the directory does not end here");
    return out;
  }
  Directory wide_directory(std::uint64_t locator, const Directory& narrow) const {
    const auto at = number<std::uint64_t>(locator + 8);
    if (at > locator || locator - at != kEnd64Bytes) refuse(locator, "the wide end of the archive is not before this");
    expect(at, kEnd64, "wide end of an archive");
    const Directory wide{number<std::uint64_t>(at + 32), number<std::uint64_t>(at + 40), number<std::uint64_t>(at + 48),
                         at};
    const auto differ = [](std::uint64_t a, std::uint64_t b, std::uint64_t unknown) { return b != unknown && a != b; };
    if (number<std::uint64_t>(at + 24) != wide.entries || differ(wide.entries, narrow.entries, 0xffff) ||
        differ(wide.bytes, narrow.bytes, 0xffffffff) || differ(wide.at, narrow.at, 0xffffffff))
      refuse(at, "the two ends of the archive disagree");
    return wide;
  }

  Listed listed(std::size_t& at, std::uint64_t end) const {
    expect(at, kCentral, "line of the directory");
    Listed out;
    out.at = at;
    out.flags = number<std::uint16_t>(at + 8);
    out.method = number<std::uint16_t>(at + 10);
    out.crc = number<std::uint32_t>(at + 16);
    out.packed = number<std::uint32_t>(at + 20);
    out.plain = number<std::uint32_t>(at + 24);
    out.local = number<std::uint32_t>(at + 42);
    const std::size_t name = number<std::uint16_t>(at + 28);
    const std::size_t all = kCentralBytes + name + number<std::uint16_t>(at + 30) + number<std::uint16_t>(at + 32);
    if (at + all > end) refuse(at, "a line of the directory is cut off");
    out.name = std::string(bytes_.substr(at + kCentralBytes, name));
    if (out.method != 0 || out.packed != out.plain) refuse(at, "a compressed entry");
    if ((out.flags & ~(kSizesBehind | kUtf8)) != 0) refuse(at, "an encrypted or otherwise special entry");
    at += all;
    return out;
  }

  /// Content of an entry after everything the local header says was compared with the directory.
  std::string_view content_of(const Listed& entry, std::uint64_t end) const {
    const std::uint64_t at = entry.local;
    expect(at, kLocal, "entry");
    const std::size_t name = number<std::uint16_t>(at + 26);
    const std::uint64_t start = at + kLocalBytes + name + number<std::uint16_t>(at + 28);
    if (start > end || end - start < entry.plain) refuse(at, "an entry reaches into the directory");
    const bool behind = (entry.flags & kSizesBehind) != 0;
    const auto same = [&](std::uint64_t field, std::uint32_t value) {
      const auto found = number<std::uint32_t>(field);
      return found == value || (behind && found == 0);
    };
    if (bytes_.substr(at + kLocalBytes, name) != entry.name || number<std::uint16_t>(at + 6) != entry.flags ||
        number<std::uint16_t>(at + 8) != entry.method || !same(at + 14, entry.crc) || !same(at + 18, entry.packed) ||
        !same(at + 22, entry.plain))
      refuse(at, text::cat("the header of \"", text::printable(entry.name), "\" and the directory disagree"));
    const std::string_view content = bytes_.substr(start, entry.plain);
    if (crc32(content) != entry.crc)
      refuse(start, text::cat("\"", text::printable(entry.name), "\" is damaged: its CRC-32 is wrong"));
    return content;
  }

  void check_overlaps(std::vector<std::pair<std::uint64_t, std::uint64_t>> taken) const {
    std::sort(taken.begin(), taken.end());
    for (std::size_t i = 1; i < taken.size(); ++i)
      if (taken[i].first < taken[i - 1].second) refuse(taken[i].first, "entries overlap");
  }

  std::string_view bytes_;
  const std::string& name_;
};

/// The fields that a local header and a line of the directory share.
void put_shared(std::string& out, const std::string& name, const std::string& content, std::size_t extra) {
  put<std::uint16_t>(out, kUtf8);
  put<std::uint16_t>(out, 0);   // stored
  put<std::uint16_t>(out, 0);   // midnight
  put<std::uint16_t>(out, 33);  // of 1 January 1980, the first day that zip knows
  put<std::uint32_t>(out, crc32(content));
  put(out, static_cast<std::uint32_t>(content.size()));
  put(out, static_cast<std::uint32_t>(content.size()));
  put(out, static_cast<std::uint16_t>(name.size()));
  put(out, static_cast<std::uint16_t>(extra));
}

}  // namespace

std::map<std::string, std::string_view> parse_zip(std::string_view bytes, const std::string& name) {
  return Archive(bytes, name).entries();
}

std::string zip_bytes(const std::vector<std::pair<std::string, std::string>>& entries) {
  THIMBLE_CHECK(entries.size() <= limits::kZipEntries, value, "an archive of ", entries.size(), " entries");
  std::string out, directory;
  for (const auto& [name, content] : entries) {
    const std::size_t local = out.size(), bare = local + kLocalBytes + name.size() + 4;
    const std::size_t padding = (kAlign - bare % kAlign) % kAlign;
    THIMBLE_CHECK(bare + padding + content.size() < limits::kZipBytes, value, "an archive of more than ",
                  limits::kZipBytes, " bytes");
    put(out, kLocal);
    put<std::uint16_t>(out, 20);  // version needed
    put_shared(out, name, content, padding + 4);
    out += name;
    put(out, kPadding);
    put(out, static_cast<std::uint16_t>(padding));
    out.append(padding, 'Z');
    out += content;
    put(directory, kCentral);
    put<std::uint32_t>(directory, 20 << 16 | 20);  // versions made by and needed
    put_shared(directory, name, content, 0);
    directory.append(10, '\0');  // comment, volume, attributes
    put(directory, static_cast<std::uint32_t>(local));
    directory += name;
  }
  const auto at = static_cast<std::uint32_t>(out.size());
  out += directory;
  put(out, kEnd);
  put<std::uint32_t>(out, 0);
  put(out, static_cast<std::uint16_t>(entries.size()));
  put(out, static_cast<std::uint16_t>(entries.size()));
  put(out, static_cast<std::uint32_t>(directory.size()));
  put(out, at);
  put<std::uint16_t>(out, 0);
  return out;
}

}  // namespace thimble::io
