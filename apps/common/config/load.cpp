#include "apps/common/config/load.h"

#include "core/io/file.h"
#include "core/io/limits.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>

namespace thimble::app {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> standard_folders(const std::string& app) {
  std::vector<std::string> folders;
  if (const char* path = std::getenv("THIMBLE_CONFIG_PATH"); path != nullptr) {
    for (const std::string& folder : text::split(path, ':')) {
      if (!folder.empty()) folders.push_back(folder);
    }
  }
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty())
    folders.push_back((program.parent_path().parent_path() / "share/thimble/configs" / app).string());
  return folders;
}

/// Folders a bare name is looked up in, nearest first.
std::vector<std::string> search_folders(const LoadOptions& options) {
  std::vector<std::string> folders = {"configs/" + options.app};
  const auto& more = options.folders.empty() ? standard_folders(options.app) : options.folders;
  folders.insert(folders.end(), more.begin(), more.end());
  if (!options.below.empty())
    for (std::string& folder : folders) folder += "/" + options.below;
  return folders;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

bool looks_like_path(const std::string& config) {
  return config.find('/') != std::string::npos || config.ends_with(".yaml") || config.ends_with(".yml") ||
         config.ends_with(".json");
}

bool is_config_file(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

std::string in_folders(const std::string& name, const LoadOptions& options) {
  for (const std::string& folder : search_folders(options)) {
    const std::string path = folder + "/" + name + ".yaml";
    if (exists(path)) return path;
  }
  return {};
}

std::string near_names(const std::string& name, const LoadOptions& options) {
  std::vector<std::string> names;
  for (const KnownConfig& known : known_configs(options)) names.push_back(known.name);
  const std::string near = text::nearest(name, names);
  if (!near.empty()) return text::cat("did you mean '", near, "'?");
  if (names.empty()) return "give the path of a YAML file";
  if (names.size() > 12) names.resize(12);
  return text::cat("known are ", text::join(names, ", "));
}

/// `path` is below `folder` once all links are followed.
bool inside(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return false;
  const fs::path root = fs::canonical(folder.empty() ? "." : folder, error);
  if (error) return false;
  return std::mismatch(root.begin(), root.end(), real.begin(), real.end()).first == root.end();
}

/// The key that stands for `key`: an alias at the top or in an override block is replaced, other keys stay.
std::string canonical_key(const std::string& key, const LoadOptions& options) {
  std::string block;
  for (const std::string& name : options.blocks)
    if (key.starts_with(name + ".")) block = name + ".";
  const std::string inner = key.substr(block.size());
  for (const auto& [alias, canonical] : options.aliases)
    if (inner == alias) return block + canonical;
  return key;
}

/// The tree under canonical keys. A tree that sets a key under both spellings keeps them; binding refuses it.
ConfigTree canonical_tree(const ConfigTree& tree, const LoadOptions& options) {
  ConfigTree out;
  for (ConfigTree::Entry entry : tree.entries()) {
    const std::string key = canonical_key(entry.key, options);
    if (!tree.has(key)) entry.key = key;
    out.set(std::move(entry));
  }
  return out;
}

std::vector<Override> canonical_overrides(std::vector<Override> overrides, const LoadOptions& options) {
  for (Override& change : overrides) change.key = canonical_key(change.key, options);
  return overrides;
}

/// One configuration of a chain.
struct Link {
  std::string name, path;  // path empty: built-in or standard input
  ConfigTree tree;
};

/// Reads a configuration and its parents.
class Chain {
 public:
  Chain(const LoadOptions& options, bool legacy) : options_(options), legacy_(legacy) {}

  /// Root parent last.
  std::vector<Link> read(const std::string& config) {
    links_.push_back(first(config));
    legacy_ = legacy_ || links_.front().tree.boolean("legacy_merge", false);
    allowed_ = search_folders(options_);
    if (!links_.front().path.empty()) allowed_.push_back(fs::path(links_.front().path).parent_path().string());
    while (next()) {
    }
    return std::move(links_);
  }

  bool legacy() const { return legacy_; }

 private:
  Link first(const std::string& config) const {
    if (config == "-") {
      std::string text(std::istreambuf_iterator<char>(std::cin), {});
      return {"stdin", "", ConfigTree(parse_yaml(text, "standard input"))};
    }
    if (config.starts_with('{'))
      return {"inline", "", ConfigTree(parse_yaml(config, "configuration on the command line"))};
    if (options_.builtin && !looks_like_path(config)) {
      if (std::optional<Node> node = options_.builtin(config)) return {config, "", ConfigTree(*node)};
    }
    const std::string path = find_config(config, options_);
    const std::string text = io::read_file(path, io::limits::kConfigBytes);
    return {fs::path(path).stem().string(), path, ConfigTree(parse_yaml(text, path))};
  }

  /// Adds the parent of the last link; false at the root.
  bool next() {
    const Link& child = links_.back();
    const Node* extends = child.tree.find("extends");
    if (extends == nullptr || extends->is_null() || extends->text.empty()) return false;
    if (extends->kind != Node::Kind::scalar) {
      throw config_error(extends->origin, "", "extends is a list; a configuration extends one other");
    }
    std::optional<Link> parent = find_parent(child, *extends);
    if (!parent) return false;
    check_cycle(*parent, *extends);
    links_.push_back(std::move(*parent));
    if (links_.size() > static_cast<std::size_t>(io::limits::kExtendsChain)) {
      throw config_error(
          extends->origin, "",
          text::cat("the chain of extends is longer than ", io::limits::kExtendsChain, ": ", chain_text("")));
    }
    return true;
  }

  std::optional<Link> find_parent(const Link& child, const Node& extends) const {
    const std::string& name = extends.text;
    if (options_.builtin && !looks_like_path(name)) {
      if (std::optional<Node> node = options_.builtin(name)) return Link{name, "", ConfigTree(*node)};
    }
    const std::string path = parent_path(child, name);
    if (path.empty()) {
      if (legacy_) return std::nullopt;  // an unknown parent is an empty configuration there
      throw config_error(extends.origin, "", text::cat("no configuration '", text::printable(name), "' to extend"),
                         near_names(name, options_));
    }
    check_confined(path, extends);
    return Link{fs::path(path).stem().string(), path, parent_tree(path, extends)};
  }

  std::string parent_path(const Link& child, const std::string& name) const {
    const fs::path folder = fs::path(child.path).parent_path();
    const std::string beside = (folder / (looks_like_path(name) ? name : name + ".yaml")).string();
    if (exists(beside) || (looks_like_path(name) && fs::is_symlink(beside))) return beside;
    return looks_like_path(name) ? "" : in_folders(name, options_);
  }

  void check_confined(const std::string& path, const Node& extends) const {
    const bool confined =
        std::any_of(allowed_.begin(), allowed_.end(), [&](const std::string& folder) { return inside(path, folder); });
    if (confined && is_config_file(path)) return;
    throw config_error(extends.origin, "",
                       text::cat("extends names ", text::printable(extends.text),
                                 ", which is no configuration below the folder of this file or among the shipped ones"),
                       "copy it beside this file as NAME.yaml");
  }

  /// The content of a parent is never shown, in case it is no configuration at all.
  static ConfigTree parent_tree(const std::string& path, const Node& extends) {
    try {
      return ConfigTree(parse_yaml(io::read_file(path, io::limits::kConfigBytes), path, false));
    } catch (const Errors& errors) {
      std::vector<Error> list = errors.list();
      list.push_back(config_error(extends.origin, "", "this configuration extends the one above"));
      throw Errors(std::move(list));
    }
  }

  static std::string identity(const Link& link) {
    std::error_code error;
    if (link.path.empty()) return link.name;
    const fs::path real = fs::canonical(link.path, error);
    return error ? link.path : real.string();
  }

  void check_cycle(const Link& parent, const Node& extends) const {
    const bool again =
        std::any_of(links_.begin(), links_.end(), [&](const Link& link) { return identity(link) == identity(parent); });
    if (again) throw config_error(extends.origin, "", text::cat("extends goes in a circle: ", chain_text(parent.name)));
  }

  std::string chain_text(const std::string& last) const {
    std::string out;
    for (const Link& link : links_) out += (out.empty() ? "" : " -> ") + text::printable(link.name);
    return last.empty() ? out : out + " -> " + text::printable(last);
  }

  const LoadOptions& options_;
  bool legacy_;
  std::vector<Link> links_;
  std::vector<std::string> allowed_;
};

/// Outside the legacy form a null takes the place of a block, a block that of a null.
void clear_for_null(ConfigTree& tree, const ConfigTree& child) {
  for (const ConfigTree::Entry& entry : child.entries()) {
    if (entry.value.is_null() && tree.find(entry.key) == nullptr) tree.erase(entry.key);
    for (std::size_t dot = entry.key.find('.'); dot != std::string::npos; dot = entry.key.find('.', dot + 1)) {
      const Node* above = tree.find(entry.key.substr(0, dot));
      if (above != nullptr && above->is_null()) tree.erase(entry.key.substr(0, dot));
    }
  }
}

/// One of several exclusive children set anew: the inherited siblings go.
void drop_siblings(ConfigTree& tree, const ConfigTree& child, const LoadOptions& options) {
  for (const auto& choice : options.exclusive) {
    const std::string& branch = choice.first;
    const auto set = [&](const std::string& name) { return child.has(branch + "." + name); };
    if (std::none_of(choice.second.begin(), choice.second.end(), set)) continue;
    for (const std::string& name : choice.second) {
      if (set(name) || tree.erase(branch + "." + name) == 0) continue;
      log::note("inherited ", branch, ".", name, " dropped, because another choice is set in its place");
    }
  }
}

void merge(ConfigTree& tree, const ConfigTree& child, const LoadOptions& options, bool legacy) {
  if (!legacy) {
    drop_siblings(tree, child, options);
    clear_for_null(tree, child);
  }
  tree.merge(child);
}

/// Values that the environment sets.
void merge_environment(ConfigTree& tree, const LoadOptions& options) {
  for (const auto& [variable, key] : options.environment) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    Node node = Node::scalar(value);
    node.origin = named_origin("environment variable " + variable);
    tree.set(key, std::move(node));
    log::debug(key, " comes from the environment variable ", variable);
  }
}

void spell_words(ConfigTree& tree, const LoadOptions& options) {
  for (const LoadOptions::Word& word : options.words) {
    const Node* node = tree.find(word.key);
    if (node == nullptr || node->kind != Node::Kind::scalar || node->text != word.old) continue;
    Node now = *node;
    now.text = word.now;
    tree.set(word.key, std::move(now));
  }
}

bool wants_legacy(const std::vector<Override>& overrides) {
  return std::any_of(overrides.begin(), overrides.end(), [](const Override& change) {
    return change.key == "legacy_merge" && (change.value == "true" || change.value == "yes");
  });
}

/// The overrides, with siblings dropped as a file would do.
void merge_overrides(ConfigTree& tree, const std::vector<Override>& overrides, const LoadOptions& options,
                     bool legacy) {
  ConfigTree set;
  for (const Override& change : overrides) {
    if (change.kind == Override::Kind::set) apply_overrides(set, {change});
  }
  if (!legacy) {
    drop_siblings(tree, set, options);
    clear_for_null(tree, set);
  }
  apply_overrides(tree, overrides, options.defaults);
}

std::string description_of(const std::string& path) {
  try {
    return ConfigTree(parse_yaml(io::read_file(path, io::limits::kConfigBytes), path)).text("description");
  } catch (const Error&) {
    return "(cannot be read)";
  }
}

}  // namespace

