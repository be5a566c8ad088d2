#pragma once
// Work is cut by grain, never by the number of threads: threads decide only who runs a block, so results keep their
// bits for any thread count. Coarse work (experts, folds, candidates) runs one item per thread, with serial kernels
// inside.

#include <cstdint>
#include <type_traits>

namespace thimble {

/// A reference to a callable void(int64), which must outlive the call: unlike std::function it never allocates.
class BlockBody {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, BlockBody>)
      BlockBody(const F& f)  // NOLINT(google-explicit-constructor)
      : callable_(&f), call_([](const void* callable, std::int64_t i) { (*static_cast<const F*>(callable))(i); }) {}
  void operator()(std::int64_t i) const { call_(callable_, i); }

 private:
  const void* callable_;
  void (*call_)(const void*, std::int64_t);
};

/// Total budget of worker threads of this process (--threads); at least 1.
void set_threads(int count);
int threads();

/// Runs body(block) for block = 0 .. blocks-1, on up to threads() threads. Blocks must write to places of their own.
/// Serial when `parallel` is false, when there is one block, inside another parallel section, or with one thread.
/// The first exception of a block is thrown again after all have ended.
void parallel_blocks(std::int64_t blocks, BlockBody body, bool parallel = true);

/// As parallel_blocks, for long independent jobs that may allocate and throw (experts, folds): std::threads, at most
/// threads() at a time, jobs started in order. Every job runs even when another fails; the first exception by job
/// number is thrown at the end.
void parallel_jobs(std::int64_t jobs, BlockBody body);

/// True inside a block or job: kernels then stay serial.
bool inside_parallel();

}  // namespace thimble
