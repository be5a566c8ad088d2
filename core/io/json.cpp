#include "core/io/json.h"

#include "core/base/text.h"
#include "core/io/file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace thimble::io {
namespace {

using nlohmann::json;

/// Input iterator that leaves its position where errors can find it.
struct Cursor {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at = nullptr;
  const char** seen = nullptr;

  const char& operator*() const { return *at; }
  Cursor& operator++() {
    *seen = ++at;
    return *this;
  }
  bool operator==(const Cursor& other) const { return at == other.at; }
  bool operator!=(const Cursor& other) const { return at != other.at; }
};

Error error_at(std::string_view text, std::size_t offset, const std::string& file, const std::string& message) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  Error error(ErrorKind::data, message,
              Place{file, static_cast<long>(line), static_cast<long>(offset - start) + 1, {}});
  error.with_excerpt(text::printable(text.substr(start, std::min<std::size_t>(text.find('\n', start) - start, 120))));
  return error;
}

/// Builds the value and refuses what the library would take.
class Builder {
 public:
  Builder(std::string_view text, const std::string& file, int max_depth)
      : text_(text), file_(file), seen_(text.data()), max_depth_(max_depth) {}

  const char** seen() { return &seen_; }
  json take() { return std::move(root_); }

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(json::number_integer_t value) { return put(value); }
  bool number_unsigned(json::number_unsigned_t value) { return put(value); }
  bool number_float(json::number_float_t value, const std::string& token) {
    if (token.find_first_of(".eE") == std::string::npos)
      refuse("integer " + text::printable(token, 40) + " does not fit 64 bits");
    return put(value);
  }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(json::binary_t&) { refuse("binary value"); }
  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    json& object = *open_.back();
    if (object.contains(name)) refuse("duplicate key \"" + text::printable(name) + "\"");
    member_ = &object[name];
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& trouble) {
    std::string message = trouble.what();
    if (const std::size_t at = message.find("syntax error"); at != std::string::npos) message = message.substr(at);
    if (const std::size_t at = message.find("number overflow"); at != std::string::npos) message = message.substr(at);
    throw error_at(text_, position > 0 ? position - 1 : 0, file_, "JSON: " + text::printable(message, 300));
  }

 private:
  [[noreturn]] void refuse(const std::string& message) {
    const auto read = static_cast<std::size_t>(seen_ - text_.data());
    throw error_at(text_, read > 0 ? read - 1 : 0, file_, "JSON: " + message);
  }

  json* place(json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool put(json&& value) {
    place(std::move(value));
    return true;
  }

  bool open(json&& container) {
    if (static_cast<int>(open_.size()) >= max_depth_) refuse(text::cat("nested deeper than ", max_depth_, " levels"));
    open_.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::string& file_;
  const char* seen_;
  int max_depth_;
  json root_;
  std::vector<json*> open_;  // containers being filled; a parent is never touched while a child is open
  json* member_ = nullptr;
};

void new_line(std::string& out, int indent, int level) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(level), ' ');
}

template <class Value>
void write(std::string& out, const Value& value, int indent, int level);

template <class Value>
void write_items(std::string& out, const Value& value, int indent, int level) {
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (!std::exchange(first, false)) out += ',';
    new_line(out, indent, level + 1);
    if (object) out += json_string(item.key()) + (indent < 0 ? ":" : ": ");
    write(out, *item, indent, level + 1);
  }
  if (!value.empty()) new_line(out, indent, level);
  out += object ? '}' : ']';
}

template <class Value>
void write(std::string& out, const Value& value, int indent, int level) {
  switch (value.type()) {
    case json::value_t::object:
    case json::value_t::array:
      return write_items(out, value, indent, level);
    case json::value_t::string:
      out += json_string(value.template get_ref<const std::string&>());
      return;
    case json::value_t::boolean:
      out += value.template get<bool>() ? "true" : "false";
      return;
    case json::value_t::number_integer:
      out += std::to_string(value.template get<std::int64_t>());
      return;
    case json::value_t::number_unsigned:
      out += std::to_string(value.template get<std::uint64_t>());
      return;
    case json::value_t::number_float:
      out += json_number(value.template get<double>());
      return;
    default:
      out += "null";
  }
}

/// UTF-8 as it is; each byte that belongs to none becomes U+FFFD.
std::string repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < std::min<std::size_t>(4, text.size()) && !text::is_utf8(text.substr(0, length))) ++length;
    const bool good = text::is_utf8(text.substr(0, length));
    out += good ? text.substr(0, length) : "\xEF\xBF\xBD";
    text.remove_prefix(good ? length : 1);
  }
  return out;
}

}  // namespace

json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    throw Error(ErrorKind::data,
                text::cat("JSON of ", size_text(text.size()), " exceeds the limit of ", size_text(limits.bytes)),
                Place{name, 0, 0, {}});
  Builder builder(text, name, limits.depth);
  const Cursor begin{text.data(), builder.seen()};
  const Cursor end{text.data() + text.size(), builder.seen()};
  json::sax_parse(begin, end, &builder);
  return builder.take();
}

json read_json(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse_json(read_file(path, limits.bytes), shown(path), limits);
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 40> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  const std::string_view scientific(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  int exponent = 0;
  const std::size_t e = scientific.find('e');
  const char* digits = buffer.data() + e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits, end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(scientific);
  std::array<char, 40> plain{};
  const auto stop = std::to_chars(plain.data(), plain.data() + plain.size(), value, std::chars_format::fixed).ptr;
  std::string out(plain.data(), stop);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string json_string(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::string fixed = text::is_utf8(text) ? std::string(text) : repaired(text);
  std::string out = "\"";
  for (const char c : fixed) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '\n')
      out += "\\n";
    else if (byte < 0x20 || byte == 0x7F)
      out += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    else
      out += c;
  }
  return out += '"';
}

std::string json_text(const json& value, int indent) {
  std::string out;
  write(out, value, indent, 0);
  return out;
}

std::string json_text(const nlohmann::ordered_json& value, int indent) {
  std::string out;
  write(out, value, indent, 0);
  return out;
}

std::string canonical_json(const json& value) {
  return json_text(value, -1);
}

}  // namespace thimble::io
