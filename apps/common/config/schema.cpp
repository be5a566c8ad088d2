#include "apps/common/config/schema.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/io/limits.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace thimble::app {
namespace {

constexpr std::size_t kMaxProblems = io::limits::kProblemsPrinted;

std::string shown(const Node& node) {
  if (node.is_null()) return "empty";
  if (node.kind == Node::Kind::map) return "a block";
  const std::string text = text::printable(flow_text(node));
  return node.kind == Node::Kind::scalar && node.quoted && text == node.text ? "'" + text + "'" : text;
}

[[noreturn]] void wrong(const Node& node, const std::string& expected) {
  throw config_error(node.origin, "", text::cat(" is ", shown(node), ", ", expected));
}

std::string reason_against_number(const Node& node, const std::string& expected) {
  if (node.kind == Node::Kind::scalar && node.quoted) return "text in quotes; " + expected + " without quotes";
  const std::string& text = node.text;
  const std::size_t digits = text.find_first_not_of("+-");
  if (digits != std::string::npos && text.size() > digits + 1 && text[digits] == '0' &&
      text.find_first_not_of("0123456789.eE+-_xXoOabcdefABCDEF", digits) == std::string::npos) {
    return expected + " without leading zeros or prefix (octal or decimal?)";
  }
  if (scalar_type(node) == ScalarType::boolean) return "which is true or false; " + expected;
  return expected;
}

double number_of(const Node& node) {
  const std::string word = text::lower(node.text);
  if (word == ".nan") return std::numeric_limits<double>::quiet_NaN();
  if (word == ".inf" || word == "+.inf") return std::numeric_limits<double>::infinity();
  if (word == "-.inf") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const std::string_view plain = std::string_view(node.text).substr(node.text.front() == '+' ? 1 : 0);
  if (!text::parse(plain, value)) wrong(node, "which does not fit a double");
  return value;
}

bool numeric(const Node& node) {
  const ScalarType type = scalar_type(node);
  return node.kind == Node::Kind::scalar && (type == ScalarType::integer || type == ScalarType::number);
}

std::string allowed(const Range& range) {
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high && !range.low_open && !range.high_open)
    return text::cat("allowed are ", range.low, " to ", range.high);
  std::string out = low ? text::cat(range.low_open ? "more than " : "at least ", range.low) : "";
  if (high) out += text::cat(low ? " and " : "", range.high_open ? "less than " : "at most ", range.high);
  return out + (low && high ? " are allowed" : " is needed");
}

/// "" or what is wrong, for a number or every number of a list: " is 7, allowed are 0 to 4".
void check_range(const Node& node, const Field& field, const std::string& index = {}) {
  if (node.kind == Node::Kind::list) {
    for (std::size_t i = 0; i < node.items.size(); ++i)
      check_range(node.items[i], field, text::cat(index, "[", i, "]"));
    return;
  }
  if (!numeric(node)) return;
  const double value = number_of(node);
  const Range& range = field.range;
  const bool inside = (range.low_open ? value > range.low : value >= range.low) &&
                      (range.high_open ? value < range.high : value <= range.high);
  const bool bounded = std::isfinite(range.low) || std::isfinite(range.high);
  if (!std::isfinite(value) && !field.non_finite) {
    throw config_error(node.origin, "", text::cat(index, " is ", node.text, ", a finite number is needed"));
  }
  if (std::isnan(value) || inside || !bounded) return;
  throw config_error(node.origin, "", text::cat(index, " is ", shown(node), ", ", allowed(range)));
}

void check_choice(const Node& node, const Field& field, const std::string& index = {}) {
  if (node.kind == Node::Kind::list) {
    for (std::size_t i = 0; i < node.items.size(); ++i)
      check_choice(node.items[i], field, text::cat(index, "[", i, "]"));
    return;
  }
  if (field.choices.empty() || node.kind != Node::Kind::scalar) return;
  if (std::find(field.choices.begin(), field.choices.end(), node.text) != field.choices.end()) return;
  const std::string near = text::nearest(node.text, field.choices);
  throw config_error(node.origin, "",
                     text::cat(index, " is ", shown(node), ", allowed are ", text::join(field.choices, ", ")),
                     near.empty() ? "" : text::cat("did you mean '", near, "'?"));
}

