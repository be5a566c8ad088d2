#pragma once
// What the verb `train` of every application shares: when state is saved, what may change when a run goes on, and the
// wish to end as a flag that trainings watch.

#include "core/base/stop.h"

#include "apps/common/cli/context.h"
#include "apps/common/config/schema.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace thimble::app {

struct CheckpointKeys {
  std::int64_t every_epochs = 0;
  double every_seconds = 30;
  static void fields(auto& self, auto&& f) {
    f("every_epochs", self.every_epochs, "epochs between two checkpoints, 0: by time alone", at_least(0), resumable);
    f("every_seconds", self.every_seconds, "time between two checkpoints, 0: not by time", at_least(0), unit("s"),
      resumable);
  }
};

/// Throws Error(usage) for the first override of a key that is not marked resumable.
void check_resume(const FieldList& fields, const std::vector<Override>& overrides);

/// Its flag is raised when the person or the batch system asks for the end.
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
  bool raised() const { return flag_; }

 private:
  std::atomic<bool> flag_{false};
  std::jthread thread_;
};

}  // namespace thimble::app
