#pragma once
// A configuration as read: maps, lists and scalars that remember where they stand. Scalars keep their text; what it
// means is decided by the type of the key they are bound to.

#include "core/base/error.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::app {

/// Text a configuration was read from.
struct Source {
  std::string file;      // path, or "command line: epochs=3", "default"
  std::string text;      // whole document, for excerpts
  bool quotable = true;  // messages may show lines of it
};

/// Where a value was set.
struct Origin {
  std::shared_ptr<const Source> source;
  long line = 0;    // 1-based, 0: unknown
  long column = 0;  // 1-based
  std::string file() const { return source ? source->file : std::string(); }
  /// "mine.yaml:7", "command line: epochs=3", "default"
  std::string brief() const;
};
/// An origin without line: the command line, the environment.
Origin named_origin(std::string name);

struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;                // scalar
  bool quoted = false;             // scalar written in quotes: always text, never a number
  std::vector<Node> items;         // list: elements; map: values
  std::vector<std::string> keys;   // map: as many as items
  std::vector<Origin> key_origin;  // map: where each key stands
  Origin origin;

  static Node scalar(std::string text, bool quoted = false);
  static Node list(std::vector<Node> items = {});
  static Node map();
  const Node* find(std::string_view key) const;
  bool is_null() const { return kind == Kind::null; }
};

/// Same content; where it stands and how it is quoted do not matter unless quoting changes the meaning.
bool same(const Node& a, const Node& b);

/// YAML text of one scalar or flow value, quoted where needed: act, 0.1, [1, 2], {a: 1}.
std::string flow_text(const Node& node);

/// Error(config) at the node's place, with excerpt and caret. `key` is the dotted key.
Error config_error(const Origin& origin, const std::string& key, const std::string& message, std::string hint = {});

/// Reads one YAML document whose root is a map. `file` is for messages. Throws Errors with all problems found:
/// limits (256 KiB, depth 32, 20,000 nodes, key 128 B, scalar 64 KiB), one document, no tags, merge keys, cycles, NUL,
/// other encodings, duplicate keys. `quote_source` false: messages never show text of the file.
Node parse_yaml(std::string_view text, const std::string& file, bool quote_source = true);

/// A YAML scalar or flow value, as behind key= on the command line.
Node parse_value(std::string_view text, const Origin& origin, const std::string& key);

/// The same as block YAML, shortest numbers, keys in order. For resolved configurations without comments.
std::string to_yaml(const Node& map, int indent = 0);
/// As JSON text: numbers as numbers, quoted and other scalars as strings.
std::string to_json(const Node& node);

/// Scalars by YAML 1.1/1.2 common sense, without the traps: no octal, no hex, 1e3 is a whole number where exact.
enum class ScalarType { null, boolean, integer, number, text };
ScalarType scalar_type(const Node& node);

}  // namespace thimble::app
