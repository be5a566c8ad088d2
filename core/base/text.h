#pragma once
// Numbers and messages as text. One number printer for the whole project, independent of the locale.

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace thimble::text {

/// Shortest decimal form that reads back to the same double; "nan", "inf", "-inf".
std::string shortest(double value);
/// Shortest form that reads back to the same float.
std::string shortest(float value);
/// Fixed number of decimals, as printf("%.*f").
std::string fixed(double value, int decimals);
/// Significant digits, as printf("%.*g").
std::string significant(double value, int digits);
/// 1234567 -> "1,234,567".
std::string grouped(std::int64_t value);

/// Value as it stands in a message: numbers shortest, text as it is.
inline std::string to_text(std::string_view value) {
  return std::string(value);
}
inline std::string to_text(const char* value) {
  return value;
}
inline std::string to_text(char value) {
  return std::string(1, value);
}
inline std::string to_text(bool value) {
  return value ? "true" : "false";
}
inline std::string to_text(double value) {
  return shortest(value);
}
inline std::string to_text(float value) {
  return shortest(value);
}
template <class T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>) std::string to_text(T value) {
  return std::to_string(value);
}
template <class T>
requires requires(const T& v) {
  { v.str() } -> std::convertible_to<std::string>;
}
std::string to_text(const T& value) {
  return value.str();
}

/// Joins the parts: cat("x has ", 3, " rows").
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (out.append(to_text(parts)), ...);
  return out;
}

std::string join(const std::vector<std::string>& parts, std::string_view between);
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);

/// User text for messages: control characters, terminal sequences and bidi marks escaped, cut at 120 bytes.
std::string printable(std::string_view text, std::size_t limit = 120);

/// Damerau-Levenshtein distance.
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The nearest known word within distance 2 or a third of the length; empty if none.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// Whole text as a number, nothing before or behind; false if it is none. Never locale dependent.
bool parse(std::string_view text, double& value);
bool parse(std::string_view text, float& value);
bool parse(std::string_view text, std::int64_t& value);

bool is_utf8(std::string_view bytes);

}  // namespace thimble::text
