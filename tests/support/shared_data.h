#pragma once
// Reference data that is not part of the repository. A test that needs it says `skipped: ...` and returns without it.

#include <filesystem>
#include <optional>
#include <string_view>

namespace thimble::test {

/// Path of ../shared/<relative> beside the source tree; empty if there is none.
inline std::optional<std::filesystem::path> shared_data(std::string_view relative) {
  const std::filesystem::path path = std::filesystem::path(THIMBLE_SOURCE_DIR) / "../shared" / relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace thimble::test
