#pragma once
// JSON without surprises: what nlohmann-json lets pass silently (duplicate keys, integers that become doubles, endless
// nesting) is refused on the way in; on the way out nothing throws, and equal values give equal bytes.

#include "core/base/error.h"
#include "core/io/limits.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace thimble::io {

struct JsonLimits {
  std::uint64_t bytes = limits::kJsonBytes;
  int depth = limits::kJsonDepth;
};

/// Strict parse of one JSON text. Throws Error(data) with line and column on bad syntax, text that is not UTF-8,
/// text behind the value, a duplicate key, an integer beyond 64 bits, a number beyond a double, or a limit.
/// `name` is the file shown in the error.
nlohmann::json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits = {});

/// parse_json of a regular file; Error(io) if it cannot be read.
nlohmann::json read_json(const std::filesystem::path& path, const JsonLimits& limits = {});

/// Text with sorted keys; `indent` < 0 gives one line without spaces. Bytes that are not UTF-8 become U+FFFD, NaN
/// and infinities become null, a double keeps a point or an exponent ("1.0") so that it stays a double when read.
std::string json_text(const nlohmann::json& value, int indent = -1);
/// The same with the keys in the order of insertion.
std::string json_text(const nlohmann::ordered_json& value, int indent = -1);

/// Canonical form for hashes: sorted keys, no spaces, shortest numbers.
std::string canonical_json(const nlohmann::json& value);

/// A double as JSON writes it, in the way of Python's repr: 0.1, 1e-05, 1e+16, 1.0; "null" if it is not finite.
std::string json_number(double value);

/// Text in double quotes, escaped; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace thimble::io
