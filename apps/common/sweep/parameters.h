#pragma once
// Entries of the blocks `parameters` (the format of W&B sweep files) and `vary` (lists) as parameters of a space, every
// value checked against the application's settings.

#include "nn/search/space.h"

#include "apps/common/config/verb.h"

#include <optional>
#include <string>
#include <vector>

namespace thimble::app {

/// Gathers parameters and fixed settings and everything that is wrong with them.
class ParameterReader {
 public:
  explicit ParameterReader(const ConfigApp& app) : app_(app) {}

  /// A W&B `parameters` map: entries sorted by name, nested `parameters` joined by dots; single values become fixed.
  void read_wandb(const Node& map);
  /// A map from keys to lists of values, or to entries as in `parameters`, in the order written.
  void read_lists(const Node& map);
  /// One key with a list of values.
  void read_list(const std::string& key, const Node& list);
  /// Settings that are the same in all arms; blocks are taken apart.
  void read_fixed(const Node& map);
  void read_fixed(const std::string& key, const Node& value);
  /// The setting `key` takes a list itself.
  bool takes_list(const std::string& key) const;

  std::vector<nn::search::Parameter> parameters;
  std::vector<Override> fixed;
  std::vector<Error> problems;

 private:
  void read_entry(const std::string& name, const Node& node, std::vector<nn::search::Parameter>& out);
  nn::search::Parameter numbers(const std::string& name, const Node& node, const std::string& distribution) const;
  /// Nothing when a value was wrong, which is then among the problems.
  std::optional<nn::search::Parameter> choice(const std::string& name, const Node& list, const Node* probabilities);
  void check_draws(const nn::search::Parameter& parameter, const Origin& origin);
  void add(nn::search::Parameter parameter, const Origin& origin);
  Node checked(const std::string& key, const Node& value) const;
  template <class Work>
  void guarded(const Work& work);

  const ConfigApp& app_;
};

/// A scalar or list of a configuration as a value of a search. Throws Error(config) for a map.
nn::search::Value value_of(const Node& node, const std::string& key);

}  // namespace thimble::app
