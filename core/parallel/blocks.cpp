#include "core/parallel/blocks.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace thimble {
namespace {

// OMP_NUM_THREADS, or as many as this process may use
std::atomic<int> thread_budget{std::max(1, omp_get_max_threads())};
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
  if (!parallel || team <= 1 || in_parallel) {
    for (std::int64_t b = 0; b < blocks; ++b) body(b);
    return;
  }
  std::exception_ptr first;
  std::mutex guard;
#pragma omp parallel for num_threads(team) schedule(static)
  for (std::int64_t b = 0; b < blocks; ++b) {
    const Inside inside;
    try {
      body(b);
    } catch (...) {  // an exception must not leave the parallel region
      const std::lock_guard lock(guard);
      if (!first) first = std::current_exception();
    }
  }
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
