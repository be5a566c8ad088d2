#include "core/parallel/team.h"

#include <immintrin.h>

namespace thimble {
namespace {

constexpr int kLooks = 4000;  // about 40 us: longer than the serial pieces between two parallel ones of a step

/// Waits until `value` is no longer `old`: looks for a moment, then sleeps.
void wait_for_change(std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int look = 0; look < kLooks; ++look) {
    if (value.load(std::memory_order_acquire) != old) return;
    _mm_pause();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

Team& Team::instance() {
  static Team team;
  return team;
}

Team::~Team() {
  closing_ = true;
  for (const auto& worker : workers_) {
    worker->called.fetch_add(1, std::memory_order_release);
    worker->called.notify_one();
    worker->thread.join();
  }
}

void Team::work(Worker& worker, std::int64_t member) {
  for (std::uint32_t seen = 0;; ++seen) {
    wait_for_change(worker.called, seen);
    if (closing_) return;
    (*body_)(member);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

void Team::hire(int members) {
  while (static_cast<int>(workers_.size()) < members - 1) {
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    const auto member = static_cast<std::int64_t>(workers_.size());
    worker.thread = std::thread([this, &worker, member] { work(worker, member); });
  }
}

void Team::run(int members, BlockBody body) {
  hire(members);
  body_ = &body;
  busy_.store(static_cast<std::uint32_t>(members - 1), std::memory_order_relaxed);
  for (int m = 0; m < members - 1; ++m) {
    workers_[static_cast<std::size_t>(m)]->called.fetch_add(1, std::memory_order_release);
    workers_[static_cast<std::size_t>(m)]->called.notify_one();
  }
  body(0);
  for (std::uint32_t left = busy_.load(std::memory_order_acquire); left != 0;
       left = busy_.load(std::memory_order_acquire))
    wait_for_change(busy_, left);
}

}  // namespace thimble
