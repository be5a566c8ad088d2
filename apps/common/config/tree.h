#pragma once
// A configuration flattened to dotted keys, in order, each with its origin: what `extends`, overrides and per-expert
// blocks work on. Lists and null are leaves; empty maps vanish.

#include "apps/common/config/node.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace thimble::app {

struct Override;  // apps/common/cli/context.h

class ConfigTree {
 public:
  struct Entry {
    std::string key;                 // "dist.norm.std"
    Node value;                      // scalar, list or null
    std::vector<Origin> key_origin;  // where each part of the key stands
  };

  ConfigTree() = default;
  /// Flattens a map.
  explicit ConfigTree(const Node& map);

  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  /// The leaf at a dotted key; nullptr if there is none.
  const Node* find(std::string_view key) const;
  /// True when `key` is a leaf or a branch.
  bool has(std::string_view key) const;
  /// Sets a leaf (in place when it exists, else at the end). The parts of the key stand where the value stands.
  void set(std::string key, Node value);
  void set(Entry entry);
  /// Removes the leaf and everything below `key`; returns how many leaves went.
  std::size_t erase(std::string_view key);
  /// Every key of `child` over this tree.
  void merge(const ConfigTree& child);
  /// The map below a dotted key as a tree of its own; empty if there is none.
  ConfigTree below(std::string_view key) const;
  /// Names directly below `key` ("" = top level), in order, without repeats.
  std::vector<std::string> names(std::string_view key = {}) const;
  /// Top-level names of the block replace those of this tree whole (an expert_3.dist replaces all of dist); the block
  /// itself is left out of the result.
  ConfigTree replaced_by_block(std::string_view block) const;
  /// Back to nested maps. A key that is leaf and branch at once is an Error(config) naming both places.
  Node nested() const;

  // Typed look-up of one leaf, for code that needs a key before everything is bound. Wrong type: Error with place.
  std::string text(std::string_view key, const std::string& fallback = {}) const;
  double number(std::string_view key, double fallback) const;
  std::int64_t integer(std::string_view key, std::int64_t fallback) const;
  bool boolean(std::string_view key, bool fallback) const;

 private:
  void index_again();
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// Applies overrides from left to right: key=value, key+=value (appends to a list), ~key (removes, so that the
/// schema's default holds). `defaults` holds the lists appended to when the tree has none. All problems at once.
void apply_overrides(ConfigTree& tree, const std::vector<Override>& overrides, const ConfigTree& defaults = {});

}  // namespace thimble::app
