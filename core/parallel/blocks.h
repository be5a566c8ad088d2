#pragma once
// Work is cut by grain, never by the number of threads: threads decide only who runs a block, so results keep their
// bits for any thread count. Coarse work (experts, folds, candidates) runs one item per thread, with serial kernels
// inside.

#include <cstdint>
#include <functional>

namespace thimble {

/// Total budget of worker threads of this process (--threads); at least 1.
void set_threads(int count);
int threads();

/// Runs body(block) for block = 0 .. blocks-1, on up to threads() threads. Blocks must write to places of their own.
/// Serial when `parallel` is false, when there is one block, inside another parallel section, or with one thread.
/// The first exception of a block is thrown again after all have ended.
void parallel_blocks(std::int64_t blocks, const std::function<void(std::int64_t)>& body, bool parallel = true);

/// As parallel_blocks, for long independent jobs that may allocate and throw (experts, folds): std::threads, at most
/// threads() at a time, jobs started in order. Every job runs even when another fails; the first exception by job
/// number is thrown at the end.
void parallel_jobs(std::int64_t jobs, const std::function<void(std::int64_t)>& body);

/// True inside a block or job: kernels then stay serial.
bool inside_parallel();

}  // namespace thimble
