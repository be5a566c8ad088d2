#include "apps/common/config/verb.h"

#include "core/report/table.h"

#include "apps/common/cli/help.h"
#include "apps/common/cli/screen.h"
#include "apps/common/config/json_schema.h"

#include <algorithm>

namespace thimble::app {
namespace {

/// A configuration bound to the schema, whichever struct that is.
struct Bound {
  std::shared_ptr<void> object;
  FieldList fields;
};

Bound bound(const ConfigTree& tree, const ConfigApp& app) {
  auto [object, fields] = app.schema.fresh();
  std::vector<std::string> ignore = app.override_blocks;
  for (const char* key : {"extends", "description", "legacy_merge"}) {
    const auto own = [&](const Field& field) { return field.key == key; };
    if (std::none_of(fields.begin(), fields.end(), own)) ignore.emplace_back(key);
  }
  bind_fields(fields, tree, ignore);
  return {object, fields};
}

void gather(std::vector<Error>& problems, const std::vector<Error>& more) {
  for (const Error& error : more) {
    const auto known = [&](const Error& other) { return std::string_view(other.what()) == error.what(); };
    if (std::none_of(problems.begin(), problems.end(), known)) problems.push_back(error);
  }
}

void check_tree(const ConfigTree& tree, const ConfigApp& app) {
  std::vector<Error> problems;
  const auto collect = [&](const ConfigTree& variant) {
    try {
      bound(variant, app);
    } catch (const Errors& errors) {
      gather(problems, errors.list());
    }
  };
  collect(tree);
  for (const std::string& block : app.override_blocks) {
    if (!tree.below(block).empty()) collect(tree.replaced_by_block(block));
  }
  if (!problems.empty()) throw Errors(std::move(problems));
}

/// One line of the key table.
struct KeyLine {
  std::string key;
  Field field;
  std::string value;
};

void collect_lines(const FieldList& fields, const std::string& prefix, std::vector<KeyLine>& out) {
  for (const Field& field : fields) {
    if (field.form == Field::Form::block) {
      collect_lines(field.block(), prefix + field.key + ".", out);
    } else {
      out.push_back({prefix + field.key, field, flow_text(dump_fields({field}).items.front())});
    }
  }
}

std::vector<KeyLine> key_lines(const FieldList& fields) {
  std::vector<KeyLine> out;
  collect_lines(fields, "", out);
  return out;
}

int print_schema(Context& context, const ConfigApp& app) {
  const auto [object, fields] = app.schema.fresh();
  if (context.flags().json) {
    context.result().data("json_schema", json_schema(fields, app.load.app, app.override_blocks));
    return 0;
  }
  for (const KeyLine& line : key_lines(fields)) {
    const Field& field = line.field;
    context.result().line(text::cat(styled(Stream::out, Style::bold, line.key), "  ", field.type,
                                    field.unit.empty() ? "" : " in " + field.unit, "  [", line.value, "]"));
    const std::string allowed = allowed_values(field);
    context.result().line("    " + wrap(field.meaning + (allowed.empty() ? "" : "; " + allowed), 76, 4));
    if (!field.aliases.empty()) context.result().line("    also read as: " + text::join(field.aliases, ", "));
  }
  if (!app.override_blocks.empty()) {
    context.result().line(
        text::cat("Blocks ", text::join(app.override_blocks, ", "), " hold any of these keys again."));
  }
  return 0;
}

std::string origin_text(const KeyLine& line, const ConfigTree& tree) {
  const Node* node = tree.find(line.key);
  const std::size_t dot = line.key.rfind('.');
  const std::string prefix = dot == std::string::npos ? "" : line.key.substr(0, dot + 1);
  for (std::size_t i = 0; node == nullptr && i < line.field.aliases.size(); ++i) {
    node = tree.find(prefix + line.field.aliases[i]);
  }
  return node == nullptr ? "default" : text::printable(node->origin.brief(), 200);
}

int explain(Context& context, const ConfigApp& app, const LoadedConfig& loaded) {
  const std::string wanted = context.flag("--explain");
  const Bound config = bound(loaded.tree, app);
  std::vector<std::string> keys;
  for (const KeyLine& line : key_lines(config.fields)) {
    keys.push_back(line.key);
    const auto& aliases = line.field.aliases;
    if (line.key != wanted && std::find(aliases.begin(), aliases.end(), wanted) == aliases.end()) continue;
    const std::string allowed = allowed_values(line.field);
    Result& result = context.result();
    result.line(line.key + " = " + line.value);
    result.line("  from     " + origin_text(line, loaded.tree));
    result.line("  type     " + line.field.type);
    if (!line.field.unit.empty()) result.line("  unit     " + line.field.unit);
    if (!allowed.empty()) result.line("  allowed  " + wrap(allowed, 70, 11));
    result.line("  meaning  " + wrap(line.field.meaning, 70, 11));
    return 0;
  }
  const std::string near = text::nearest(wanted, keys);
  throw Error(ErrorKind::usage, text::cat("no key '", text::printable(wanted), "'"), {},
              near.empty() ? "'config --schema' lists every key" : text::cat("did you mean '", near, "'?"));
}

/// The keys whose value is not the default, and the override blocks.
Node differences(const ConfigApp& app, const LoadedConfig& loaded) {
  const auto [object, fields] = app.schema.fresh();
  const std::vector<KeyLine> plain = key_lines(fields);
  const Bound config = bound(loaded.tree, app);
  const std::vector<KeyLine> now = key_lines(config.fields);
  ConfigTree out;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].value != plain[i].value) out.set(now[i].key, dump_fields({now[i].field}).items.front());
  }
  for (const ConfigTree::Entry& entry : loaded.tree.entries()) {
    const std::string top = entry.key.substr(0, entry.key.find('.'));
    const auto& blocks = app.override_blocks;
    if (std::find(blocks.begin(), blocks.end(), top) != blocks.end()) out.set(entry);
  }
  return out.nested();
}

