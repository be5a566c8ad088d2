#include "apps/common/sweep/parameters.h"

#include "apps/common/sweep/sweep_file.h"

#include <algorithm>
#include <cmath>

namespace thimble::app {
namespace {

using nn::search::Choice;
using nn::search::Parameter;
using nn::search::Real;
using nn::search::Value;
using nn::search::Whole;

const std::vector<std::string> kEntryKeys{"value", "values", "probabilities", "distribution", "min", "max", "mu",
                                          "sigma", "q",      "parameters"};
const std::vector<std::string> kDistributions{"constant",
                                              "categorical",
                                              "categorical_w_probabilities",
                                              "int_uniform",
                                              "uniform",
                                              "q_uniform",
                                              "log_uniform",
                                              "q_log_uniform",
                                              "log_uniform_values",
                                              "q_log_uniform_values",
                                              "inv_log_uniform",
                                              "inv_log_uniform_values",
                                              "normal",
                                              "q_normal",
                                              "log_normal",
                                              "q_log_normal"};

/// The key that another spelling stands for.
std::string spelled_out(const std::string& key, const LoadOptions& options) {
  for (const auto& [alias, canonical] : options.aliases)
    if (alias == key) return canonical;
  return key;
}

/// The value where an older word of it is still understood.
Node spelled_now(const std::string& key, Node value, const LoadOptions& options) {
  for (const LoadOptions::Word& word : options.words)
    if (word.key == key && value.kind == Node::Kind::scalar && value.text == word.old) {
      value.text = word.now;
      return value;
    }
  return value;
}

/// The field of a dotted key, aliases included; what keeps its object alive is in `holder`.
std::optional<Field> field_at(const FieldList& fields, const std::string& key) {
  const std::size_t dot = key.find('.');
  const std::string first = key.substr(0, dot);
  for (const Field& field : fields) {
    const bool named =
        field.key == first || std::find(field.aliases.begin(), field.aliases.end(), first) != field.aliases.end();
    if (!named) continue;
    if (dot == std::string::npos) return field;
    if (field.form == Field::Form::block) return field_at(field.block(), key.substr(dot + 1));
  }
  return std::nullopt;
}

/// The key behind expert_3. and the like: those blocks hold any other setting.
std::string without_block(const std::string& key, const std::vector<std::string>& blocks) {
  for (const std::string& block : blocks)
    if (key.starts_with(block + ".")) return key.substr(block.size() + 1);
  return key;
}

double number(const Node& entry, const char* key, const std::string& name, std::optional<double> fallback = {}) {
  const Node* node = entry.find(key);
  if (node == nullptr) {
    if (fallback) return *fallback;
    throw config_error(entry.origin, name, text::cat("'", name, "' needs '", key, "'"));
  }
  double value = 0;
  try {
    read_value(*node, value);
  } catch (const Error& error) {
    throw config_error(node->origin, name, text::cat(name, ".", key, error.message()));
  }
  return value;
}

bool is_whole(const Node* node) {
  return node != nullptr && scalar_type(*node) == ScalarType::integer;
}

/// What W&B takes when no distribution is named.
std::string default_distribution(const Node& entry) {
  if (entry.find("value") != nullptr) return "constant";
  if (entry.find("values") != nullptr)
    return entry.find("probabilities") != nullptr ? "categorical_w_probabilities" : "categorical";
  if (entry.find("mu") != nullptr || entry.find("sigma") != nullptr) return "normal";
  return is_whole(entry.find("min")) && is_whole(entry.find("max")) ? "int_uniform" : "uniform";
}

std::string distribution_of(const Node& entry, const std::string& name) {
  const Node* node = entry.find("distribution");
  if (node == nullptr) return default_distribution(entry);
  if (std::find(kDistributions.begin(), kDistributions.end(), node->text) != kDistributions.end()) return node->text;
  const std::string near = text::nearest(node->text, kDistributions);
  throw config_error(node->origin, name,
                     text::cat("'", name, "': the distribution '", text::printable(node->text), "' is not built"),
                     near.empty() ? text::cat("built are ", text::join(kDistributions, ", "))
                                  : text::cat("did you mean '", near, "'?"));
}

void check_entry_keys(const Node& entry, const std::string& name) {
  for (std::size_t i = 0; i < entry.keys.size(); ++i) {
    if (std::find(kEntryKeys.begin(), kEntryKeys.end(), entry.keys[i]) != kEntryKeys.end()) continue;
    const std::string near = text::nearest(entry.keys[i], kEntryKeys);
    throw config_error(entry.key_origin[i], name,
                       text::cat("unknown key '", text::printable(entry.keys[i]), "' in '", name, "'"),
                       near.empty() ? text::cat("a parameter has ", text::join(kEntryKeys, ", "))
                                    : text::cat("did you mean '", near, "'?"));
  }
}

}  // namespace

Value value_of(const Node& node, const std::string& key) {
  switch (node.kind) {
    case Node::Kind::null:
      return {};
    case Node::Kind::map:
      throw config_error(node.origin, key, text::cat("'", key, "': a value is a scalar or a list, not a block"));
    case Node::Kind::list: {
      Value::List list;
      for (const Node& item : node.items) list.push_back(value_of(item, key));
      return {std::move(list)};
    }
    default:
      break;
  }
  std::int64_t whole = 0;
  double real = 0;
  switch (scalar_type(node)) {
    case ScalarType::null:
      return {};
    case ScalarType::boolean:
      return {text::lower(node.text) == "true" || text::lower(node.text) == "yes" || text::lower(node.text) == "on"};
    case ScalarType::integer:
      read_value(node, whole);
      return {whole};
    case ScalarType::number:
      read_value(node, real);
      return {real};
    default:
      return {node.text};
  }
}

template <class Work>
void ParameterReader::guarded(const Work& work) {
  try {
    work();
  } catch (const Errors& errors) {
    problems.insert(problems.end(), errors.list().begin(), errors.list().end());
  } catch (const Error& error) {
    problems.push_back(error);
  }
}

/// The value as the settings would write it: numbers at their shortest, paths absolute. Throws Errors at its place.
Node ParameterReader::checked(const std::string& key, const Node& value) const {
  if (key == kConfigParameter) {
    try {
      find_config(value.text, app_.load);
    } catch (const Error& error) {
      throw config_error(value.origin, key, error.message(), error.hint());
    }
    return value;
  }
  const std::string plain = spelled_out(without_block(key, app_.override_blocks), app_.load);
  const auto [object, fields] = app_.schema.fresh();
  ConfigTree one;
  one.set(plain, spelled_now(plain, value, app_.load));
  bind_fields(fields, one);
  return field_at(fields, plain)->get();
}

bool ParameterReader::takes_list(const std::string& key) const {
  const auto [object, fields] = app_.schema.fresh();
  const auto field = field_at(fields, spelled_out(without_block(key, app_.override_blocks), app_.load));
  return field && field->get && field->get().kind == Node::Kind::list;
}

std::optional<Parameter> ParameterReader::choice(const std::string& name, const Node& list, const Node* probabilities) {
  const std::size_t before = problems.size();
  if (list.kind != Node::Kind::list)
    throw config_error(list.origin, name, text::cat("'", name, "' needs a list of values"),
                       text::cat(name, ": [A, B]"));
  Choice out;
  for (const Node& item : list.items)
    guarded([&] { out.values.push_back(value_of(item.kind == Node::Kind::map ? item : checked(name, item), name)); });
  if (probabilities != nullptr) read_value(*probabilities, out.weights);
  if (problems.size() > before) return std::nullopt;
  return Parameter{name, std::move(out)};
}

Parameter ParameterReader::numbers(const std::string& name, const Node& node, const std::string& distribution) const {
  const bool stepped = distribution.starts_with("q_");
  const std::string plain = stepped ? distribution.substr(2) : distribution;
  Real real;
  if (stepped) real.step = number(node, "q", name, 1.0);
  real.whole = stepped && (node.find("q") == nullptr || is_whole(node.find("q")));
  if (plain == "normal" || plain == "log_normal") {
    real.shape = plain == "normal" ? Real::Shape::normal : Real::Shape::log_normal;
    real.a = number(node, "mu", name, 0.0);
    real.b = number(node, "sigma", name, 1.0);
    return {name, real};
  }
  real.a = number(node, "min", name);
  real.b = number(node, "max", name);
  real.shape = plain == "uniform" ? Real::Shape::uniform : Real::Shape::log_uniform;
  if (plain == "log_uniform") {  // bounds are exponents
    real.a = std::exp(real.a);
    real.b = std::exp(real.b);
  } else if (plain == "inv_log_uniform") {  // bounds are those of log(1/x)
    const double low = std::exp(-real.b);
    real.b = std::exp(-real.a);
    real.a = low;
  }
  return {name, real};
}

/// Some draws of a range are bound as a test: the type of the setting and the ends of its range.
void ParameterReader::check_draws(const Parameter& parameter, const Origin& origin) {
  const auto* real = std::get_if<Real>(&parameter.domain);
  const bool endless =
      real != nullptr && (real->shape == Real::Shape::normal || real->shape == Real::Shape::log_normal);
  for (const double u : {0.0, 0.371, 1.0}) {
    if (endless && (u == 0 || u == 1)) continue;
    Node drawn = Node::scalar(parameter.at(u).json());
    drawn.origin = origin;
    checked(parameter.name, drawn);
  }
}

void ParameterReader::add(Parameter parameter, const Origin& origin) {
  try {
    static_cast<void>(nn::search::Space({parameter}));
  } catch (const Error& error) {
    throw config_error(origin, parameter.name, text::cat("'", parameter.name, "': ", error.message()));
  }
  if (!std::holds_alternative<Choice>(parameter.domain)) check_draws(parameter, origin);
  parameters.push_back(std::move(parameter));
}

void ParameterReader::read_entry(const std::string& name, const Node& node, std::vector<Parameter>& out) {
  if (node.kind != Node::Kind::map)
    throw config_error(node.origin, name, text::cat("'", name, "' is no parameter"),
                       text::cat("write ", name, ": {values: [A, B]}, or put it below 'set'"));
  check_entry_keys(node, name);
  if (const Node* inner = node.find("parameters")) {
    for (std::size_t i = 0; i < inner->keys.size(); ++i)
      read_entry(text::cat(name, ".", inner->keys[i]), inner->items[i], out);
    return;
  }
  const std::string distribution = distribution_of(node, name);
  const auto needed = [&](const char* key) -> const Node& {
    const Node* found = node.find(key);
    if (found == nullptr) throw config_error(node.origin, name, text::cat("'", name, "' needs '", key, "'"));
    return *found;
  };
  if (distribution == "constant") {
    read_fixed(name, needed("value"));
  } else if (distribution == "categorical") {
    if (auto listed = choice(name, needed("values"), nullptr)) out.push_back(std::move(*listed));
  } else if (distribution == "categorical_w_probabilities") {
    if (auto listed = choice(name, needed("values"), &needed("probabilities"))) out.push_back(std::move(*listed));
  } else if (distribution == "int_uniform") {
    std::int64_t low = 0, high = 0;
    read_value(needed("min"), low);
    read_value(needed("max"), high);
    out.push_back({name, Whole{low, high}});
  } else {
    out.push_back(numbers(name, node, distribution));
  }
}

void ParameterReader::read_wandb(const Node& map) {
  struct Found {
    Parameter parameter;
    Origin origin;
  };
  std::vector<Found> found;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    guarded([&] {
      std::vector<Parameter> list;
      read_entry(map.keys[i], map.items[i], list);
      for (Parameter& parameter : list) found.push_back({std::move(parameter), map.key_origin[i]});
    });
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.parameter.name < b.parameter.name; });
  for (Found& one : found) guarded([&] { add(std::move(one.parameter), one.origin); });
}

void ParameterReader::read_lists(const Node& map) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.items[i].kind != Node::Kind::map) {
      read_list(map.keys[i], map.items[i]);
      continue;
    }
    guarded([&] {
      std::vector<Parameter> list;
      read_entry(map.keys[i], map.items[i], list);
      for (Parameter& parameter : list) add(std::move(parameter), map.key_origin[i]);
    });
  }
}

void ParameterReader::read_list(const std::string& key, const Node& list) {
  guarded([&] {
    if (auto listed = choice(key, list, nullptr)) add(std::move(*listed), list.origin);
  });
}

void ParameterReader::read_fixed(const Node& map) {
  const ConfigTree tree(map);
  for (const ConfigTree::Entry& entry : tree.entries()) read_fixed(entry.key, entry.value);
}

void ParameterReader::read_fixed(const std::string& key, const Node& value) {
  guarded([&] {
    const std::string text = flow_text(checked(key, value));
    fixed.push_back({Override::Kind::set, key, text, text::cat(key, "=", text)});
  });
}

}  // namespace thimble::app
