#include "core/io/cache.h"

#include "core/io/atomic_file.h"
#include "core/io/hash.h"

#include <sys/stat.h>

#include <array>
#include <optional>

namespace thimble::io {
namespace {

/// Text that changes when the file is another one or was written to. The time of the last change of the inode cannot be
/// set by a program, unlike the time of the last change of the content.
std::string identity(const InputFile& file) {
  struct stat status {};
  if (::fstat(file.descriptor.get(), &status) != 0) throw system_error(errno, "cannot look at", file.path);
  return text::cat(status.st_dev, " ", status.st_ino, " ", status.st_size, " ", status.st_mtim.tv_sec, ".",
                   status.st_mtim.tv_nsec, " ", status.st_ctim.tv_sec, ".", status.st_ctim.tv_nsec);
}

std::string hash_of(const InputFile& file) {
  Sha256 hash;
  std::vector<char> piece(1 << 20);
  while (const std::size_t got = read_some(file, piece.data(), piece.size())) hash.update({piece.data(), got});
  return hash.hex();
}

constexpr std::size_t kHexDigits = 64;

/// Hash remembered for this state of the file: a line "HASH IDENTITY".
std::optional<std::string> remembered(const std::filesystem::path& memo, const std::string& state) {
  try {
    const std::string line = read_file(memo, limits::kKiB);
    if (line.size() > kHexDigits + 1 && line.substr(kHexDigits + 1) == state) return line.substr(0, kHexDigits);
  } catch (const Error&) {  // not remembered
  }
  return std::nullopt;
}

std::optional<SealedFile> usable(const std::filesystem::path& path, const std::string& key) {
  try {
    SealedFile file = SealedFile::open(path);
    if (file.text_attribute("/", "cache_key") == key) return file;
  } catch (const Error&) {  // missing, damaged or of another program: built again
  }
  return std::nullopt;
}

}  // namespace

std::filesystem::path Cache::entry(const std::string& key) const {
  return folder_ / (key.substr(0, 32) + ".h5");
}

void Cache::store(const std::filesystem::path& path, std::string_view bytes) {
  try {
    std::filesystem::create_directories(folder_);
    atomic_replace(path, bytes);
  } catch (const std::exception& trouble) {
    warnings_.push_back(text::cat("cache not written: ", trouble.what()));
  }
}

std::string Cache::content_hash(const std::filesystem::path& source) {
  const InputFile file = open_regular(source);
  if (folder_.empty()) return hash_of(file);
  const std::string before = identity(file);
  const auto memo = folder_ / ("hash-" + sha256_hex(std::filesystem::absolute(source).native()).substr(0, 32));
  if (const auto known = remembered(memo, before)) return *known;
  std::string hash = hash_of(file);
  if (identity(file) == before) store(memo, hash + " " + before);
  return hash;
}

SealedFile Cache::get(const std::vector<std::filesystem::path>& sources, std::string_view options,
                      std::string_view format, const std::function<void(SealedWriter&)>& build) {
  warnings_.clear();
  Sha256 hash;
  hash.update(format).update("\n").update(options).update("\n");
  for (const auto& source : sources) hash.update(folder_.empty() ? std::string() : content_hash(source)).update("\n");
  const std::string key = hash.hex();
  hit_ = false;
  if (!folder_.empty())
    if (auto file = usable(entry(key), key)) {
      hit_ = true;
      return std::move(*file);
    }
  SealedWriter out;
  build(out);
  out.attribute("/", "cache_key", key);
  const std::string bytes = out.finish();
  if (!folder_.empty()) store(entry(key), bytes);
  return SealedFile::from_bytes(bytes, shown(entry(key)));
}

}  // namespace thimble::io
