#pragma once
// The worker threads behind parallel_blocks. A fork-join on an idle machine costs about a microsecond, because workers
// look for work for a moment before they sleep; on a busy machine they give their core away instead of spinning in it.

#include "core/parallel/blocks.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace thimble {

class Team {
 public:
  /// The one team of the process; its threads are started when first needed and end with the process.
  static Team& instance();
  ~Team();
  /// body(0) on the calling thread, body(1) .. body(members-1) on workers; returns when all are done.
  /// One call at a time; body must not throw.
  void run(int members, BlockBody body);

 private:
  /// What a worker sleeps on. One cache line each, so that workers do not disturb one another.
  struct alignas(64) Worker {
    std::atomic<std::uint32_t> called{0};  // rises by one for each call
    std::thread thread;
  };
  void work(Worker& worker, std::int64_t member);
  void hire(int members);

  std::vector<std::unique_ptr<Worker>> workers_;
  const BlockBody* body_ = nullptr;
  std::atomic<bool> closing_{false};
  alignas(64) std::atomic<std::uint32_t> busy_{0};  // workers of this call that are not done
};

}  // namespace thimble
