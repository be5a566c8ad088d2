#include "apps/common/config/node.h"

#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace thimble::app {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

bool one_of_words(const std::string& word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* known) { return word == known; });
}

/// Number of characters of [+-]digits[.digits][e[+-]digits] when that is all of the text; else 0.
bool number_grammar(const std::string& text, bool& whole) {
  std::size_t at = 0, before = 0, behind = 0;
  whole = true;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  const std::size_t begin = at;
  while (at < text.size() && digit(text[at])) ++at, ++before;
  if (before > 1 && text[begin] == '0') return false;  // 010: octal for some readers, ten for others
  if (at < text.size() && text[at] == '.') {
    whole = false;
    ++at;
    while (at < text.size() && digit(text[at])) ++at, ++behind;
  }
  if (before + behind == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    whole = false;
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = at;
    while (at < text.size() && digit(text[at])) ++at;
    if (at == exponent) return false;
  }
  return at == text.size();
}

bool needs_escapes(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string double_quoted(const std::string& text) {
  std::string out = "\"";
  constexpr const char* kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

bool plain_is_safe(const std::string& text) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text.front())) != 0 || text.back() == ' ' ||
      text.back() == ':') {
    return false;
  }
  if (std::string("-?:,[]{}#&*!|>'\"%@`~=").find(text.front()) != std::string::npos &&
      !(text.front() == '-' && text.size() > 1 && text[1] != ' ')) {
    return false;
  }
  return text.find_first_of(",[]{}") == std::string::npos && text.find(": ") == std::string::npos &&
         text.find(" #") == std::string::npos && text.find("---") != 0 && text != "<<";
}

std::string scalar_text(const Node& node) {
  if (needs_escapes(node.text)) return double_quoted(node.text);
  const bool changes = node.quoted && scalar_type(Node::scalar(node.text)) != ScalarType::text;
  if (!changes && plain_is_safe(node.text)) return node.text;
  std::string out = "'";
  for (const char c : node.text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string key_text(const std::string& key) {
  return scalar_text(Node::scalar(key, true));
}

std::string json_string(const std::string& text) {
  std::string out = "\"";
  constexpr const char* kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (byte < 0x20) {
      out += std::string("\\u00") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string json_scalar(const Node& node) {
  switch (scalar_type(node)) {
    case ScalarType::null:
      return "null";
    case ScalarType::boolean:
      return one_of_words(text::lower(node.text), {"true", "yes", "on"}) ? "true" : "false";
    case ScalarType::integer:
    case ScalarType::number: {
      double value = 0;
      const std::string plain = node.text.front() == '+' ? node.text.substr(1) : node.text;
      std::int64_t whole = 0;
      if (text::parse(plain, whole)) return std::to_string(whole);
      if (!text::parse(plain, value)) return "null";  // .nan, .inf
      return text::shortest(value);
    }
    case ScalarType::text:
      break;
  }
  return json_string(node.text);
}

}  // namespace

std::string Origin::brief() const {
  return line > 0 ? text::cat(file(), ":", line) : file();
}

Origin named_origin(std::string name) {
  return {std::make_shared<Source>(Source{std::move(name), {}, false}), 0, 0};
}

Node Node::scalar(std::string text, bool quoted) {
  Node node;
  node.kind = Kind::scalar;
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

Node Node::list(std::vector<Node> items) {
  Node node;
  node.kind = Kind::list;
  node.items = std::move(items);
  return node;
}

Node Node::map() {
  Node node;
  node.kind = Kind::map;
  return node;
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &items[static_cast<std::size_t>(found - keys.begin())];
}

ScalarType scalar_type(const Node& node) {
  if (node.kind == Node::Kind::null) return ScalarType::null;
  if (node.quoted) return ScalarType::text;
  const std::string& text = node.text;
  if (one_of_words(text, {"", "~", "null", "Null", "NULL"})) return ScalarType::null;
  if (one_of_words(text, {"true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no", "No", "NO",
                          "on", "On", "ON", "off", "Off", "OFF"})) {
    return ScalarType::boolean;
  }
  if (one_of_words(text, {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", "+.inf"})) {
    return ScalarType::number;
  }
  bool whole = false;
  if (!number_grammar(text, whole)) return ScalarType::text;
  return whole ? ScalarType::integer : ScalarType::number;
}

bool same(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.keys != b.keys || a.items.size() != b.items.size()) return false;
  if (a.kind == Node::Kind::scalar && (a.text != b.text || scalar_type(a) != scalar_type(b))) return false;
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), same);
}

namespace {

/// How a notation writes scalars and keys, and what stands between the parts.
struct Notation {
  std::string (*scalar)(const Node&);
  std::string (*key)(const std::string&);
  const char *comma, *colon;
};

std::string written(const Node& node, const Notation& notation) {
  if (node.kind == Node::Kind::null) return "null";
  if (node.kind == Node::Kind::scalar) return notation.scalar(node);
  const bool map = node.kind == Node::Kind::map;
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string key = map ? notation.key(node.keys[i]) + notation.colon : std::string();
    parts.push_back(key + written(node.items[i], notation));
  }
  const std::string body = text::join(parts, notation.comma);
  return map ? "{" + body + "}" : "[" + body + "]";
}

}  // namespace

std::string flow_text(const Node& node) {
  return written(node, {scalar_text, key_text, ", ", ": "});
}

std::string to_yaml(const Node& map, int indent) {
  std::string out;
  for (std::size_t i = 0; i < map.items.size(); ++i) {
    const Node& item = map.items[i];
    out += std::string(static_cast<std::size_t>(indent), ' ') + key_text(map.keys[i]) + ":";
    const bool block = item.kind == Node::Kind::map && !item.items.empty();
    out += block ? "\n" + to_yaml(item, indent + 2) : " " + flow_text(item) + "\n";
  }
  return out;
}

std::string to_json(const Node& node) {
  return written(node, {json_scalar, json_string, ",", ":"});
}

Error config_error(const Origin& origin, const std::string& key, const std::string& message, std::string hint) {
  Error error(ErrorKind::config, message, Place{origin.file(), origin.line, origin.column, key}, std::move(hint));
  if (!origin.source || !origin.source->quotable || origin.line <= 0) return error;
  const std::string& text = origin.source->text;
  std::size_t begin = 0;
  for (long line = 1; line < origin.line && begin != std::string::npos; ++line) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return error;
  std::string line = text.substr(begin, text.find('\n', begin) - begin);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return error.with_excerpt(std::move(line));
}

}  // namespace thimble::app
