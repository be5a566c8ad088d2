#pragma once
// Data that lies beside the project and not in it. A test that needs it says so and returns when it is missing.

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string_view>

namespace thimble::test {

/// Path of `relative` below the folder "shared" beside the project; nothing if it is not there.
inline std::optional<std::filesystem::path> shared_data(std::string_view relative) {
  std::filesystem::path path = std::filesystem::path(THIMBLE_SOURCE_DIR) / ".." / "shared" / relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return std::filesystem::canonical(path);
}

/// Path of a file below tests/data, which is part of the project.
inline std::filesystem::path test_data(std::string_view relative) {
  return std::filesystem::path(THIMBLE_SOURCE_DIR) / "tests" / "data" / relative;
}

}  // namespace thimble::test

/// In a test: `THIMBLE_SHARED(path, "data/neurotrigger/ntref.h5");` defines `path` or ends the test as skipped.
#define THIMBLE_SHARED(variable, relative)                                      \
  const auto variable##_found = ::thimble::test::shared_data(relative);         \
  if (!variable##_found) {                                                      \
    MESSAGE("skipped: shared/" << std::string_view(relative) << " is missing"); \
    return;                                                                     \
  }                                                                             \
  const std::filesystem::path variable = *variable##_found
