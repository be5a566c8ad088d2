#pragma once
// Pooled memory: freed blocks are kept per thread and reused, so a steady training step asks the system for nothing.

#include <cstddef>
#include <cstdint>

namespace thimble {

struct AllocatorCounters {
  std::uint64_t from_system = 0;   // blocks asked of the system
  std::uint64_t from_pool = 0;     // blocks reused
  std::uint64_t bytes_pooled = 0;  // bytes waiting for reuse
};

/// 64-byte aligned block of at least `bytes`. Reuses a freed block of the same size class, if there is one.
/// Size classes: 64-byte steps to 4 KiB, then eighths of a power of two, so at most 1/8 is wasted.
void* allocate(std::size_t bytes);
/// Gives a block back to the pool of the calling thread. `bytes` as given to allocate.
void release(void* block, std::size_t bytes);

/// Counters of the calling thread.
AllocatorCounters allocator_counters();
/// Returns all pooled blocks of the calling thread to the system.
void trim_allocator();

}  // namespace thimble
