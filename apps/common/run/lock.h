#pragma once
// One process at a time works in a run folder. The kernel frees the lock when the process ends, however it ends.

#include "core/io/file.h"

#include <filesystem>
#include <string>

namespace thimble::app {

class RunLock {
 public:
  RunLock() = default;
  /// Error(config) naming pid and host when another process holds it.
  static RunLock take(const std::filesystem::path& file);
  /// Another process holds the lock; `owner` gets what it wrote: "pid 12 on HOST".
  static bool held(const std::filesystem::path& file, std::string* owner = nullptr);

 private:
  io::Descriptor descriptor_;
};

}  // namespace thimble::app