void check_name(const Node& node, const Field& field) {
  if (!field.path_name || node.kind != Node::Kind::scalar || node.text.empty() || is_path_name(node.text)) return;
  throw config_error(node.origin, "", text::cat(" is ", shown(node), ", but becomes part of a path"),
                     "use up to 64 letters, digits, '.', '_', '-', not beginning with a sign");
}

std::string absolute_path(const std::string& path, const Origin& origin) {
  const std::filesystem::path given(path);
  if (path.find_first_of("/.") == std::string::npos || given.is_absolute()) return path;
  const bool from_file = origin.line > 0;
  const std::filesystem::path folder =
      from_file ? std::filesystem::path(origin.file()).parent_path() : std::filesystem::path();
  return std::filesystem::absolute(folder / given).lexically_normal().string();
}

Node with_absolute_paths(const Node& node) {
  Node out = node;
  if (out.kind == Node::Kind::scalar && !out.text.empty()) out.text = absolute_path(out.text, out.origin);
  for (Node& item : out.items) item = with_absolute_paths(item);
  return out;
}

/// Binds a nested map to fields and gathers everything that is wrong.
class Binder {
 public:
  explicit Binder(const FieldList& top) { collect_leaves(top, ""); }

  void bind(const FieldList& fields, const Node& map, const std::string& prefix,
            const std::vector<std::string>& ignore) {
    for (std::size_t i = 0; i < map.items.size(); ++i) {
      const std::string& key = map.keys[i];
      if (std::find(ignore.begin(), ignore.end(), key) != ignore.end()) continue;
      const Field* field = find(fields, key);
      if (field == nullptr) {
        unknown(fields, key, map.key_origin[i], prefix);
      } else if (key != field->key && map.find(field->key) != nullptr) {
        problem(config_error(map.key_origin[i], "",
                             text::cat("'", key, "' and '", field->key, "' are the same setting"),
                             text::cat("keep '", field->key, "'")));
      } else {
        bind_field(*field, map.items[i], prefix + field->key);
      }
    }
  }

  std::vector<Error> problems;

