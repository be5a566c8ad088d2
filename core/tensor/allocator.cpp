#include "core/tensor/allocator.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <new>
#include <unordered_map>
#include <vector>

namespace thimble {
namespace {

constexpr std::size_t kAlign = 64;

std::size_t size_class(std::size_t bytes) {
  if (bytes <= 4096) return (bytes + kAlign) / kAlign * kAlign;  // never 0
  const std::size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPooling = false;  // keep use-after-free visible
#else
constexpr bool kPooling = true;
#endif

struct Pool {
  std::unordered_map<std::size_t, std::vector<void*>> free_blocks;
  AllocatorCounters counters;
  void trim() {
    for (auto& [size, blocks] : free_blocks) {
      for (void* block : blocks) std::free(block);
      blocks.clear();
    }
    counters.bytes_pooled = 0;
  }
  ~Pool() { trim(); }
};

thread_local bool pool_alive = false;  // a tensor may outlive the pool of a dying thread

Pool& pool() {
  struct Guarded : Pool {
    Guarded() { pool_alive = true; }
    ~Guarded() { pool_alive = false; }
  };
  thread_local Guarded instance;
  return instance;
}

}  // namespace

void* allocate(std::size_t bytes) {
  const std::size_t size = size_class(bytes);
  Pool& p = pool();
  auto& blocks = p.free_blocks[size];
  if (!blocks.empty()) {
    void* block = blocks.back();
    blocks.pop_back();
    p.counters.bytes_pooled -= size;
    ++p.counters.from_pool;
    return block;
  }
  void* block = std::aligned_alloc(kAlign, size);
  if (block == nullptr) throw std::bad_alloc();
  ++p.counters.from_system;
  return block;
}

void release(void* block, std::size_t bytes) {
  if (!kPooling || !pool_alive) {
    std::free(block);
    return;
  }
  const std::size_t size = size_class(bytes);
  Pool& p = pool();
  p.free_blocks[size].push_back(block);
  p.counters.bytes_pooled += size;
}

AllocatorCounters allocator_counters() {
  return pool().counters;
}
void trim_allocator() {
  pool().trim();
}

}  // namespace thimble
