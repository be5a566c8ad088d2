#include "core/io/atomic_file.h"

#include "core/io/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <vector>

namespace thimble::io {
namespace {

constexpr std::string_view kMark = ".tmp-";
constexpr std::size_t kWaiting = 64 * limits::kKiB;

std::string free_text(int descriptor) {
  struct statvfs space {};
  if (::fstatvfs(descriptor, &space) != 0) return "unknown";
  return size_text(static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize);
}

/// Error(io) of a write that failed: reason, bytes needed and free, remedy.
Error write_error(int code, const std::string& what, const std::filesystem::path& path, std::uint64_t needed,
                  int folder) {
  const Error plain = system_error(code, what, path);
  std::string hint;
  if (code == ENOSPC || code == EDQUOT) hint = "free some space or choose another output folder";
  if (code == EACCES || code == EROFS || code == EPERM) hint = "check the permissions of the folder";
  return {ErrorKind::io, text::cat(plain.message(), " (needs ", size_text(needed), ", free ", free_text(folder), ")"),
          plain.place(), hint};
}

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  if (::getrandom(&bits, sizeof bits, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof bits)) return bits;
  static std::atomic<std::uint64_t> counter{0};  // names need only differ; O_EXCL guards against the rest
  return ++counter;
}

/// ".NAME.tmp-PID-RANDOM"; a long NAME is cut so that the whole stays a legal file name.
std::string temporary_name(const std::string& name) {
  char tail[64];
  std::snprintf(tail, sizeof tail, "%s%d-%016llx", kMark.data(), static_cast<int>(::getpid()),
                static_cast<unsigned long long>(random_bits()));
  return "." + name.substr(0, 200) + tail;
}

Descriptor open_folder(const std::filesystem::path& path, std::uint64_t needed) {
  const std::filesystem::path parent = path.parent_path();
  Descriptor folder(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid())
    throw system_error(errno, text::cat("cannot write ", size_text(needed), ", folder not usable"), path);
  return folder;
}

/// A temporary file that disappears unless it was renamed.
class Temporary {
 public:
  Temporary(int folder, const std::string& name) : folder_(folder) {
    for (int attempt = 0; attempt < 16 && !descriptor_.valid(); ++attempt) {
      name_ = temporary_name(name);
      descriptor_ =
          Descriptor(::openat(folder, name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
      if (!descriptor_.valid() && errno != EEXIST && errno != EINTR) break;
    }
    error_ = descriptor_.valid() ? 0 : errno;
  }
  ~Temporary() {
    if (!name_.empty() && error_ == 0) ::unlinkat(folder_, name_.c_str(), 0);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  int open_error() const { return error_; }

  /// Reserves, writes, syncs, closes; 0 or an errno. A failed fsync is final: the page cache may have dropped the data.
  int fill(std::string_view bytes) {
    if (!bytes.empty()) {
      const int reserved = ::posix_fallocate(descriptor_.get(), 0, static_cast<off_t>(bytes.size()));
      if (reserved != 0 && reserved != EOPNOTSUPP && reserved != EINVAL) return reserved;
    }
    if (const int failed = write_all(descriptor_.get(), bytes); failed != 0) return failed;
    if (::fsync(descriptor_.get()) != 0) return errno;
    return ::close(descriptor_.release()) != 0 ? errno : 0;
  }

  int rename_to(const std::string& name) {
    if (::renameat(folder_, name_.c_str(), folder_, name.c_str()) != 0) return errno;
    name_.clear();
    return 0;
  }

 private:
  int folder_;
  std::string name_;
  Descriptor descriptor_;
  int error_ = 0;
};

/// Process number in ".NAME.tmp-PID-RANDOM", 0 if it is no name of ours.
pid_t owner_of(std::string_view name) {
  const std::size_t mark = name.rfind(kMark);
  if (name.empty() || name.front() != '.' || mark == std::string_view::npos) return 0;
  const std::string_view tail = name.substr(mark + kMark.size());
  const std::size_t dash = tail.find('-');
  std::int64_t pid = 0;
  if (dash == std::string_view::npos || !text::parse(tail.substr(0, dash), pid)) return 0;
  const std::string_view random = tail.substr(dash + 1);
  if (random.size() != 16 || random.find_first_not_of("0123456789abcdef") != std::string_view::npos) return 0;
  return pid > 0 && pid < 1'000'000'000 ? static_cast<pid_t>(pid) : 0;
}

bool alive(pid_t pid) {
  return ::kill(pid, 0) == 0 || errno == EPERM;
}

}  // namespace

void atomic_replace(const std::filesystem::path& path, std::string_view bytes) {
  const std::string name = path.filename();
  THIMBLE_CHECK(!name.empty() && name != "." && name != "..", io, "cannot write ", shown(path), ": not a file name");
  const Descriptor folder = open_folder(path, bytes.size());
  const auto check = [&](int code, const char* what) {
    if (code != 0) throw write_error(code, what, path, bytes.size(), folder.get());
  };
  Temporary temporary(folder.get(), name);
  check(temporary.open_error(), "cannot create a file beside it");
  check(temporary.fill(bytes), "cannot write");
  check(temporary.rename_to(name), "cannot replace");
  if (::fsync(folder.get()) != 0 && errno != EINVAL) check(errno, "cannot make sure it is on disk");
}

int sweep_temporaries(const std::filesystem::path& folder, bool exclusive) {
  int removed = 0;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename();
    const pid_t owner = owner_of(name);
    if (owner == 0 || (!exclusive && alive(owner))) continue;
    if (::unlink(at->path().c_str()) == 0) ++removed;
  }
  return removed;
}

AppendFile::AppendFile(const std::filesystem::path& path)
    : path_(path),
      descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0666)) {
  if (!descriptor_.valid()) throw system_error(errno, "cannot open for writing", path);
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) throw system_error(errno, "cannot look at", path);
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::io, "cannot be written: not a regular file", Place{shown(path), 0, 0, {}});
  written_ = static_cast<std::uint64_t>(status.st_size);
}

AppendFile::~AppendFile() {
  if (descriptor_.valid() && !waiting_.empty()) {
    if (write_all(descriptor_.get(), waiting_) != 0) {
      // half a record must not stay; if even that fails there is nobody left to tell
      if (::ftruncate(descriptor_.get(), static_cast<off_t>(written_)) != 0) return;
    }
  }
}

void AppendFile::append(std::string_view bytes) {
  waiting_ += bytes;
  if (waiting_.size() >= kWaiting) flush();
}

void AppendFile::flush() {
  if (waiting_.empty()) return;
  if (const int code = write_all(descriptor_.get(), waiting_); code != 0) {
    const bool cut = ::ftruncate(descriptor_.get(), static_cast<off_t>(written_)) == 0;
    throw write_error(code, cut ? "cannot append" : "cannot append, and the half record cannot be removed", path_,
                      waiting_.size(), descriptor_.get());
  }
  written_ += waiting_.size();
  waiting_.clear();
}

void AppendFile::sync() {
  flush();
  if (::fsync(descriptor_.get()) != 0) throw system_error(errno, "cannot make sure it is on disk", path_);
}

void AppendFile::truncate(std::uint64_t length) {
  flush();
  if (length > written_)
    throw Error(ErrorKind::io, text::cat("is ", written_, " bytes long, ", length, " were expected"),
                Place{shown(path_), 0, 0, {}});
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(length)) != 0) throw system_error(errno, "cannot cut", path_);
  written_ = length;
}

}  // namespace thimble::io