 private:
  static const Field* find(const FieldList& fields, const std::string& key) {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) {
      return field.key == key || std::find(field.aliases.begin(), field.aliases.end(), key) != field.aliases.end();
    });
    return found == fields.end() ? nullptr : &*found;
  }

  void collect_leaves(const FieldList& fields, const std::string& prefix) {
    for (const Field& field : fields) {
      if (field.form == Field::Form::block) {
        collect_leaves(field.block(), prefix + field.key + ".");
      } else {
        leaves_.push_back(prefix + field.key);
      }
    }
  }

  void problem(Error error) {
    if (problems.size() < kMaxProblems) problems.push_back(std::move(error));
  }

  void unknown(const FieldList& fields, const std::string& key, const Origin& at, const std::string& prefix) {
    std::vector<std::string> siblings;
    for (const Field& field : fields) {
      siblings.push_back(field.key);
      siblings.insert(siblings.end(), field.aliases.begin(), field.aliases.end());
    }
    std::string near = text::nearest(key, siblings);
    if (near.empty()) near = near_leaf(key, prefix);
    const std::string in =
        prefix.empty() ? "" : text::cat(" in '", text::printable(prefix.substr(0, prefix.size() - 1)), "'");
    problem(config_error(at, "", text::cat("unknown key '", text::printable(key), "'", in),
                         near.empty() ? "'config --schema' lists every key" : text::cat("did you mean '", near, "'?")));
  }

  /// Among all leaf keys: the whole dotted key or its last part.
  std::string near_leaf(const std::string& key, const std::string& prefix) const {
    std::vector<std::string> last;
    for (const std::string& leaf : leaves_) last.push_back(leaf.substr(leaf.rfind('.') + 1));
    const std::string near = text::nearest(key, last);
    const auto found = std::find(last.begin(), last.end(), near);
    if (!near.empty() && found != last.end()) return leaves_[static_cast<std::size_t>(found - last.begin())];
    return text::nearest(prefix + key, leaves_);
  }

  void bind_field(const Field& field, const Node& node, const std::string& name) {
    switch (field.form) {
      case Field::Form::value:
      case Field::Form::any:
        return bind_value(field, node, name);
      case Field::Form::block:
        return bind_block(field, node, name);
      case Field::Form::block_list:
        return bind_list(field, node, name);
      case Field::Form::block_map:
        return bind_map(field, node, name);
    }
  }

  void bind_value(const Field& field, const Node& node, const std::string& name) {
    try {
      check_range(node, field);
      field.set(field.file_path ? with_absolute_paths(node) : node);
      check_choice(node, field);
      check_name(node, field);
      for (const auto& test : field.checks) {
        if (const std::string trouble = test(node); !trouble.empty()) throw config_error(node.origin, "", trouble);
      }
    } catch (const Error& error) {
      problem(placed(error, field, node, name));
    }
  }

  /// A message that begins with " is" or "[1] is" continues the key's name; the place is the element's, else the
  /// node's.
  static Error placed(const Error& error, const Field& field, const Node& node, const std::string& name) {
    const bool continues = !error.message().empty() && (error.message()[0] == ' ' || error.message()[0] == '[');
    const std::string message = continues ? name + error.message() : text::cat(name, ": ", error.message());
    std::string hint = error.hint();
    if (hint.empty() && is_sweep_form(field, node)) hint = "to try several values use the verb sweep";
    if (error.place().file.empty()) return config_error(node.origin, "", message, std::move(hint));
    Error out(ErrorKind::config, message, error.place(), std::move(hint));
    return out.with_excerpt(error.excerpt());
  }

  static bool is_sweep_form(const Field& field, const Node& node) {
    return node.kind == Node::Kind::scalar && !node.quoted && field.type.rfind("list", 0) != 0 &&
           node.text.find(',') != std::string::npos;
  }

  void bind_block(const Field& field, const Node& node, const std::string& name) {
    if (node.kind != Node::Kind::map) {
      problem(config_error(node.origin, "", text::cat(name, " is ", shown(node), ", a block of keys is needed"),
                           text::cat(name, ".KEY=VALUE")));
      return;
    }
    bind(field.block(), node, name + ".", {});
  }

  void bind_list(const Field& field, const Node& node, const std::string& name) {
    if (node.kind != Node::Kind::list) {
      problem(config_error(node.origin, "", text::cat(name, " is ", shown(node), ", a list of blocks is needed")));
      return;
    }
    field.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string element = text::cat(name, "[", i, "]");
      if (node.items[i].kind != Node::Kind::map) {
        problem(config_error(node.items[i].origin, "",
                             text::cat(element, " is ", shown(node.items[i]), ", a block is needed")));
        continue;
      }
      bind(field.new_block(), node.items[i], element + ".", {});
    }
  }

  void bind_map(const Field& field, const Node& node, const std::string& name) {
    if (node.kind != Node::Kind::map) {
      problem(config_error(node.origin, "", text::cat(name, " is ", shown(node), ", named blocks are needed")));
      return;
    }
    field.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string element = name + "." + node.keys[i];
      if (node.items[i].kind != Node::Kind::map) {
        problem(config_error(node.items[i].origin, "",
                             text::cat(element, " is ", shown(node.items[i]), ", a block is needed")));
        continue;
      }
      bind(field.named_block(node.keys[i]), node.items[i], element + ".", {});
    }
  }

  std::vector<std::string> leaves_;
};

}  // namespace

bool is_path_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.find("..") != std::string_view::npos) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; });
}

void read_value(const Node& node, bool& value) {
  if (node.kind != Node::Kind::scalar || scalar_type(node) != ScalarType::boolean)
    wrong(node, "true or false is needed");
  const std::string word = text::lower(node.text);
  value = word == "true" || word == "yes" || word == "on";
}

void read_value(const Node& node, std::int64_t& value) {
  if (!numeric(node)) wrong(node, reason_against_number(node, "a whole number is needed"));
  const std::string_view plain = std::string_view(node.text).substr(node.text.front() == '+' ? 1 : 0);
  if (text::parse(plain, value)) return;
  if (scalar_type(node) == ScalarType::integer) wrong(node, "which does not fit 64 bits");
  const double number = number_of(node);  // 1e3 is a whole number
  if (std::isnan(number) || number != std::floor(number) || std::abs(number) > 9007199254740992.0) {
    wrong(node, "a whole number is needed");
  }
  value = static_cast<std::int64_t>(number);
}

