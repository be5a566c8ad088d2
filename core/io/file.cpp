#include "core/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace thimble::io {
namespace {

std::string kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

void check_size(std::uint64_t bytes, std::uint64_t max_bytes, const std::filesystem::path& path) {
  if (bytes <= max_bytes) return;
  throw Error(ErrorKind::io, text::cat("file of ", size_text(bytes), " exceeds the limit of ", size_text(max_bytes)),
              Place{shown(path), 0, 0, {}});
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    number_ = other.release();
  }
  return *this;
}

int Descriptor::release() {
  return std::exchange(number_, -1);
}

void Descriptor::reset() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

std::string shown(const std::filesystem::path& path) {
  return text::printable(path.native(), 4096);
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> units{" KiB", " MiB", " GiB", " TiB"};
  if (bytes < 1024) return text::cat(bytes, bytes == 1 ? " byte" : " bytes");
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return text::cat(text::significant(value, value < 100 ? 3 : 4), units[unit]);
}

Error system_error(int code, const std::string& message, const std::filesystem::path& path) {
  return {ErrorKind::io, text::cat(message, ": ", std::generic_category().message(code)), Place{shown(path), 0, 0, {}}};
}

InputFile open_regular(const std::filesystem::path& path, std::uint64_t max_bytes) {
  InputFile file{Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), 0, 0, path};
  if (!file.descriptor.valid()) throw system_error(errno, "cannot open", path);
  struct stat status {};
  if (::fstat(file.descriptor.get(), &status) != 0) throw system_error(errno, "cannot look at", path);
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::io, "not a file but " + kind_of(status.st_mode), Place{shown(path), 0, 0, {}});
  file.bytes = static_cast<std::uint64_t>(status.st_size);
  file.modified_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  check_size(file.bytes, max_bytes, path);
  return file;
}

std::size_t read_some(const InputFile& file, char* to, std::size_t count) {
  for (;;) {
    const ssize_t got = ::read(file.descriptor.get(), to, count);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw system_error(errno, "cannot read", file.path);
  }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const InputFile file = open_regular(path, max_bytes);
  std::string content(static_cast<std::size_t>(file.bytes), '\0');
  std::size_t have = 0;
  for (;;) {
    if (have == content.size()) content.resize(have + 4096);  // the file may have grown, and the end must be seen
    const std::size_t got = read_some(file, content.data() + have, content.size() - have);
    have += got;
    check_size(have, max_bytes, path);
    if (got == 0) break;
  }
  content.resize(have);
  return content;
}

int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    if (done == 0) return EIO;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return 0;
}

}  // namespace thimble::io
