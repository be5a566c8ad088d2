#include "core/parallel/blocks.h"

#include "core/base/text.h"
#include "core/parallel/team.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace thimble {
namespace {

/// OMP_NUM_THREADS, or as many as this process may use.
int default_threads() {
  const char* wish = std::getenv("OMP_NUM_THREADS");
  std::int64_t count = 0;
  if (wish != nullptr && text::parse(wish, count) && count >= 1)
    return static_cast<int>(std::min<std::int64_t>(count, 1024));
  cpu_set_t mask;
  const bool known = sched_getaffinity(0, sizeof mask, &mask) == 0;
  return known ? std::max(1, CPU_COUNT(&mask)) : 1;
}

std::atomic<int> thread_budget{default_threads()};
thread_local bool in_parallel = false;

struct Inside {
  bool before = in_parallel;
  Inside() { in_parallel = true; }
  ~Inside() { in_parallel = before; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

}  // namespace

void set_threads(int count) {
  thread_budget = std::max(1, count);
}
int threads() {
  return thread_budget;
}
bool inside_parallel() {
  return in_parallel;
}

void parallel_blocks(std::int64_t blocks, BlockBody body, bool parallel) {
  const int team = static_cast<int>(std::min<std::int64_t>(threads(), blocks));
  static std::mutex busy;  // one team: a second caller from another thread works alone
  std::unique_lock alone(busy, std::defer_lock);
  if (!parallel || team <= 1 || in_parallel || !alone.try_lock()) {
    for (std::int64_t b = 0; b < blocks; ++b) body(b);
    return;
  }
  std::exception_ptr first;
  std::mutex guard;
  const auto share = [&](std::int64_t member) {
    const Inside inside;
    for (std::int64_t b = member; b < blocks; b += team) {
      try {
        body(b);
      } catch (...) {  // an exception must not leave a worker
        const std::lock_guard lock(guard);
        if (!first) first = std::current_exception();
      }
    }
  };
  Team::instance().run(team, share);
  if (first) std::rethrow_exception(first);
}

void parallel_jobs(std::int64_t jobs, BlockBody body) {
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(jobs));
  std::atomic<std::int64_t> next{0};
  const auto work = [&] {
    const Inside inside;
    for (std::int64_t job = next++; job < jobs; job = next++) {
      try {
        body(job);
      } catch (...) {
        errors[static_cast<std::size_t>(job)] = std::current_exception();
      }
    }
  };
  const int team = static_cast<int>(std::min<std::int64_t>(threads(), jobs));
  if (team <= 1 || in_parallel) {
    // With one job at a time the kernels may use the threads themselves.
    for (std::int64_t job = 0; job < jobs; ++job) {
      try {
        body(job);
      } catch (...) {
        errors[static_cast<std::size_t>(job)] = std::current_exception();
      }
    }
  } else {
    std::vector<std::jthread> workers;
    for (int t = 0; t < team; ++t) workers.emplace_back(work);
  }
  for (const auto& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace thimble