int config_command(Context& context, const ConfigApp& app) {
  if (context.has("--completion")) {
    context.result().print(completion_script(context.program(), context.flag("--completion")));
    return 0;
  }
  if (context.has("--man")) {
    context.result().print(manual_page(context.program()));
    return 0;
  }
  if (context.has("--schema")) return print_schema(context, app);
  if (context.has("--list")) return list_configs(context, app);
  const bool defaults_only = context.config().empty();
  if (defaults_only && !context.has("--explain")) {
    throw Error(ErrorKind::usage, "which configuration?", {},
                text::cat("'", command_name(context.program()), " config --list' shows the known ones"));
  }
  LoadedConfig loaded;
  if (defaults_only) {
    apply_overrides(loaded.tree, context.all_overrides());
  } else {
    loaded = check_config(context.config(), context.all_overrides(), app);
  }
  if (context.has("--explain")) return explain(context, app, loaded);
  if (!context.has("--check")) return print_config(context, app, loaded);
  context.result().line(text::cat(text::printable(context.config()), ": no errors"));
  return 0;
}

}  // namespace

int list_configs(Context& context, const ConfigApp& app) {
  report::Table table;
  table.columns = {{"configuration", "", true, false}, {"description", "", true, false}, {"file", "", true, false}};
  Node rows = Node::list();
  for (const KnownConfig& known : known_configs(app.load)) {
    const std::string description = config_description(known);
    table.rows.push_back(
        {text::printable(known.name), text::printable(description, 200), text::printable(known.path, 200)});
    Node row = Node::map();
    row.keys = {"name", "path", "description"};
    row.items = {Node::scalar(known.name, true), Node::scalar(known.path, true), Node::scalar(description, true)};
    rows.items.push_back(std::move(row));
  }
  context.result().print(report::plain_text(table));
  context.result().data("configs", to_json(rows));
  return 0;
}

int print_config(Context& context, const ConfigApp& app, const LoadedConfig& loaded) {
  if (context.has("--diff")) {
    const Node changed = differences(app, loaded);
    context.result().print(to_yaml(changed));
    context.result().data("config", to_json(changed));
    return 0;
  }
  const Bound config = bound(loaded.tree, app);
  context.result().print(resolved_yaml(loaded, app));
  context.result().data("config", to_json(dump_fields(config.fields)));
  return 0;
}

LoadedConfig check_config(const std::string& config, const std::vector<Override>& overrides, const ConfigApp& app) {
  LoadOptions options = app.load;
  if (options.defaults.empty()) options.defaults = ConfigTree(dump_fields(app.schema.fresh().second));
  LoadedConfig loaded = load_config(config, overrides, options);
  check_tree(loaded.tree, app);
  return loaded;
}

std::string resolved_yaml(const LoadedConfig& loaded, const ConfigApp& app) {
  const Bound config = bound(loaded.tree, app);
  std::string out = commented_yaml(config.fields, loaded.tree);
  for (const std::string& name : app.override_blocks) {
    const ConfigTree block = loaded.tree.below(name);
    if (!block.empty()) out += name + ":\n" + to_yaml(block.nested(), 2);
  }
  return out;
}

std::vector<std::string> complete_config(const Verb& verb, const std::string& word, const ConfigApp& app) {
  std::vector<std::string> out;
  if (!verb.operands.overrides) return out;
  const auto [object, fields] = app.schema.fresh();
  const std::size_t equals = word.find('=');
  for (const KeyLine& line : key_lines(fields)) {
    if (equals == std::string::npos) out.push_back(line.key + "=");
    if (equals == std::string::npos || word.substr(0, equals) != line.key) continue;
    for (const std::string& choice : line.field.choices) out.push_back(line.key + "=" + choice);
  }
  for (const KnownConfig& known : known_configs(app.load)) out.push_back(known.name);
  return out;
}

Verb config_verb(ConfigApp app) {
  Verb verb;
  verb.name = "config";
  verb.group = "Set up";
  verb.summary = "show, check, explain settings";
  verb.flags = {{"--diff", "", "only what differs from the defaults", "", {}},
                {"--explain", "KEY", "value, origin, type, unit, range and meaning of one key", "", {}},
                {"--check", "", "validate and say nothing else; exit 0 or 2", "", {}},
                {"--list", "", "known configurations with their description", "", {}},
                {"--schema", "", "every key; with --json as JSON Schema", "", {}},
                {"--completion", "SHELL", "completion script for bash, zsh or fish", "", {"bash", "zsh", "fish"}},
                {"--man", "", "manual page of this program", "", {}}};
  verb.more =
      "Without a flag it prints the resolved configuration with the meaning and origin of each key; "
      "'config NAME > mine.yaml' is a good way to start an own one.";
  verb.run = [app = std::move(app)](Context& context) { return config_command(context, app); };
  return verb;
}

}  // namespace thimble::app
