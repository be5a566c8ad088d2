#include "apps/common/run/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace thimble::app {
namespace {

std::string owner_in(int descriptor) {
  std::array<char, 200> buffer{};
  const ssize_t got = pread(descriptor, buffer.data(), buffer.size(), 0);
  return text::printable(text::trim(std::string_view(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0)));
}

std::string own_name() {
  std::array<char, 128> host{};
  gethostname(host.data(), host.size() - 1);
  return text::cat("pid ", getpid(), " on ", host.data());
}

}  // namespace

RunLock RunLock::take(const std::filesystem::path& file) {
  RunLock lock;
  lock.descriptor_ = io::Descriptor(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  const int descriptor = lock.descriptor_.get();
  if (!lock.descriptor_.valid()) throw io::system_error(errno, "the run cannot be locked", file);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw io::system_error(errno, "the run cannot be locked", file);
    throw Error(ErrorKind::config, text::cat("another process works on this run: ", owner_in(descriptor)),
                Place{file.parent_path().string(), 0, 0, ""}, "wait for it, or start a new run without --resume");
  }
  const std::string owner = own_name() + "\n";
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, owner.data(), owner.size(), 0) < 0) {
    // only the name in the message of others is lost; the lock itself holds
  }
  return lock;
}

bool RunLock::held(const std::filesystem::path& file, std::string* owner) {
  const io::Descriptor descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!descriptor.valid() || flock(descriptor.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (owner != nullptr) *owner = owner_in(descriptor.get());
  return errno == EWOULDBLOCK;
}

}  // namespace thimble::app
