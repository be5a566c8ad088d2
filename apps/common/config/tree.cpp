#include "apps/common/config/tree.h"

#include "core/base/text.h"

#include "apps/common/cli/context.h"
#include "apps/common/config/schema.h"

#include <algorithm>

namespace thimble::app {
namespace {

bool is_below(std::string_view key, std::string_view branch) {
  return key.size() > branch.size() && key.substr(0, branch.size()) == branch && key[branch.size()] == '.';
}

void flatten(const Node& map, const std::string& prefix, const std::vector<Origin>& path, ConfigTree& out) {
  for (std::size_t i = 0; i < map.items.size(); ++i) {
    const std::string key = prefix + map.keys[i];
    const Origin at = i < map.key_origin.size() ? map.key_origin[i] : map.items[i].origin;
    std::vector<Origin> parts = path;
    parts.resize(parts.size() + text::split(map.keys[i], '.').size(), at);
    if (map.items[i].kind == Node::Kind::map) {
      flatten(map.items[i], key + ".", parts, out);
      continue;
    }
    if (const Node* before = out.find(key)) {
      throw Errors({config_error(
          at, "", text::cat("key '", text::printable(key), "' is set twice, first in line ", before->origin.line))});
    }
    out.set({key, map.items[i], std::move(parts)});
  }
}

/// Puts one leaf into nested maps.
void insert(Node& root, const ConfigTree::Entry& entry) {
  Node* map = &root;
  const std::vector<std::string> parts = text::split(entry.key, '.');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto found = std::find(map->keys.begin(), map->keys.end(), parts[i]);
    const bool leaf = i + 1 == parts.size();
    const Origin at = i < entry.key_origin.size() ? entry.key_origin[i] : entry.value.origin;
    if (found == map->keys.end()) {
      map->keys.push_back(parts[i]);
      map->key_origin.push_back(at);
      Node branch = Node::map();
      branch.origin = at;
      map->items.push_back(leaf ? entry.value : std::move(branch));
      map = &map->items.back();
      continue;
    }
    Node& known = map->items[static_cast<std::size_t>(found - map->keys.begin())];
    if (leaf || known.kind != Node::Kind::map) {
      const std::string key = text::join({parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(i + 1)}, ".");
      const bool first_is_map = known.kind == Node::Kind::map;
      throw Errors(
          {config_error(at, "",
                        text::cat("'", text::printable(key), "' is a value here and a block in ",
                                  first_is_map ? "" : "another place; the value stands in ", known.origin.brief()),
                        text::cat("remove one of them, or reset the block first with ~", key))});
    }
    map = &known;
  }
}

template <class T>
T typed(const ConfigTree& tree, std::string_view key, T fallback) {
  const Node* node = tree.find(key);
  if (node == nullptr || node->is_null()) return fallback;
  try {
    read_value(*node, fallback);
  } catch (const Error& error) {
    throw config_error(node->origin, std::string(key), text::cat(key, error.message()));
  }
  return fallback;
}

void append(ConfigTree& tree, const Override& change, Node value, const ConfigTree& defaults) {
  const Node* known = tree.find(change.key);
  if (known == nullptr) known = defaults.find(change.key);
  Node list = known == nullptr || known->is_null() ? Node::list() : *known;
  if (list.kind != Node::Kind::list) {
    throw config_error(value.origin, "", text::cat(change.key, " is no list; '+=' appends to lists"),
                       text::cat(change.key, "=", change.value));
  }
  list.origin = value.origin;
  if (value.kind == Node::Kind::list) {
    for (Node& item : value.items) list.items.push_back(std::move(item));
  } else {
    list.items.push_back(std::move(value));
  }
  tree.set(change.key, std::move(list));
}

void set_value(ConfigTree& tree, const Override& change, Node value) {
  if (value.kind != Node::Kind::map) {
    tree.set(change.key, std::move(value));
    return;
  }
  Node wrapped = Node::map();
  wrapped.keys.push_back(change.key);
  wrapped.items.push_back(std::move(value));
  tree.merge(ConfigTree(wrapped));
}

void apply(ConfigTree& tree, const Override& change, const ConfigTree& defaults) {
  if (change.kind == Override::Kind::reset) {
    tree.erase(change.key);
    return;
  }
  const Origin origin = named_origin("command line: " + change.word);
  Node value = parse_value(change.value, origin, change.key);
  value.origin = origin;
  if (change.kind == Override::Kind::append) {
    append(tree, change, std::move(value), defaults);
  } else {
    set_value(tree, change, std::move(value));
  }
}

}  // namespace

