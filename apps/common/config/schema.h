#pragma once
// Configuration structs say their fields once; parsing, defaults, documentation and checks all come from that list:
//
//   struct TrainKeys {
//     double learning_rate = 1e-3;
//     std::vector<std::int64_t> experts = {0, 1, 2, 3, 4};
//     static void fields(auto& self, auto&& f) {
//       f("learning_rate", self.learning_rate, "step size of the optimiser", greater_than(0), alias("lr"));
//       f("experts", self.experts, "networks to train; [-1]: one on all tracks", between(-1, 4));
//     }
//   };
//
// Members: bool, std::int64_t, double, std::string, std::vector and std::optional of them (optional: null allowed),
// structs with fields (a block), std::vector<struct> (list of blocks), std::map<std::string, struct> (free names), and
// Node (any content, checked by the app). Other types: overload read_value / write_value / type_name beside the type.

#include "apps/common/config/node.h"
#include "apps/common/config/tree.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace thimble::app {

/// Allowed values of numbers; of every element for lists.
struct Range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;
};
inline Range at_least(double low) {
  return {low};
}
inline Range greater_than(double low) {
  Range range{low};
  range.low_open = true;
  return range;
}
inline Range between(double low, double high) {
  return {low, high};
}
inline Range between_open(double low, double high) {
  return {low, high, true, true};
}
struct Unit {
  std::string text;
};
inline Unit unit(std::string text) {
  return {std::move(text)};
}
struct OneOf {
  std::vector<std::string> values;
};
/// Allowed texts.
inline OneOf one_of(std::vector<std::string> values) {
  return {std::move(values)};
}
struct Alias {
  std::string key;
};
/// Another spelling that loads; the canonical key is written.
inline Alias alias(std::string key) {
  return {std::move(key)};
}
/// May be changed when a run is continued.
struct Resumable {};
inline constexpr Resumable resumable{};
/// Is used as part of a path: [A-Za-z0-9][A-Za-z0-9._-]{0,63}, no "..".
struct PathName {};
inline constexpr PathName path_name{};
/// nan and inf are allowed.
struct NonFinite {};
inline constexpr NonFinite non_finite{};
/// A path or list of paths: made absolute from the folder of the file that names it, on the command line from the
/// current folder. Empty text and words without '/' or '.' (names of built-in things) stay as they are.
struct FilePath {};
inline constexpr FilePath file_path{};
/// Own check; returns what is wrong, or "".
struct Check {
  std::function<std::string(const Node&)> test;
};
inline Check check(std::function<std::string(const Node&)> test) {
  return {std::move(test)};
}

struct Field;
using FieldList = std::vector<Field>;

/// One key of a schema, bound to the member of an object.
struct Field {
  std::string key, meaning, type, unit;
  Range range;
  std::vector<std::string> choices, aliases;
  bool resumable = false, path_name = false, non_finite = false, file_path = false;
  std::vector<std::function<std::string(const Node&)>> checks;

  enum class Form { value, block, block_list, block_map, any };
  Form form = Form::value;
  std::function<void(const Node&)> set;  // value, any: throws Error(value) with a message without place
  std::function<Node()> get;             // value, any: as it would be written
  std::function<FieldList()> block;      // block: its fields, bound to the member
  std::function<FieldList()> new_block;  // block_list: appends an element; its fields
  std::function<FieldList(const std::string&)> named_block;                // block_map: the element of that name
  std::function<void()> clear;                                             // block_list, block_map
  std::function<std::vector<std::pair<std::string, FieldList>>()> blocks;  // block_list ("0", "1", ...), block_map
};

// How values are read from a node (throws Error(value, message)) and written back.
void read_value(const Node& node, bool& value);
void read_value(const Node& node, std::int64_t& value);
void read_value(const Node& node, int& value);
void read_value(const Node& node, double& value);
void read_value(const Node& node, std::string& value);
void read_value(const Node& node, Node& value);
Node write_value(bool value);
Node write_value(std::int64_t value);
Node write_value(int value);
Node write_value(double value);
Node write_value(const std::string& value);
Node write_value(const Node& value);
std::string type_name(const bool*);
std::string type_name(const std::int64_t*);
std::string type_name(const int*);
std::string type_name(const double*);
std::string type_name(const std::string*);
std::string type_name(const Node*);

