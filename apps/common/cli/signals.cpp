#include "apps/common/cli/signals.h"

#include "core/base/log.h"
#include "core/base/stop.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define THIMBLE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define THIMBLE_SANITIZED 1
#endif
#endif

namespace thimble::app {
namespace {

constexpr char kCrash[] = "thimble " THIMBLE_VERSION ": fatal signal; this is a fault in Thimble, please report it\n";

void write_line(const char* text, std::size_t size) {
  if (write(STDERR_FILENO, text, size) < 0) {
    // nobody left to tell
  }
}

#ifndef THIMBLE_SANITIZED
void on_crash(int signal) {
  write_line(kCrash, sizeof kCrash - 1);
  raise(signal);  // the default action is back (SA_RESETHAND)
}

void report_crashes() {
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(signal, &action, nullptr);
}
#else
void report_crashes() {}
#endif

bool ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void on_signal(int signal) {
  StopFlag& flag = stop_flag();
  if (signal == SIGUSR1) {
    flag.request_save();
    return;
  }
  if (flag.at_once() && signal == SIGINT) end_by_signal(signal);
  const bool again = flag.requested();
  if (again && signal != SIGINT) return;  // batch systems repeat themselves
  flag.request(signal);
  log::note(again ? "stopping at once" : "stopping after this step and saving; once more: stop at once");
}

void wait_for_signals(const sigset_t set) {
  while (true) {
    int signal = 0;
    if (sigwait(&set, &signal) == 0) on_signal(signal);
  }
}

}  // namespace

void prepare_process() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) == -1 && open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY) < 0) std::_Exit(1);
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  report_crashes();
  std::set_terminate([] {
    write_line(kCrash, sizeof kCrash - 1);
    std::_Exit(1);
  });
}

void catch_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    if (!ignored(signal)) sigaddset(&set, signal);
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread(wait_for_signals, set).detach();
}

void end_by_signal(int signal) {
  std::fflush(nullptr);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::_Exit(128 + signal);
}

}  // namespace thimble::app