void read_value(const Node& node, int& value) {
  std::int64_t wide = 0;
  read_value(node, wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    wrong(node, "which does not fit 32 bits");
  }
  value = static_cast<int>(wide);
}

void read_value(const Node& node, double& value) {
  if (!numeric(node)) wrong(node, reason_against_number(node, "a number is needed"));
  value = number_of(node);
}

void read_value(const Node& node, std::string& value) {
  if (node.kind != Node::Kind::scalar) wrong(node, "text is needed");
  value = node.text;
}

void read_value(const Node& node, Node& value) {
  value = node;
}

Node write_value(bool value) {
  return Node::scalar(value ? "true" : "false");
}
Node write_value(std::int64_t value) {
  return Node::scalar(text::to_text(value));
}
Node write_value(int value) {
  return Node::scalar(text::to_text(value));
}

Node write_value(double value) {
  if (std::isnan(value)) return Node::scalar(".nan");
  if (std::isinf(value)) return Node::scalar(value > 0 ? ".inf" : "-.inf");
  std::string text = text::shortest(value);
  const std::size_t exponent = text.find('e');  // readers of YAML 1.1 take 1e-06 for text
  if (exponent != std::string::npos && text.find('.') == std::string::npos) text.insert(exponent, ".0");
  return Node::scalar(std::move(text));
}

Node write_value(const std::string& value) {
  return Node::scalar(value, true);
}
Node write_value(const Node& value) {
  return value;
}

std::string type_name(const bool*) {
  return "true or false";
}
std::string type_name(const std::int64_t*) {
  return "whole number";
}
std::string type_name(const int*) {
  return "whole number";
}
std::string type_name(const double*) {
  return "number";
}
std::string type_name(const std::string*) {
  return "text";
}
std::string type_name(const Node*) {
  return "anything";
}

const std::vector<Node>& list_items(const Node& node) {
  if (node.kind != Node::Kind::list) wrong(node, "a list is needed: [" + (node.is_null() ? "..." : shown(node)) + "]");
  return node.items;
}

void bind_fields(const FieldList& fields, const ConfigTree& tree, const std::vector<std::string>& ignore) {
  Binder binder(fields);
  binder.bind(fields, tree.nested(), "", ignore);
  if (!binder.problems.empty()) throw Errors(std::move(binder.problems));
}

Node dump_fields(const FieldList& fields) {
  Node map = Node::map();
  for (const Field& field : fields) {
    Node value;
    if (field.form == Field::Form::value || field.form == Field::Form::any) {
      value = field.get();
    } else if (field.form == Field::Form::block) {
      value = dump_fields(field.block());
    } else {
      value = field.form == Field::Form::block_list ? Node::list() : Node::map();
      for (const auto& [name, block] : field.blocks()) {
        if (field.form == Field::Form::block_map) value.keys.push_back(name);
        value.items.push_back(dump_fields(block));
      }
    }
    map.keys.push_back(field.key);
    map.items.push_back(std::move(value));
  }
  return map;
}

std::string allowed_values(const Field& field) {
  if (!field.choices.empty()) return text::join(field.choices, ", ");
  const bool bounded = std::isfinite(field.range.low) || std::isfinite(field.range.high);
  if (!bounded) return {};
  std::string out = allowed(field.range);
  for (const char* words : {"allowed are ", " is needed", " are allowed"}) {
    if (const std::size_t at = out.find(words); at != std::string::npos) out.erase(at, std::string(words).size());
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> aliases_of(const FieldList& fields, const std::string& prefix) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Field& field : fields) {
    for (const std::string& alias : field.aliases) out.emplace_back(prefix + alias, prefix + field.key);
    if (field.form != Field::Form::block) continue;
    for (auto& inner : aliases_of(field.block(), prefix + field.key + ".")) out.push_back(std::move(inner));
  }
  return out;
}

}  // namespace thimble::app
