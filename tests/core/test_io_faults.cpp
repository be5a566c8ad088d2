// A save under strace: the order of its system calls, and what is left when one of them fails or is the last one ever.

#include "core/io/atomic_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::io;
using test::TempFolder;
namespace fs = std::filesystem;

namespace {

constexpr const char* kTarget = "THIMBLE_TEST_SAVE_TO";

/// Runs the traced copy below under strace with more arguments; true if it ended well.
bool traced_save(const fs::path& target, const std::string& arguments) {
  const std::string command = std::string(kTarget) + "='" + target.string() + "' strace " + arguments + " /proc/" +
                              std::to_string(::getpid()) + "/exe -tc='traced copy*' >/dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

/// Whether strace is there and may trace; says so if not.
bool can_trace() {
  const TempFolder folder;
  if (traced_save(folder / "f", "-o /dev/null") && fs::exists(folder / "f")) return true;
  MESSAGE("skipped: strace is missing or may not trace here");
  return false;
}

int files_left(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

struct Fault {
  const char* call;
  int when;
  const char* error;
};

/// Every call of a save that can fail, after the program has started.
constexpr Fault kFaults[] = {{"fallocate", 1, "ENOSPC"},
                             {"write", 1, "ENOSPC"},
                             {"fsync", 1, "EIO"},
                             {"/rename.*", 1, "EACCES"},
                             {"fsync", 2, "EIO"}};

std::string inject(const Fault& fault, const std::string& what) {
  return std::string("-o /dev/null -e 'inject=") + fault.call + ":" + what + ":when=" + std::to_string(fault.when) +
         "'";
}

}  // namespace

TEST_CASE("traced copy: saves the file that the environment names") {
  if (const char* target = std::getenv(kTarget); target != nullptr) atomic_replace(target, "content");
}

TEST_CASE("a save reserves, writes, syncs, renames and syncs the folder, and follows no link [R44][R33]") {
  if (!can_trace()) return;
  const TempFolder folder;
  const std::string trace = folder / "trace";
  REQUIRE(traced_save(folder / "target", "-o '" + trace + "' -e trace=openat,fallocate,write,fsync,close,/rename.*"));
  const std::string seen = read_file(trace);
  std::size_t at = seen.find(".target.tmp-");
  REQUIRE(at != std::string::npos);
  for (const char* call :
       {"O_EXCL|O_NOFOLLOW|O_CLOEXEC", "fallocate(", "write(", "fsync(", "close(", "rename", "fsync("}) {
    at = seen.find(call, at);
    INFO("looking for ", call, " in order in\n", seen);
    REQUIRE(at != std::string::npos);
    ++at;
  }
}

TEST_CASE("a save killed at any of its system calls leaves the old file or the new one [R02]") {
  if (!can_trace()) return;
  for (const Fault& fault : kFaults) {
    INFO(fault.call, " ", fault.when);
    const TempFolder folder;
    atomic_replace(folder / "target", "old");
    CHECK_FALSE(traced_save(folder / "target", inject(fault, "signal=KILL")));
    const std::string content = read_file(folder / "target");
    CHECK((content == "old" || content == "content"));
    sweep_temporaries(folder.path());
    CHECK(files_left(folder.path()) == 1);
  }
}

TEST_CASE("a save whose system call fails reports it, keeps the old file and leaves nothing else [R20]") {
  if (!can_trace()) return;
  for (const Fault& fault : kFaults) {
    INFO(fault.call, " ", fault.when);
    const TempFolder folder;
    atomic_replace(folder / "target", "old");
    CHECK_FALSE(traced_save(folder / "target", inject(fault, std::string("error=") + fault.error)));
    const bool renamed =
        fault.when == 2;  // only the folder's sync failed: the new file is there, but not surely on disk
    CHECK(read_file(folder / "target") == (renamed ? "content" : "old"));
    CHECK(files_left(folder.path()) == 1);
  }
}
