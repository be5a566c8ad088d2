#include "core/io/hdf5_foreign.h"

#include "core/io/file.h"
#include "core/io/hdf5_stream.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace thimble::io {
namespace {

constexpr const char* kArgument = "__read-hdf5";
constexpr const char* kInside = "THIMBLE_ISOLATED_READER";
constexpr int kPlan = 3, kAnswer = 4;  // descriptors of the reader; the plan's file then holds the object being read
constexpr int kFreeDescriptors = 10;   // ours are moved above those, so that they can be duplicated to 3 and 4

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLimitMemory = false;  // the sanitizer reserves terabytes of address space
#else
constexpr bool kLimitMemory = true;
#endif

// ---- the reader

void limit(__rlimit_resource what, std::uint64_t value) {
  const rlimit both{value, value};
  ::setrlimit(what, &both);
}

void confine(const ReaderPlan& plan) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  limit(RLIMIT_CPU, static_cast<std::uint64_t>(plan.seconds));
  limit(RLIMIT_NOFILE, 64);
  limit(RLIMIT_CORE, 0);
  if (kLimitMemory) limit(RLIMIT_AS, 4 * plan.rules.budget + 512 * limits::kMiB);
}

std::string content_of(int descriptor) {
  std::string out;
  std::array<char, 65536> piece{};
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(descriptor, piece.data(), piece.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return out;
    out.append(piece.data(), static_cast<std::size_t>(got));
    at += got;
  }
}

/// Notes what is being read, so that the other process can tell where this one died.
void note(const std::string& object) {
  const std::string name = object.substr(0, 256);
  if (::ftruncate(kPlan, 0) == 0 && ::pwrite(kPlan, name.data(), name.size(), 0) < 0) return;
}

std::string answer_to(const ReaderPlan& plan) {
  try {
    note("/");
    return encode_tree(parse_hdf5_file(plan.file, plan.rules, note));
  } catch (const Error& error) {
    return encode_error(error);
  } catch (const std::exception&) {
    return encode_error(Error(ErrorKind::data, "needs more memory than its budget allows",
                              Place{text::printable(plan.file, 4096), 0, 0, {}}));
  }
}

// ---- the process that asks

Descriptor memory_file(const char* name) {
  const Descriptor low(::memfd_create(name, MFD_CLOEXEC));
  Descriptor high(low.valid() ? ::fcntl(low.get(), F_DUPFD_CLOEXEC, kFreeDescriptors) : -1);
  THIMBLE_CHECK(high.valid(), io, "no memory file for the isolated reader, errno ", errno);
  return high;
}

/// Starts this program again as the reader. Nothing of the environment passes but what loading the program needs.
pid_t start(int plan, int answer) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (int standard = 0; standard < 3; ++standard)
    posix_spawn_file_actions_addopen(&files, standard, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&files, plan, kPlan);
  posix_spawn_file_actions_adddup2(&files, answer, kAnswer);
  std::vector<std::string> variables{std::string(kInside) + "=1", "HDF5_USE_FILE_LOCKING=FALSE", "OMP_NUM_THREADS=1"};
  for (const char* name : {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name); value != nullptr) variables.push_back(text::cat(name, "=", value));
  std::vector<char*> environment;
  environment.reserve(variables.size() + 1);
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string program = "thimble", argument = kArgument;
  std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", &files, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  THIMBLE_CHECK(failed == 0, io, "cannot start the isolated reader, errno ", failed);
  return pid;
}

struct End {
  bool in_time = false;
  int status = 0;
};

/// Waits for the reader; kills it at the deadline.
End wait_for(pid_t pid, int seconds) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  auto pause = std::chrono::microseconds(200);
  End end;
  for (;;) {
    const pid_t ended = ::waitpid(pid, &end.status, WNOHANG);
    end.in_time = true;
    if (ended == pid || (ended < 0 && errno != EINTR)) return end;
    if (Clock::now() > deadline) break;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(5000));
  }
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, &end.status, 0) < 0 && errno == EINTR) {
  }
  end.in_time = false;
  return end;
}

}  // namespace

Hdf5Tree read_foreign_hdf5(const std::filesystem::path& path, Hdf5Rules rules, int seconds) {
  THIMBLE_CHECK(std::getenv(kInside) == nullptr, internal, "the isolated reader must not start another one");
  static_cast<void>(open_regular(path));
  const Descriptor plan = memory_file("plan");
  const Descriptor answer = memory_file("answer");
  rules.foreign = true;
  const int failed = write_all(plan.get(), encode_plan({path.native(), rules, seconds}));
  if (failed != 0) throw system_error(failed, "cannot start the isolated reader", path);
  const End end = wait_for(start(plan.get(), answer.get()), seconds);
  const auto died = [&](const std::string& how) {
    return Error(ErrorKind::data, text::cat("damaged or hostile HDF5 (the reader ", how, ")"),
                 Place{shown(path), 0, 0, text::printable(content_of(plan.get()))});
  };
  if (!end.in_time || (WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGXCPU))
    throw died(text::cat("did not finish within ", seconds, " s"));
  if (WIFSIGNALED(end.status)) throw died(text::cat("died of signal ", WTERMSIG(end.status)));
  return decode_answer(content_of(answer.get()), shown(path));
}

Hdf5Tree outline_foreign_hdf5(const std::filesystem::path& path) {
  Hdf5Rules rules;
  rules.outlines = true;
  return read_foreign_hdf5(path, rules);
}

Array read_foreign_slab(const std::filesystem::path& path, const Hdf5Slab& slab) {
  Hdf5Rules rules;
  rules.slabs = {slab};
  const Hdf5Tree tree = read_foreign_hdf5(path, rules);
  const auto found = tree.datasets.find(slab.path);
  if (found == tree.datasets.end() || found->second.numbers.dims() != slab.count)
    throw Error(ErrorKind::data, "the isolated reader gave another box than asked for",
                Place{shown(path), 0, 0, text::printable(slab.path)});
  return found->second.numbers;
}

void maybe_run_reader(int argc, char** argv) {
  if (argc != 2 || std::string_view(argv[1]) != kArgument || std::getenv(kInside) == nullptr) return;
  try {
    const ReaderPlan plan = decode_plan(content_of(kPlan));
    confine(plan);
    ::_exit(write_all(kAnswer, answer_to(plan)) == 0 ? 0 : 1);
  } catch (...) {
    ::_exit(1);  // the other process says that there was no answer
  }
}

}  // namespace thimble::io
