#include "core/io/atomic_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/support/error_of.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::error_of;
using test::says;
using test::TempFolder;
namespace fs = std::filesystem;

namespace {

int entries(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// A small disk of its own; mounting needs root.
class SmallDisk {
 public:
  SmallDisk(const fs::path& at, const std::string& size) : at_(at) {
    fs::create_directories(at);
    mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("a file is read whole, within its limit") {
  const TempFolder folder;
  const std::string content(10'000, 'x');
  atomic_replace(folder / "f", content);
  CHECK(read_file(folder / "f") == content);
  CHECK(read_file(folder / "f", 10'000) == content);
  CHECK(says(error_of([&] { read_file(folder / "f", 9'999); }), "exceeds the limit of 9.76 KiB"));
  const auto missing = error_of([&] { read_file(folder / "none\x1b"); });
  CHECK(says(missing, "none\\x1b"));
  CHECK(says(missing, "No such file"));
}

TEST_CASE("folders, pipes and devices are refused without waiting [R32]") {
  const TempFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(says(error_of([&] { read_file(folder / "pipe"); }), "a pipe"));
  CHECK(says(error_of([&] { read_file(folder.path()); }), "a folder"));
  CHECK(says(error_of([] { read_file("/dev/zero"); }), "a device"));
  CHECK(error_of([&] { AppendFile file(folder / "pipe"); }));
  CHECK(error_of([] { AppendFile file("/dev/full"); }));
  CHECK(error_of([&] { atomic_replace(folder.path() / "no" / "such" / "f", "x"); }));
  CHECK(error_of([&] { atomic_replace(folder / std::string(300, 'n'), "x"); }));
  CHECK(error_of([&] { atomic_replace(folder.path() / "..", "x"); }));
}

TEST_CASE("a write to a full device is an error and not a crash") {
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full.valid());
  CHECK(write_all(full.get(), "x") == ENOSPC);
}

TEST_CASE("replacement leaves the new content, no temporary file and the folder's other files") {
  const TempFolder folder;
  atomic_replace(folder / "f", "old");
  atomic_replace(folder / "f", "");
  CHECK(read_file(folder / "f").empty());
  atomic_replace(folder / "f", "new");
  CHECK(read_file(folder / "f") == "new");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a symbolic link at the target is replaced, not followed [R32]") {
  const TempFolder folder;
  atomic_replace(folder / "other", "precious");
  fs::create_symlink(folder / "other", folder / "link");
  atomic_replace(folder / "link", "checkpoint");
  CHECK(read_file(folder / "other") == "precious");
  CHECK(read_file(folder / "link") == "checkpoint");
  CHECK_FALSE(fs::is_symlink(folder / "link"));
  fs::create_symlink(folder / "other", folder / "log");
  CHECK(error_of([&] { AppendFile file(folder / "log"); }));
}

TEST_CASE("readers of a file being replaced see one whole version [R30]") {
  const TempFolder folder;
  const fs::path path = folder / "f";
  atomic_replace(path, std::string(20'000, 'a'));
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) atomic_replace(path, std::string(20'000, static_cast<char>('a' + i % 26)));
  });
  bool whole = true;
  for (int i = 0; i < 300; ++i) {
    const std::string seen = read_file(path);
    whole = whole && seen == std::string(20'000, seen.at(0));
  }
  writer.join();
  CHECK(whole);
}

TEST_CASE("temporary files of dead processes are swept, living ones stay") {
  const TempFolder folder;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const std::string tail = "-0123456789abcdef";
  atomic_replace(folder / (".f.h5.tmp-" + std::to_string(child) + tail), "left over");
  atomic_replace(folder / (".f.h5.tmp-" + std::to_string(::getpid()) + tail), "being written");
  atomic_replace(folder / ".f.h5.tmp-12", "no name of ours");
  atomic_replace(folder / "f.h5", "kept");
  CHECK(sweep_temporaries(folder.path()) == 1);
  CHECK(sweep_temporaries(folder.path(), true) == 1);
  CHECK(entries(folder.path()) == 2);
  CHECK(sweep_temporaries(folder / "missing") == 0);
}

TEST_CASE("an append file grows, tells its length and can be cut for a resume") {
  const TempFolder folder;
  {
    AppendFile file(folder / "log");
    file.append("one\n");
    file.flush();
    file.append("two\n");
    CHECK(file.length() == 8);
    CHECK(read_file(folder / "log") == "one\n");
  }
  AppendFile file(folder / "log");
  CHECK(file.length() == 8);
  file.truncate(4);
  file.append("three\n");
  file.sync();
  CHECK(read_file(folder / "log") == "one\nthree\n");
  CHECK(says(error_of([&] { file.truncate(1000); }), "1000 were expected"));
}

TEST_CASE("a full disk costs nothing: error with bytes needed and free, old file intact, no half record [R21]") {
  const TempFolder folder;
  const fs::path disk = folder / "disk";
  const SmallDisk small(disk, "256k");
  if (!small.mounted()) {
    MESSAGE("skipped: mounting a small disk needs root");
    return;
  }
  atomic_replace(disk / "f", "old");
  const auto error = error_of([&] { atomic_replace(disk / "f", std::string(1'000'000, 'x')); });
  CHECK(says(error, "No space left"));
  INFO(error->what());
  CHECK(says(error, "needs 976.6 KiB, free 25"));
  CHECK(says(error, "disk/f"));
  CHECK(read_file(disk / "f") == "old");
  CHECK(entries(disk) == 1);

  AppendFile log(disk / "log");
  log.append("first\n");
  log.flush();
  CHECK(error_of([&] { log.append(std::string(400'000, 'y')); }));
  CHECK(read_file(disk / "log") == "first\n");
}

TEST_CASE("writing survives a storm of interruptions and short writes [R22]") {
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = [](int) {};  // without SA_RESTART, so that every call may return early
  REQUIRE(::sigaction(SIGALRM, &ignore, &before) == 0);
  const itimerval storm{{0, 1000}, {0, 1000}};
  const itimerval calm{};
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  const Descriptor from(ends[0]), to(ends[1]);
  ::setitimer(ITIMER_REAL, &storm, nullptr);
  const std::string sent(4 << 20, 'x');  // more than a pipe holds, so every write is cut
  std::string received;
  std::thread reader([&] {
    std::string piece(10'000, '\0');
    while (received.size() < sent.size()) {
      const ssize_t got = ::read(from.get(), piece.data(), piece.size());
      if (got > 0) received.append(piece.data(), static_cast<std::size_t>(got));
    }
  });
  const int failed = write_all(to.get(), sent);
  reader.join();
  const TempFolder folder;
  atomic_replace(folder / "f", sent);
  const std::string back = read_file(folder / "f");
  ::setitimer(ITIMER_REAL, &calm, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  CHECK(failed == 0);
  CHECK(received == sent);
  CHECK(back == sent);
}
