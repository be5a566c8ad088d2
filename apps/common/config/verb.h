#pragma once
// The `config` verb: show, check and explain settings.

#include "apps/common/cli/context.h"
#include "apps/common/config/load.h"
#include "apps/common/config/schema.h"

namespace thimble::app {

/// What the verb needs to know of an application.
struct ConfigApp {
  LoadOptions load;
  Schema schema;
  /// Patterns of top-level keys whose blocks hold overrides of any other key: {"expert_0", ...}.
  std::vector<std::string> override_blocks;
  /// Configuration that sweeps start from when they name none; empty: they must.
  std::string sweep_base = {};
};

/// Loads, binds and checks everything including the override blocks; throws Errors with all problems.
LoadedConfig check_config(const std::string& config, const std::vector<Override>& overrides, const ConfigApp& app);

/// The resolved configuration as it goes into a run folder: comments with meaning and origin, override blocks last.
std::string resolved_yaml(const LoadedConfig& loaded, const ConfigApp& app);

/// The known configurations as the verb's --list shows them; 0.
int list_configs(Context& context, const ConfigApp& app);
/// The resolved configuration as the verb shows it; 0.
int print_config(Context& context, const ConfigApp& app, const LoadedConfig& loaded);

/// Keys, values behind key=, and names of configurations: for Program::complete.
std::vector<std::string> complete_config(const Verb& verb, const std::string& word, const ConfigApp& app);

/// `config NAME`, --diff, --explain KEY, --check, --list, --schema [--json], --completion SHELL, --man.
Verb config_verb(ConfigApp app);

}  // namespace thimble::app
