// A replayed training step allocates nothing: nothing from the heap, and the tensor pool asks the system for nothing.

#include "core/tensor/allocator.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/nn/toy.h"

namespace {

std::atomic<std::int64_t> heap_allocations{0};

void* counted(std::size_t bytes) {
  ++heap_allocations;
  if (void* block = std::malloc(bytes)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}

using namespace thimble;
using namespace thimble::nn;

TEST_CASE("a replayed step of the real trainer allocates nothing") {
  struct Count : Callback {
    std::int64_t heap = -1, pool = -1;
    bool grew = false;
    void on_step(const TrainingView& view) override {
      const std::int64_t heap_now = heap_allocations;
      const auto pool_now = static_cast<std::int64_t>(allocator_counters().from_system);
      // within one epoch, after both batch sizes have been captured in the first
      const bool same_epoch = view.rows_seen > 64 && view.at.epoch > 0;
      if (same_epoch && (heap_now != heap || pool_now != pool)) grew = true;
      heap = heap_now;
      pool = pool_now;
    }
  };
  test::Toy toy;
  Trainer& trainer = toy.trainer();
  Count& count = trainer.add(std::make_unique<Count>());
  trainer.fit();
  CHECK_FALSE(count.grew);
}
