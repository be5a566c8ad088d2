#pragma once
// Finding configurations, following `extends`, and everything up to the tree that is bound to a schema.

#include "apps/common/cli/context.h"
#include "apps/common/config/tree.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace thimble::app {

struct LoadOptions {
  std::string app;  // "neurotrigger": configs/<app>/NAME.yaml
  /// Folders searched for a bare NAME after configs/<app> of the current folder: THIMBLE_CONFIG_PATH, then the
  /// installed share folder. Empty: the standard ones.
  std::vector<std::string> folders;
  /// An unknown parent is an empty configuration, no sibling is dropped (behaviour of the original trigger tool).
  /// The key `legacy_merge: true` in the file or the overrides does the same.
  bool legacy_merge = false;
  /// Below these keys only one child is kept: when a configuration sets one, an inherited sibling is dropped with a
  /// note. {"dist", {"norm", "uniform"}}
  std::vector<std::pair<std::string, std::vector<std::string>>> exclusive;
  /// Other spellings of keys, so that one spelling overrides the other along the chain: aliases_of in schema.h. They
  /// also hold inside the override blocks, whose names are `blocks`.
  std::vector<std::pair<std::string, std::string>> aliases;
  std::vector<std::string> blocks;
  /// Environment variables and the keys they set: above the files, below the overrides. An empty variable is none.
  std::vector<std::pair<std::string, std::string>> environment;
  /// Another spelling of a value of a key.
  struct Word {
    std::string key, old, now;
  };
  std::vector<Word> words;
  /// Defaults of the schema: lists that `key+=value` appends to. See defaults_tree in schema.h.
  ConfigTree defaults;
  /// For trees in memory (tests, built-in configurations): gives the map of a name, nullopt if unknown.
  std::function<std::optional<Node>(const std::string& name)> builtin;
  /// Folder below each of those in which is looked: "sweeps".
  std::string below;
  /// Say which file was used; off where many are loaded one after the other.
  bool announce = true;
};

struct LoadedConfig {
  std::string name;                // "baseline_v2": stem of the file
  std::string path;                // file used; empty for a built-in
  ConfigTree tree;                 // parents, file, overrides; not yet bound to a schema
  std::vector<std::string> chain;  // files from the configuration to its root
};

/// `config`: path, bare name, a flow mapping in place of a file ("{extends: demo, epochs: 3}", named "inline"), or "-"
/// for standard input. Order, low to high: parents (root first), file, overrides.
/// Every relative path and `extends` belongs to the folder of the file that names it. All problems at once.
LoadedConfig load_config(const std::string& config, const std::vector<Override>& overrides, const LoadOptions& options);

/// The file of a bare name or path; Error(config) listing near names when there is none.
std::string find_config(const std::string& config, const LoadOptions& options);

struct KnownConfig {
  std::string name, path;
};
/// All configurations of the app, nearest folder first, each name once.
std::vector<KnownConfig> known_configs(const LoadOptions& options);
/// Value of its key `description`.
std::string config_description(const KnownConfig& known);

}  // namespace thimble::app