/// [A-Za-z0-9][A-Za-z0-9._-]{0,63} without "..": may be part of a path.
bool is_path_name(std::string_view name);
/// Range or choices of a field in words; "" if anything goes.
std::string allowed_values(const Field& field);

/// The node is a list; Error(value) otherwise.
const std::vector<Node>& list_items(const Node& node);

// Declared before their definitions, so that they may hold each other.
template <class T>
void read_value(const Node& node, std::vector<T>& value);
template <class T>
void read_value(const Node& node, std::optional<T>& value);
template <class T>
Node write_value(const std::vector<T>& value);
template <class T>
Node write_value(const std::optional<T>& value);
template <class T>
std::string type_name(const std::vector<T>*);
template <class T>
std::string type_name(const std::optional<T>*);

template <class T>
void read_value(const Node& node, std::vector<T>& value) {
  std::vector<T> read;
  for (const Node& item : list_items(node)) {
    T element{};
    try {
      read_value(item, element);
    } catch (const Error& error) {
      Error indexed(error.kind(), text::cat("[", read.size(), "]", error.message()), error.place(), error.hint());
      throw indexed.with_excerpt(error.excerpt());
    }
    read.push_back(std::move(element));
  }
  value = std::move(read);
}
template <class T>
void read_value(const Node& node, std::optional<T>& value) {
  if (node.is_null()) {
    value.reset();
    return;
  }
  T read{};
  read_value(node, read);
  value = std::move(read);
}
template <class T>
Node write_value(const std::vector<T>& value) {
  std::vector<Node> items;
  for (const T& element : value) items.push_back(write_value(element));
  return Node::list(std::move(items));
}
template <class T>
Node write_value(const std::optional<T>& value) {
  return value ? write_value(*value) : Node{};
}
template <class T>
std::string type_name(const std::vector<T>*) {
  return "list of " + type_name(static_cast<const T*>(nullptr));
}
template <class T>
std::string type_name(const std::optional<T>*) {
  return type_name(static_cast<const T*>(nullptr)) + " or null";
}

class FieldVisitor;
template <class T>
concept Block = requires(T& object, FieldVisitor& visitor) {
  T::fields(object, visitor);
};

/// The visitor `f` of T::fields.
class FieldVisitor {
 public:
  template <class T, class... Extras>
  void operator()(std::string key, T& member, std::string meaning, const Extras&... extras) {
    Field field;
    field.key = std::move(key);
    field.meaning = std::move(meaning);
    bind(field, member);
    (add(field, extras), ...);
    list.push_back(std::move(field));
  }
  FieldList list;

 private:
  template <class T>
  static void bind(Field& field, T& member);
  template <class T>
  static void bind(Field& field, std::vector<T>& member);
  template <class T>
  static void bind(Field& field, std::map<std::string, T>& member);
  template <class T>
  static void bind_value(Field& field, T& member);

  static void add(Field& field, const Range& range) { field.range = range; }
  static void add(Field& field, const Unit& unit) { field.unit = unit.text; }
  static void add(Field& field, const OneOf& one_of) { field.choices = one_of.values; }
  static void add(Field& field, const Alias& alias) { field.aliases.push_back(alias.key); }
  static void add(Field& field, const Resumable&) { field.resumable = true; }
  static void add(Field& field, const PathName&) { field.path_name = true; }
  static void add(Field& field, const NonFinite&) { field.non_finite = true; }
  static void add(Field& field, const FilePath&) { field.file_path = true; }
  static void add(Field& field, const Check& check) { field.checks.push_back(check.test); }
};

/// The fields of an object, bound to its members.
template <Block T>
FieldList fields_of(T& object) {
  FieldVisitor visitor;
  T::fields(object, visitor);
  return std::move(visitor.list);
}

/// Sets the object's members from a tree. Throws Errors with every problem: unknown keys with suggestions, wrong
/// types, values out of range. Nothing else is touched. `ignore` names top-level keys somebody else reads.
void bind_fields(const FieldList& fields, const ConfigTree& tree, const std::vector<std::string>& ignore = {});

