#pragma once
// Turns the request to end into a flag that trainings watch.

#include "core/base/stop.h"

#include <atomic>
#include <chrono>
#include <thread>

namespace thimble::fenet {

/// Sets `interrupt` when the person or the batch system asks for the end.
class StopWatch {
 public:
  StopWatch()
      : thread_([this](const std::stop_token& token) {
          while (!token.stop_requested() && !flag_) {
            if (stop_flag().requested()) flag_ = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          }
        }) {}
  const std::atomic<bool>* flag() const { return &flag_; }

 private:
  std::atomic<bool> flag_{false};
  std::jthread thread_;
};

}  // namespace thimble::fenet
