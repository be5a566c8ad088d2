#include "core/report/gnuplot.h"

#include "core/base/error.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

namespace thimble::report {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// Only absolute folders of PATH: the current folder may belong to somebody else.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  for (const std::string& folder : text::split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    const std::string candidate = folder + "/" + name;
    if (!folder.empty() && folder.front() == '/' && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::filesystem::path private_folder() {
  std::error_code ignored;
  std::filesystem::path base = std::filesystem::temp_directory_path(ignored);
  if (base.empty()) base = "/tmp";
  std::string name = (base / "thimble-plots-XXXXXX").string();
  THIMBLE_CHECK(mkdtemp(name.data()) != nullptr, io, "cannot make a folder for drawing in ", base.string(), ": ",
                std::strerror(errno));
  return name;
}

/// Two connected sockets, closed in every other child; sockets because writing to a dead one need not raise a signal.
std::array<int, 2> socket_pair() {
  std::array<int, 2> ends{};
  THIMBLE_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0, io,
                "cannot open a pipe: ", std::strerror(errno));
  return ends;
}

/// Starts `path` in `folder` with `end` as its three standard streams; -1 when that fails.
int spawn(const std::string& path, const std::filesystem::path& folder, int end) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  for (const int stream : {0, 1, 2}) posix_spawn_file_actions_adddup2(&actions, end, stream);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t standard, none;
  sigfillset(&standard);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &standard);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);  // Ctrl-C is for us: the report of an interrupted run is still drawn
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string program = path, flag = "--default-settings", home = "HOME=" + folder.string();
  std::string locale = "LC_ALL=C.UTF-8", search = "PATH=/usr/local/bin:/usr/bin:/bin";
  std::array<char*, 3> argv{program.data(), flag.data(), nullptr};
  std::array<char*, 4> environment{locale.data(), home.data(), search.data(), nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -1;
}

/// Waits briefly for an ended child, then ends it.
void reap(int pid) {
  for (int i = 0; i < 50; ++i) {
    if (waitpid(pid, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace

Gnuplot::Gnuplot(std::string program) : path_(find_program(program)) {}

Gnuplot::~Gnuplot() {
  stop();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

const std::filesystem::path& Gnuplot::folder() {
  if (folder_.empty()) folder_ = private_folder();
  return folder_;
}

void Gnuplot::start() {
  THIMBLE_CHECK(available(), tool, "gnuplot is not installed");
  const std::array<int, 2> ends = socket_pair();
  pid_ = spawn(path_, folder(), ends[1]);
  close(ends[1]);
  if (pid_ < 0) close(ends[0]);
  THIMBLE_CHECK(pid_ >= 0, tool, "cannot start ", path_);
  channel_ = ends[0];
  setpriority(PRIO_PROCESS, static_cast<id_t>(pid_), 10);
}

void Gnuplot::stop() {
  if (pid_ < 0) return;
  shutdown(channel_, SHUT_WR);  // end of input: it leaves by itself
  reap(pid_);
  close(channel_);
  pid_ = channel_ = -1;
}

void Gnuplot::abandon(const std::string& why) {
  if (pid_ >= 0) kill(pid_, SIGKILL);
  stop();
  fail(ErrorKind::tool, "gnuplot ", why);
}

void Gnuplot::send_text(const std::string& commands) {
  for (std::string_view rest = commands; !rest.empty();) {
    const ssize_t sent = ::send(channel_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) abandon("ended unexpectedly");
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string Gnuplot::receive(const std::string& marker, std::chrono::milliseconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  std::string answer;
  while (answer.find(marker) == std::string::npos || answer.back() != '\n') {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd wait{channel_, POLLIN, 0};
    const int ready = left > 0 ? poll(&wait, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) abandon("did not finish a drawing in time");
    std::array<char, 4096> buffer{};
    const ssize_t got = recv(channel_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) abandon("ended: " + text::printable(answer, 300));
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return answer;
}

void Gnuplot::run(const std::string& commands, std::chrono::milliseconds limit) {
  if (pid_ < 0) start();
  const std::string marker = "thimble drawing " + std::to_string(++tasks_) + " ";
  send_text(commands + "\nset print '-'\nprint '" + marker + "'.GPVAL_ERRNO\nreset errors\n");
  const std::string answer = receive(marker, limit);
  const std::size_t at = answer.find(marker);
  const bool good = answer.compare(at + marker.size(), 1, "0") == 0;
  THIMBLE_CHECK(good, tool, "gnuplot could not draw: ", text::printable(text::trim(answer.substr(0, at)), 300));
}

bool Gnuplot::has_terminal(const std::string& name) {
  try {
    run("set terminal " + name);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : clean_text(text)) out += c == '\'' ? "\u2019" : std::string(1, c);
  return out + "'";
}

std::string clean_text(const std::string& text) {
  // one code point at a time: printable() passes exactly what is harmless and well formed
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    const std::string piece = text.substr(at, length);
    if (text::printable(piece) == piece) {
      out += piece;
      at += length;
    } else {
      out += lead == '\n' || lead == '\t' || lead == '\r' ? " " : "\uFFFD";
      at += text::is_utf8(piece) ? length : 1;
    }
  }
  return out;
}

}  // namespace thimble::report
