#pragma once
// The error that an action ends with.

#include "core/base/error.h"

#include <optional>

namespace thimble::test {

/// Runs the action and returns its Error; nothing if it ended without one. Other exceptions pass through.
template <class Action>
std::optional<Error> error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// True if the error's text contains `part`.
inline bool says(const std::optional<Error>& error, std::string_view part) {
  return error && std::string_view(error->what()).find(part) != std::string_view::npos;
}

}  // namespace thimble::test
