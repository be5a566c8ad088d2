#pragma once
// What a sweep is asked to do, read from a sweep file (the format of W&B, and ours on top of it) or from lists on the
// command line.

#include "nn/search/study.h"

#include "apps/common/config/verb.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace thimble::app {

/// The key that names a configuration instead of one of its settings.
inline constexpr const char* kConfigParameter = "config";

/// How arms are chosen.
enum class SearchMethod { grid, random, bayes };

/// Ends arms that fall behind: `early_terminate` of W&B files, type hyperband. Either min_iter is above zero, or
/// max_iter and s are.
struct EarlyTerminate {
  std::int64_t min_iter = 0, max_iter = 0, s = 0;
  double eta = 3;
  bool strict = false;
};

struct Sweep {
  std::string name, description;
  std::string path;  // of the sweep file; empty: from the command line
  std::string base;  // configuration that every arm starts from, unless `config` is searched
  SearchMethod method = SearchMethod::grid;
  std::vector<nn::search::Parameter> parameters;
  std::vector<Override> fixed;      // settings of all arms
  std::vector<std::int64_t> seeds;  // one training of every arm for each; empty: the seed of the configuration
  std::string metric;               // empty: the application's own
  std::optional<nn::Goal> goal;
  std::optional<double> goal_value;
  std::string reference;  // configuration that the others are compared with; empty: the application's own
  std::int64_t most_arms = 0, batch = 16, patience = 0, seed = 1;
  bool shuffle = false, replacement = false;
  std::optional<EarlyTerminate> early_terminate;
};

/// Reads the sweep of a command line: `word` names a sweep file (a path, or NAME in configs/<app>/sweeps), a
/// configuration, or nothing; `overrides` add or fix parameters: learning_rate=[1e-3,3e-3] tries two values of a
/// setting that takes one, config=[a,b] two configurations, seeds=[1,2] repeats every arm, any other setting is the
/// same in all arms. Throws Errors with every problem and its place.
Sweep read_sweep(const std::string& word, const std::vector<Override>& overrides, const ConfigApp& app);

/// The strategy of the sweep; `goal` stands in when the sweep names none. Throws Error(config) when a grid meets a
/// continuous parameter. `canonical`: see nn::search::Space; a grid has every combination all the same.
std::unique_ptr<nn::search::Strategy> strategy_of(const Sweep& sweep, nn::Goal goal = nn::Goal::min,
                                                  nn::search::Canonical canonical = {});

/// Options of the study; `metric` and `goal` stand in when the sweep names none.
nn::search::StudyOptions study_options(const Sweep& sweep, const std::string& metric, nn::Goal goal);

/// Configuration and overrides of an arm; `repeat` chooses the seed.
struct ArmConfig {
  std::string config;
  std::vector<Override> overrides;
};
ArmConfig config_of(const Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat);

/// The sweep as a file that read_sweep reads back to the same sweep.
std::string sweep_yaml(const Sweep& sweep);

/// One line that is equal for sweeps whose trials are interchangeable: first record of the journal. `configs` is text
/// that changes with the configurations behind the sweep.
std::string identity_of(const Sweep& sweep, const std::string& configs);

/// Known sweep files of the application: name and path.
std::vector<KnownConfig> known_sweeps(const ConfigApp& app);

}  // namespace thimble::app
