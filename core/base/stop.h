#pragma once
// How long work learns that it should end. Set by the signal thread of a program (apps/common), polled between steps.

#include <atomic>

namespace thimble {

/// Wishes of the person at the keyboard or of the batch system. All members may be called from any thread.
class StopFlag {
 public:
  /// End after the step under way, save, return normally.
  bool requested() const { return signal_.load(std::memory_order_relaxed) != 0; }
  /// Asked twice: end without another save.
  bool at_once() const { return asked_.load(std::memory_order_relaxed) > 1; }
  /// Number of the first signal that asked for the end, 0 if none did.
  int signal() const { return signal_.load(std::memory_order_relaxed); }
  /// True once after each wish to save now and go on (SIGUSR1).
  bool take_save_request() { return save_.exchange(false, std::memory_order_relaxed); }

  void request(int signal) {
    int none = 0;
    signal_.compare_exchange_strong(none, signal, std::memory_order_relaxed);
    asked_.fetch_add(1, std::memory_order_relaxed);
  }
  void request_save() { save_.store(true, std::memory_order_relaxed); }
  void reset() {
    signal_.store(0);
    asked_.store(0);
    save_.store(false);
  }

 private:
  std::atomic<int> signal_{0}, asked_{0};
  std::atomic<bool> save_{false};
};

/// The flag of this process.
inline StopFlag& stop_flag() {
  static StopFlag flag;
  return flag;
}

}  // namespace thimble