ConfigTree::ConfigTree(const Node& map) {
  flatten(map, "", {}, *this);
}

const Node* ConfigTree::find(std::string_view key) const {
  const auto found = index_.find(std::string(key));
  return found == index_.end() ? nullptr : &entries_[found->second].value;
}

bool ConfigTree::has(std::string_view key) const {
  return find(key) != nullptr ||
         std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return is_below(entry.key, key); });
}

void ConfigTree::set(std::string key, Node value) {
  std::vector<Origin> parts(text::split(key, '.').size(), value.origin);
  set({std::move(key), std::move(value), std::move(parts)});
}

void ConfigTree::set(Entry entry) {
  const auto [place, added] = index_.try_emplace(entry.key, entries_.size());
  if (added) {
    entries_.push_back(std::move(entry));
  } else {
    entries_[place->second] = std::move(entry);
  }
}

std::size_t ConfigTree::erase(std::string_view key) {
  const std::size_t before = entries_.size();
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key || is_below(entry.key, key); });
  if (entries_.size() != before) index_again();
  return before - entries_.size();
}

void ConfigTree::merge(const ConfigTree& child) {
  for (const Entry& entry : child.entries_) set(entry);
}

ConfigTree ConfigTree::below(std::string_view key) const {
  ConfigTree out;
  const auto parts = static_cast<std::ptrdiff_t>(text::split(key, '.').size());
  for (const Entry& entry : entries_) {
    if (!is_below(entry.key, key)) continue;
    out.set(
        {entry.key.substr(key.size() + 1), entry.value, {entry.key_origin.begin() + parts, entry.key_origin.end()}});
  }
  return out;
}

std::vector<std::string> ConfigTree::names(std::string_view key) const {
  std::vector<std::string> out;
  for (const Entry& entry : entries_) {
    if (!key.empty() && !is_below(entry.key, key)) continue;
    const std::string rest = key.empty() ? entry.key : entry.key.substr(key.size() + 1);
    const std::string name = rest.substr(0, rest.find('.'));
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

ConfigTree ConfigTree::replaced_by_block(std::string_view block) const {
  const ConfigTree replacing = below(block);
  ConfigTree out = *this;
  out.erase(block);
  for (const std::string& name : replacing.names()) out.erase(name);
  out.merge(replacing);
  return out;
}

Node ConfigTree::nested() const {
  Node root = Node::map();
  for (const Entry& entry : entries_) insert(root, entry);
  return root;
}

std::string ConfigTree::text(std::string_view key, const std::string& fallback) const {
  return typed(*this, key, fallback);
}
double ConfigTree::number(std::string_view key, double fallback) const {
  return typed(*this, key, fallback);
}
std::int64_t ConfigTree::integer(std::string_view key, std::int64_t fallback) const {
  return typed(*this, key, fallback);
}
bool ConfigTree::boolean(std::string_view key, bool fallback) const {
  return typed(*this, key, fallback);
}

void ConfigTree::index_again() {
  index_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i) index_[entries_[i].key] = i;
}

void apply_overrides(ConfigTree& tree, const std::vector<Override>& overrides, const ConfigTree& defaults) {
  std::vector<Error> problems;
  for (const Override& change : overrides) {
    try {
      apply(tree, change, defaults);
    } catch (const Errors& errors) {
      problems.insert(problems.end(), errors.list().begin(), errors.list().end());
    } catch (const Error& error) {
      problems.push_back(error);
    }
  }
  if (!problems.empty()) throw Errors(std::move(problems));
}

}  // namespace thimble::app