std::string find_config(const std::string& config, const LoadOptions& options) {
  if (exists(config)) return config;
  if (!looks_like_path(config)) {
    if (std::string path = in_folders(config, options); !path.empty()) return path;
    throw Error(ErrorKind::config, text::cat("no configuration '", text::printable(config), "'"), {},
                near_names(config, options));
  }
  throw Error(ErrorKind::config, "no such configuration file", Place{config, 0, 0, ""},
              near_names(fs::path(config).stem().string(), options));
}

LoadedConfig load_config(const std::string& config, const std::vector<Override>& given, const LoadOptions& options) {
  const std::vector<Override> overrides = canonical_overrides(given, options);
  Chain chain(options, options.legacy_merge || wants_legacy(overrides));
  std::vector<Link> links = chain.read(config);
  LoadedConfig out;
  out.name = links.front().name;
  out.path = links.front().path;
  for (const Link& link : links) out.chain.push_back(link.path.empty() ? link.name : link.path);
  for (auto link = links.rbegin(); link != links.rend(); ++link)
    merge(out.tree, canonical_tree(link->tree, options), options, chain.legacy());
  merge_environment(out.tree, options);
  merge_overrides(out.tree, overrides, options, chain.legacy());
  spell_words(out.tree, options);
  static_cast<void>(out.tree.nested());  // a key that is value and block at once is found here
  if (options.announce) log::note("configuration ", out.path.empty() ? out.name : out.path);
  return out;
}

std::vector<KnownConfig> known_configs(const LoadOptions& options) {
  std::vector<KnownConfig> known;
  for (const std::string& folder : search_folders(options)) {
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
      const std::string name = fs::path(path).stem().string();
      const auto same = [&](const KnownConfig& other) { return other.name == name; };
      if (std::none_of(known.begin(), known.end(), same)) known.push_back({name, path});
    }
  }
  return known;
}

std::string config_description(const KnownConfig& known) {
  return description_of(known.path);
}

}  // namespace thimble::app