/// Keys every application has; let the application's struct inherit it and call CommonKeys::fields first.
struct CommonKeys {
  std::int64_t seed = 1;
  std::int64_t threads = 0;
  std::string out = "runs";
  std::string name;
  std::string note;
  static void fields(auto& self, auto&& f) {
    f("seed", self.seed, "start of all random numbers", at_least(0));
    f("threads", self.threads, "worker threads, 0: one per core; results do not depend on it", between(0, 1024),
      resumable);
    f("out", self.out, "folder of all runs", resumable);
    f("name", self.name, "name of the run's folder; empty: name of the configuration", path_name);
    f("note", self.note, "free text kept with the run", resumable);
  }
};

/// A struct with fields as the rest of the program sees it: always starting from the defaults.
class Schema {
 public:
  template <Block T>
  static Schema of() {
    Schema schema;
    schema.fields_ = [] {
      auto object = std::make_shared<T>();
      return std::pair<std::shared_ptr<void>, FieldList>(object, fields_of(*object));
    };
    return schema;
  }
  /// Fields bound to a fresh object, and the object that keeps them alive.
  std::pair<std::shared_ptr<void>, FieldList> fresh() const { return fields_(); }

 private:
  std::function<std::pair<std::shared_ptr<void>, FieldList>()> fields_;
};

/// tree -> T, from T's defaults.
template <Block T>
T bind_config(const ConfigTree& tree, const std::vector<std::string>& ignore = {}) {
  T object;
  bind_fields(fields_of(object), tree, ignore);
  return object;
}

/// The object as a nested map, every key in canonical spelling and schema order.
Node dump_fields(const FieldList& fields);
template <Block T>
Node dump_config(const T& config) {
  T copy = config;
  return dump_fields(fields_of(copy));
}

/// The defaults of T as a tree (LoadOptions::defaults).
template <Block T>
ConfigTree defaults_tree() {
  return ConfigTree(dump_config(T{}));
}

/// Dotted aliases and the keys they stand for.
std::vector<std::pair<std::string, std::string>> aliases_of(const FieldList& fields, const std::string& prefix = "");

/// YAML with the meaning, unit and origin of each key as a comment; `tree` gives the origins.
std::string commented_yaml(const FieldList& fields, const ConfigTree& tree);
template <Block T>
std::string commented_config(const T& config, const ConfigTree& tree) {
  T copy = config;
  return commented_yaml(fields_of(copy), tree);
}

template <class T>
void FieldVisitor::bind_value(Field& field, T& member) {
  field.type = type_name(static_cast<const T*>(nullptr));
  if constexpr (std::is_same_v<T, Node>) field.form = Field::Form::any;
  field.set = [&member](const Node& node) { read_value(node, member); };
  field.get = [&member] { return write_value(member); };
}

template <class T>
void FieldVisitor::bind(Field& field, T& member) {
  if constexpr (Block<T>) {
    field.form = Field::Form::block;
    field.type = "block";
    field.block = [&member] { return fields_of(member); };
  } else {
    bind_value(field, member);
  }
}

template <class T>
void FieldVisitor::bind(Field& field, std::vector<T>& member) {
  if constexpr (Block<T>) {
    field.form = Field::Form::block_list;
    field.type = "list of blocks";
    field.clear = [&member] { member.clear(); };
    field.new_block = [&member] { return fields_of(member.emplace_back()); };
    field.blocks = [&member] {
      std::vector<std::pair<std::string, FieldList>> all;
      for (T& element : member) all.emplace_back(std::to_string(all.size()), fields_of(element));
      return all;
    };
  } else {
    bind_value(field, member);
  }
}

template <class T>
void FieldVisitor::bind(Field& field, std::map<std::string, T>& member) {
  static_assert(Block<T>, "maps of free names hold blocks");
  field.form = Field::Form::block_map;
  field.type = "named blocks";
  field.clear = [&member] { member.clear(); };
  field.named_block = [&member](const std::string& name) { return fields_of(member[name]); };
  field.blocks = [&member] {
    std::vector<std::pair<std::string, FieldList>> all;
    for (auto& [name, element] : member) all.emplace_back(name, fields_of(element));
    return all;
  };
}

}  // namespace thimble::app
