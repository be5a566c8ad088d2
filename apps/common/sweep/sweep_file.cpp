#include "apps/common/sweep/sweep_file.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/file.h"
#include "core/io/hash.h"
#include "core/io/limits.h"

#include "apps/common/sweep/parameters.h"

#include <algorithm>
#include <filesystem>

namespace thimble::app {
namespace {

/// Keys of a sweep file besides the blocks that hold parameters and settings.
struct SweepKeys {
  struct Metric {
    std::string name, goal;
    std::optional<double> target;
    static void fields(auto& self, auto&& f) {
      f("name", self.name, "metric that ranks the arms");
      f("goal", self.goal, "which end is good", one_of({"minimize", "maximize"}));
      f("target", self.target, "the sweep ends when an arm reaches it");
    }
  };
  struct Search {
    std::optional<std::int64_t> batch;
    std::int64_t patience = 0, seed = 1;
    bool shuffle = false, replacement = false;
    static void fields(auto& self, auto&& f) {
      f("batch", self.batch, "arms proposed at a time, part of the result; null: 16, bayes 1", between(1, 1e6));
      f("patience", self.patience, "arms without a better one before the sweep ends, 0: never", at_least(0));
      f("seed", self.seed, "start of the random numbers that choose settings", at_least(0));
      f("shuffle", self.shuffle, "grid in random order");
      f("replacement", self.replacement, "random: settings may come twice");
    }
  };
  struct Early {
    std::string type;
    std::int64_t min_iter = 0, max_iter = 0, s = 0;
    double eta = 3;
    bool strict = false;
    static void fields(auto& self, auto&& f) {
      f("type", self.type, "hyperband", one_of({"hyperband"}));
      f("min_iter", self.min_iter, "first value of the metric at which arms are compared", between(0, 1e9));
      f("max_iter", self.max_iter, "with s: compared at max_iter / eta, / eta^2, ...", between(0, 1e9));
      f("s", self.s, "so many times", between(0, 100));
      f("eta", self.eta, "one in so many goes on", between(1.01, 1e6));
      f("strict", self.strict, "judge by the present value in place of the best one so far");
    }
  };
  std::string method = "grid", name, description, base, reference, program, project, entity;
  Metric metric;
  std::int64_t run_cap = 0;
  std::vector<std::int64_t> seeds;
  Search search;
  static void fields(auto& self, auto&& f) {
    f("method", self.method, "grid, random or bayes");
    f("name", self.name, "name of the run's folder", path_name);
    f("description", self.description, "what this sweep is for");
    f("base", self.base, "configuration that every arm starts from");
    f("reference", self.reference, "configuration that the others are compared with");
    f("metric", self.metric, "what is searched for");
    f("run_cap", self.run_cap, "most arms, 0: all of a grid", between(0, 1e6));
    f("seeds", self.seeds, "every arm is trained once for each", at_least(0));
    f("search", self.search, "how settings are chosen");
    f("program", self.program, "accepted from W&B files; changes nothing");
    f("project", self.project, "accepted from W&B files; changes nothing");
    f("entity", self.entity, "accepted from W&B files; changes nothing");
  }
};

const std::vector<std::string> kMethods{"grid", "random", "bayes"};
constexpr std::int64_t kUsualBatch = 16;

/// First parts of words of the command line that belong to the sweep, not to its arms.
const std::vector<std::string> kSweepWords{"method", "metric", "run_cap", "seeds", "base", "reference", "search"};
/// Blocks that are read apart.
const std::vector<std::string> kBlocks{"parameters", "vary", "set", "early_terminate", "command"};
/// Keys of W&B files that say how its server starts a training.
const std::vector<std::string> kOfTheServer{"program", "command", "project", "entity"};

LoadOptions sweep_options(const ConfigApp& app) {
  LoadOptions options = app.load;
  options.below = "sweeps";
  return options;
}

bool is_sweep(const Node& root) {
  return root.find("parameters") != nullptr || root.find("vary") != nullptr;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

struct Source {
  Node root = Node::map();
  std::string path;    // of a sweep file
  std::string config;  // name of a configuration
};

Node read_yaml(const std::string& path) {
  return parse_yaml(io::read_file(path, io::limits::kConfigBytes), path);
}

/// What the word of the command line means.
Source source_of(const std::string& word, const ConfigApp& app) {
  Source source;
  if (word.empty()) return source;
  const bool bare = word.find('/') == std::string::npos && !word.ends_with(".yaml") && !word.ends_with(".yml");
  const std::vector<KnownConfig> sweeps = known_sweeps(app);
  const auto known =
      std::find_if(sweeps.begin(), sweeps.end(), [&](const KnownConfig& sweep) { return sweep.name == word; });
  if (bare && known != sweeps.end()) {
    source.path = known->path;
    source.root = read_yaml(source.path);
    return source;
  }
  try {
    const std::string path = find_config(word, app.load);
    if (Node root = read_yaml(path); is_sweep(root)) {
      source.path = path;
      source.root = std::move(root);
    } else {
      source.config = word;
    }
    return source;
  } catch (const Errors&) {
    throw;
  } catch (const Error& error) {
    std::vector<std::string> names;
    for (const KnownConfig& sweep : sweeps) names.push_back(sweep.name);
    throw Error(error.kind(), text::cat("neither a sweep nor a configuration is called '", text::printable(word), "'"),
                error.place(),
                names.empty() ? error.hint() : text::cat("sweeps: ", text::join(names, ", "), "; ", error.hint()));
  }
}

/// Reads everything and keeps what is wrong until the end.
class Reader {
 public:
  explicit Reader(const ConfigApp& app) : app_(app), parameters_(app) {}

  Sweep read(const Source& source, const std::vector<Override>& overrides) {
    sweep_.path = source.path;
    sweep_.base = source.config;
    explain_ignored(source.root);
    if (const Node* node = source.root.find("early_terminate")) read_early(*node);
    if (const Node* node = source.root.find("parameters")) parameters_.read_wandb(*node);
    if (const Node* node = source.root.find("vary")) parameters_.read_lists(*node);
    if (const Node* node = source.root.find("set")) parameters_.read_fixed(*node);
    ConfigTree keys(source.root);
    for (const std::string& block : kBlocks) keys.erase(block);
    for (const Override& word : overrides) read_word(word, keys);
    bind(keys, source);
    check();
    if (!parameters_.problems.empty()) throw Errors(std::move(parameters_.problems));
    sweep_.parameters = std::move(parameters_.parameters);
    sweep_.fixed = std::move(parameters_.fixed);
    return std::move(sweep_);
  }

 private:
  void problem(const Error& error) { parameters_.problems.push_back(error); }

  static void explain_ignored(const Node& root) {
    std::vector<std::string> found;
    for (const std::string& key : kOfTheServer)
      if (root.find(key) != nullptr) found.push_back(key);
    if (!found.empty())
      log::note(text::join(found, ", "), " of the sweep file change", found.size() == 1 ? "s" : "",
                " nothing here: no server starts the trainings, this program does them itself");
  }

  void read_early(const Node& node) {
    SweepKeys::Early keys;
    try {
      bind_fields(fields_of(keys), ConfigTree(node));
    } catch (const Errors& errors) {
      for (const Error& error : errors.list()) problem(error);
      return;
    }
    const auto refuse = [&](const std::string& message, const std::string& hint) {
      problem(config_error(node.origin, "early_terminate", message, hint));
    };
    const std::string example = "early_terminate: {type: hyperband, min_iter: 3}";
    if (keys.type.empty()) refuse("'early_terminate' needs its type", example);
    if ((keys.min_iter > 0) == (keys.max_iter > 0))
      refuse("'early_terminate' needs either min_iter, or max_iter and s", example);
    if (keys.max_iter > 0 && keys.s == 0) refuse("'early_terminate' with max_iter needs s", example);
    sweep_.early_terminate = EarlyTerminate{keys.min_iter, keys.max_iter, keys.s, keys.eta, keys.strict};
  }

  void read_word(const Override& word, ConfigTree& keys) {
    const Origin origin = named_origin("command line: " + word.word);
    if (contains(kSweepWords, word.key.substr(0, word.key.find('.')))) {
      std::vector<Override> one{word};
      apply_overrides(keys, one);
      return;
    }
    if (word.kind != Override::Kind::set) {
      problem(Error(ErrorKind::usage, "a sweep takes key=value and key=[A,B] only", {"", 0, 0, word.word},
                    "put the setting into a configuration that extends the other"));
      return;
    }
    Node value = parse_value(word.value, origin, word.key);
    if (varies(word.key, value)) {
      replace(word.key);
      parameters_.read_list(word.key, value);
    } else if (word.key == kConfigParameter) {
      replace(word.key);
      sweep_.base = value.text;
    } else {
      replace(word.key);
      parameters_.read_fixed(word.key, value);
    }
  }

  /// A word of the command line stands in place of what the file says about the same key.
  void replace(const std::string& key) {
    std::erase_if(parameters_.parameters, [&](const auto& parameter) { return parameter.name == key; });
    std::erase_if(parameters_.fixed, [&](const Override& fixed) { return fixed.key == key; });
  }

  bool varies(const std::string& key, const Node& value) const {
    if (value.kind != Node::Kind::list) return false;
    if (!parameters_.takes_list(key)) return true;
    return !value.items.empty() && std::all_of(value.items.begin(), value.items.end(),
                                               [](const Node& item) { return item.kind == Node::Kind::list; });
  }

  void bind(const ConfigTree& tree, const Source& source) {
    SweepKeys keys;
    try {
      bind_fields(fields_of(keys), tree);
    } catch (const Errors& errors) {
      for (const Error& error : errors.list()) problem(error);
    }
    check_method(keys.method, tree);
    const std::string stem = std::filesystem::path(source.path).stem().string();
    sweep_.name = !keys.name.empty() ? keys.name : !stem.empty() ? stem : !sweep_.base.empty() ? sweep_.base : "sweep";
    sweep_.description = keys.description;
    if (sweep_.base.empty()) sweep_.base = keys.base;
    const bool configs_searched = std::any_of(parameters_.parameters.begin(), parameters_.parameters.end(),
                                              [](const auto& parameter) { return parameter.name == kConfigParameter; });
    if (sweep_.base.empty() && !configs_searched) sweep_.base = app_.sweep_base;
    sweep_.reference = keys.reference;
    sweep_.method = keys.method == "random"  ? SearchMethod::random
                    : keys.method == "bayes" ? SearchMethod::bayes
                                             : SearchMethod::grid;
    sweep_.seeds = keys.seeds;
    sweep_.metric = keys.metric.name;
    if (!keys.metric.goal.empty())
      sweep_.goal = keys.metric.goal == "maximize" ? nn::Goal::max : nn::Goal::min;
    else if (!keys.metric.name.empty())
      sweep_.goal = nn::Goal::min;
    sweep_.goal_value = keys.metric.target;
    sweep_.most_arms = keys.run_cap;
    sweep_.batch = keys.search.batch.value_or(sweep_.method == SearchMethod::bayes ? 1 : kUsualBatch);
    sweep_.patience = keys.search.patience;
    sweep_.seed = keys.search.seed;
    sweep_.shuffle = keys.search.shuffle;
    sweep_.replacement = keys.search.replacement;
  }

  void check_method(const std::string& method, const ConfigTree& tree) {
    if (contains(kMethods, method)) return;
    const Node* node = tree.find("method");
    const std::string near = text::nearest(method, kMethods);
    problem(config_error(
        node == nullptr ? Origin() : node->origin, "method", text::cat("method is '", text::printable(method), "'"),
        near.empty() ? text::cat("built are ", text::join(kMethods, ", ")) : text::cat("did you mean '", near, "'?")));
  }

  void check() {
    const auto named = [&](const std::string& name) {
      return std::any_of(parameters_.parameters.begin(), parameters_.parameters.end(),
                         [&](const auto& parameter) { return parameter.name == name; });
    };
    const Place place{sweep_.path, 0, 0, ""};
    if (parameters_.problems.empty() && parameters_.parameters.empty() && sweep_.seeds.size() < 2)
      problem(Error(ErrorKind::usage, "there is nothing to vary", place,
                    "give lists: learning_rate=[1e-3,3e-3], config=[baseline_v1,baseline_v2], or a sweep file"));
    if (sweep_.base.empty() && !named(kConfigParameter))
      problem(Error(ErrorKind::usage, "which configuration do the arms start from?", place,
                    "name one, give base: NAME in the sweep file, or config=[A,B]"));
    if (!sweep_.seeds.empty() && named("seed"))
      problem(Error(ErrorKind::config, "'seed' is searched and 'seeds' repeats every arm", place, "keep one of them"));
    if (sweep_.method != SearchMethod::grid && sweep_.most_arms == 0)
      problem(Error(ErrorKind::config,
                    text::cat("a ", sweep_.method == SearchMethod::random ? "random" : "Bayesian",
                              " search needs the number of arms"),
                    place, "run_cap: 20"));
    if (sweep_.early_terminate && sweep_.metric.empty())
      problem(Error(ErrorKind::config, "early_terminate needs a metric", place, "metric: {name: NAME}"));
    for (const std::string& name : {sweep_.base, sweep_.reference}) {
      if (name.empty()) continue;
      try {
        find_config(name, app_.load);
      } catch (const Error& error) {
        problem(error);
      }
    }
  }

  const ConfigApp& app_;
  ParameterReader parameters_;
  Sweep sweep_;
};

std::string json_text_of(const std::string& text) {
  return nn::search::Value{text}.json();
}

std::string json_text_of(double number) {
  return nn::search::Value{number}.json();
}

std::string early_text(const Sweep& sweep) {
  if (!sweep.early_terminate) return {};
  const EarlyTerminate& early = *sweep.early_terminate;
  return text::cat("early_terminate: {type: hyperband, min_iter: ", early.min_iter, ", max_iter: ", early.max_iter,
                   ", s: ", early.s, ", eta: ", json_text_of(early.eta), ", strict: ", early.strict, "}\n");
}

std::string entry_text(const nn::search::Choice& choice) {
  const std::string values = nn::search::Value{choice.values}.json();
  if (choice.weights.empty()) return values;
  std::vector<std::string> weights;
  for (const double weight : choice.weights) weights.push_back(json_text_of(weight));
  return text::cat("{values: ", values, ", probabilities: [", text::join(weights, ", "), "]}");
}

std::string entry_text(const nn::search::Whole& whole) {
  return text::cat("{distribution: int_uniform, min: ", whole.low, ", max: ", whole.high, "}");
}

std::string entry_text(const nn::search::Real& real) {
  using Shape = nn::search::Real::Shape;
  const char* name = real.shape == Shape::uniform       ? "uniform"
                     : real.shape == Shape::log_uniform ? "log_uniform_values"
                     : real.shape == Shape::normal      ? "normal"
                                                        : "log_normal";
  const bool bounded = real.shape == Shape::uniform || real.shape == Shape::log_uniform;
  const std::string step = real.whole ? text::cat(static_cast<std::int64_t>(real.step)) : json_text_of(real.step);
  return text::cat(
      "{distribution: ", real.step > 0 ? "q_" : "", name, bounded ? ", min: " : ", mu: ", json_text_of(real.a),
      bounded ? ", max: " : ", sigma: ", json_text_of(real.b), real.step > 0 ? text::cat(", q: ", step) : "", "}");
}

}  // namespace

std::vector<KnownConfig> known_sweeps(const ConfigApp& app) {
  return known_configs(sweep_options(app));
}

Sweep read_sweep(const std::string& word, const std::vector<Override>& overrides, const ConfigApp& app) {
  return Reader(app).read(source_of(word, app), overrides);
}

std::unique_ptr<nn::search::Strategy> strategy_of(const Sweep& sweep, nn::Goal goal, nn::search::Canonical canonical) {
  const auto seed = static_cast<std::uint64_t>(sweep.seed);
  try {
    nn::search::Space space(sweep.parameters, std::move(canonical));
    if (sweep.method == SearchMethod::random)
      return nn::search::random_search(std::move(space), seed, sweep.replacement);
    if (sweep.method == SearchMethod::bayes)
      return nn::search::bayes_search(std::move(space), sweep.goal.value_or(goal), seed);
    return nn::search::grid_search(std::move(space), sweep.shuffle, seed);
  } catch (const Error& error) {
    throw Error(ErrorKind::config, text::cat("'", error.place().name, "': ", error.message()),
                {sweep.path, 0, 0, error.place().name}, error.hint());
  }
}

nn::search::StudyOptions study_options(const Sweep& sweep, const std::string& metric, nn::Goal goal) {
  nn::search::StudyOptions options;
  options.metric = sweep.metric.empty() ? metric : sweep.metric;
  options.goal = sweep.goal.value_or(goal);
  options.goal_value = sweep.goal_value;
  options.batch = static_cast<std::size_t>(sweep.batch);
  options.repeats = std::max<std::size_t>(1, sweep.seeds.size());
  options.most_arms = static_cast<std::size_t>(sweep.most_arms);
  options.patience = static_cast<std::size_t>(sweep.patience);
  if (const auto& early = sweep.early_terminate)
    options.early_stop = nn::search::EarlyStop{
        early->min_iter > 0 ? nn::search::rungs_from(static_cast<std::size_t>(early->min_iter), early->eta)
                            : nn::search::rungs_below(static_cast<std::size_t>(early->max_iter),
                                                      static_cast<std::size_t>(early->s), early->eta),
        early->eta, early->strict};
  return options;
}

ArmConfig config_of(const Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat) {
  ArmConfig arm{sweep.base, sweep.fixed};
  const auto set = [&arm](const std::string& key, const std::string& text) {
    arm.overrides.push_back({Override::Kind::set, key, text, text::cat(key, "=", text)});
  };
  for (const auto& [key, value] : values) {
    if (key == kConfigParameter)
      arm.config = value.str();
    else
      set(key, value.json());
  }
  if (!sweep.seeds.empty()) set("seed", text::to_text(sweep.seeds[repeat]));
  return arm;
}

std::string sweep_yaml(const Sweep& sweep) {
  std::string out = text::cat("name: ", json_text_of(sweep.name), "\ndescription: ", json_text_of(sweep.description),
                              "\nmethod: ", kMethods[static_cast<std::size_t>(sweep.method)], "\n");
  const auto line = [&out](const std::string& key, const std::string& value) {
    if (!value.empty()) out += text::cat(key, ": ", json_text_of(value), "\n");
  };
  line("base", sweep.base);
  line("reference", sweep.reference);
  if (!sweep.metric.empty() || sweep.goal || sweep.goal_value) {
    out += "metric:\n";
    line("  name", sweep.metric);
    if (sweep.goal) out += text::cat("  goal: ", *sweep.goal == nn::Goal::max ? "maximize" : "minimize", "\n");
    if (sweep.goal_value) out += text::cat("  target: ", json_text_of(*sweep.goal_value), "\n");
  }
  std::vector<std::string> seeds;
  for (const std::int64_t seed : sweep.seeds) seeds.push_back(text::to_text(seed));
  out +=
      text::cat("run_cap: ", sweep.most_arms, "\nseeds: [", text::join(seeds, ", "), "]\nsearch: {batch: ", sweep.batch,
                ", patience: ", sweep.patience, ", seed: ", sweep.seed, ", shuffle: ", sweep.shuffle,
                ", replacement: ", sweep.replacement, "}\n", early_text(sweep), "vary:\n");
  for (const nn::search::Parameter& parameter : sweep.parameters)
    out += text::cat("  ", json_text_of(parameter.name), ": ",
                     std::visit([](const auto& domain) { return entry_text(domain); }, parameter.domain), "\n");
  if (!sweep.fixed.empty()) out += "set:\n";
  for (const Override& fixed : sweep.fixed) out += text::cat("  ", json_text_of(fixed.key), ": ", fixed.value, "\n");
  return out;
}

std::string identity_of(const Sweep& sweep, const std::string& configs) {
  std::string what =
      text::cat(nn::search::Space(sweep.parameters).description(), "\n", sweep.base, "\n", configs, "\n");
  for (const Override& fixed : sweep.fixed) what += fixed.word + "\n";
  for (const std::int64_t seed : sweep.seeds) what += text::cat("seed ", seed, "\n");
  what += text::cat(sweep.method == SearchMethod::random, sweep.shuffle, sweep.replacement, " ", sweep.seed, " ",
                    sweep.batch, sweep.method == SearchMethod::bayes ? "bayes" : "", early_text(sweep));
  // these steer a Bayesian search and early ends, and nothing else
  if (sweep.method == SearchMethod::bayes || sweep.early_terminate)
    what += text::cat(sweep.metric, sweep.goal == nn::Goal::max);
  return text::cat(R"({"format":"thimble.journal/1","sweep":)", json_text_of(io::sha256_hex(what)), "}");
}

}  // namespace thimble::app
