#pragma once
// A short look at another program's output.

#include <optional>
#include <string>
#include <vector>

namespace thimble::app {

/// Standard output of a program found through PATH, started without a shell; its standard error is dropped. Nothing
/// when it is missing, fails, or writes more than `max_bytes`.
std::optional<std::string> output_of(const std::vector<std::string>& command, std::size_t max_bytes);

}  // namespace thimble::app
