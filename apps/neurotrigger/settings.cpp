#include "apps/neurotrigger/settings.h"

#include "core/base/error.h"
#include "core/kernels/activation.h"

#include "apps/neurotrigger/data/filters.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

std::string expert_block(int expert) {
  return text::cat("expert_", expert);
}

void check_together(const Settings& s) {
  const auto refuse = [](const std::string& key, const std::string& message, const std::string& hint) {
    throw Error(ErrorKind::config, message, {"", 0, 0, key}, hint);
  };
  if (!s.data.train.empty() && s.data.val.empty())
    refuse("data.val", "data.train names files, data.val does not", "give validation files too: data.val=random2.gz");
  if (s.data.train.empty() && !(s.data.val.empty() && s.data.test.empty()))
    refuse("data.train", "data.val or data.test name files, data.train does not", "give data.train=FILE as well");
  if (s.learning_rate_stages.epochs.size() != s.learning_rate_stages.rates.size())
    refuse("learning_rate_stages", "epochs and rates must have the same number of entries", "one rate per epoch");
  if (!std::is_sorted(s.learning_rate_stages.epochs.begin(), s.learning_rate_stages.epochs.end()))
    refuse("learning_rate_stages.epochs", "the epochs must ascend", "");
  if (s.out_size == 1 && s.z_weight != 0.5)
    refuse("z_weight", "z_weight parts z from theta, but with out_size 1 there is z alone", "leave z_weight out");
  if (s.sample_weight != "none" && s.dist.n_buckets > 0)
    refuse("sample_weight", "dist draws the rows by z already; weights on top would count rare z twice",
           "use dist or sample_weight");
  if (s.experts.empty()) refuse("experts", "no expert is named", "experts=[0,1,2,3,4], or [-1] for one network");
  if (s.uncertainty != "none" && s.model != "SimpleModel" && (s.act == "relu" || s.act == "sigmoid"))
    refuse("uncertainty", text::cat("outputs of ", s.act, " are never negative, so they reach only half of the widths"),
           "act=tanh/2, tanh or softsign");
  const bool joint = std::find(s.experts.begin(), s.experts.end(), -1) != s.experts.end();
  if (joint && s.experts.size() > 1) refuse("experts", "-1 stands alone: one network on all tracks", "experts=[-1]");
}

/// Top-level keys that Settings does not hold.
const std::vector<std::string>& other_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> list = expert_blocks();
    list.emplace_back("extends");
    return list;
  }();
  return keys;
}

}  // namespace

void read_value(const app::Node& node, FileList& value) {
  std::vector<std::string> paths;
  if (node.kind == app::Node::Kind::list)
    app::read_value(node, paths);
  else if (!node.is_null()) {
    paths.emplace_back();
    app::read_value(node, paths.back());
  }
  value.paths = std::move(paths);
}

app::Node write_value(const FileList& value) {
  return app::write_value(value.paths);
}

std::string type_name(const FileList*) {
  return "path or list of paths";
}

std::string filter_fault(const app::Node& node) {
  if (node.is_null()) return "";
  try {
    check_filter(node.text);
  } catch (const Error& e) {
    return e.message();
  }
  return "";
}

std::string activation_fault(const app::Node& node) {
  if (node.kind == app::Node::Kind::list) {
    for (const app::Node& item : node.items)
      if (std::string fault = activation_fault(item); !fault.empty()) return fault;
    return "";
  }
  try {
    act_from_name(node.text);
  } catch (const Error& e) {
    return e.message();
  }
  return "";
}

std::string input_count_fault(const app::Node& node) {
  std::int64_t count = 0;
  const bool known = text::parse(node.text, count) && (count == static_cast<std::int64_t>(kInputs) ||
                                                       count == static_cast<std::int64_t>(kPatternInputs));
  return known ? "" : text::cat("a track has ", kInputs, " inputs, or ", kPatternInputs, " with hit patterns");
}

app::LoadOptions load_options() {
  app::LoadOptions options;
  options.app = "neurotrigger";
  options.exclusive = {{"dist", {"norm", "uniform"}}};
  options.defaults = app::defaults_tree<Settings>();
  Settings settings;
  options.aliases = app::aliases_of(app::fields_of(settings));
  options.blocks = expert_blocks();
  return options;
}

app::ConfigApp config_app() {
  return {load_options(), app::Schema::of<Settings>(), expert_blocks()};
}

const std::vector<std::string>& expert_blocks() {
  static const std::vector<std::string> blocks{"expert_-1", "expert_0", "expert_1", "expert_2", "expert_3", "expert_4"};
  return blocks;
}

RunSettings bind_settings(const app::LoadedConfig& loaded) {
  RunSettings run;
  run.config = loaded.name;
  run.tree = loaded.tree;
  run.all = app::bind_config<Settings>(run.tree, other_keys());
  check_together(run.all);
  std::sort(run.all.experts.begin(), run.all.experts.end());
  run.all.experts.erase(std::unique(run.all.experts.begin(), run.all.experts.end()), run.all.experts.end());
  for (const std::int64_t expert : run.all.experts) run.experts.push_back(static_cast<int>(expert));
  for (const int expert : run.experts) {
    Settings own = app::bind_config<Settings>(run.tree.replaced_by_block(expert_block(expert)), other_keys());
    own.in_size = run.all.in_size;
    own.out_size = run.all.out_size;
    own.experts = run.all.experts;
    own.compare_to = run.all.compare_to;
    own.uncertainty = run.all.uncertainty;
    check_together(own);
    run.own.emplace(expert, std::move(own));
  }
  return run;
}

}  // namespace thimble::neurotrigger
