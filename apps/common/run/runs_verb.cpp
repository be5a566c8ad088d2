// Verbs `runs` and `compare`.

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/report/progress.h"
#include "core/report/table.h"

#include "apps/common/run/lock.h"
#include "apps/common/run/run_columns.h"
#include "apps/common/run/run_folder.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

namespace thimble::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string root_of(const Context& context) {
  return context.flags().out.value_or("runs");
}

/// All runs, or those that carry the tag of --tag.
std::vector<RunInfo> tagged_runs(const Context& context, const std::string& app) {
  std::vector<RunInfo> runs = list_runs(root_of(context), app);
  if (!context.has("--tag")) return runs;
  const std::string tag = context.flag("--tag");
  std::erase_if(runs,
                [&](const RunInfo& run) { return std::find(run.tags.begin(), run.tags.end(), tag) == run.tags.end(); });
  return runs;
}

/// summary.json; null where there is none or it is damaged.
nlohmann::json summary_of(const std::string& folder) {
  const fs::path path = fs::path(folder) / "summary.json";
  try {
    if (fs::exists(path)) return io::read_json(path);
  } catch (const Error& error) {
    log::warning(error.what());
  }
  return {};
}

/// Runs that --where keeps, in the order of --sort; the last column is what they are sorted by.
struct Chosen {
  std::vector<RunInfo> runs;
  std::vector<double> values;  // of --sort; empty without it
};

Chosen chosen_runs(const Context& context, const std::vector<RunInfo>& all) {
  const std::string where = context.flag("--where"), sort = context.flag("--sort");
  if ((where.empty() && sort.empty()) || all.empty()) return {all, {}};
  std::vector<nlohmann::json> summaries;
  std::vector<RunRecord> records;
  for (const RunInfo& run : all) summaries.push_back(summary_of(run.path));
  for (std::size_t i = 0; i < all.size(); ++i)
    records.push_back({text::cat(all[i].config, "/", all[i].version), all[i].config, all[i].status, all[i].note,
                       all[i].version, summaries[i].is_object() ? &summaries[i] : nullptr});
  const expr::Columns columns = columns_of(records);
  std::vector<bool> keep(all.size(), true);
  if (!where.empty()) keep = expr::Formula(where, columns, "--where").mask(columns);
  std::vector<double> values(all.size());
  if (!sort.empty()) values = expr::Formula(sort, columns, "--sort").values(columns);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (keep[i]) order.push_back(i);
  if (!sort.empty())  // runs without the value come last
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (std::isnan(values[a]) || std::isnan(values[b])) return !std::isnan(values[a]) && std::isnan(values[b]);
      return values[a] < values[b];
    });
  Chosen chosen;
  for (const std::size_t i : order) {
    chosen.runs.push_back(all[i]);
    if (!sort.empty()) chosen.values.push_back(values[i]);
  }
  return chosen;
}

int list(Context& context, const std::string& app) {
  report::Table table;
  table.columns = {
      {"run", "", true, false}, {"status", "", true, false}, {"started", "", true, false}, {"note", "", true, false}};
  const std::vector<RunInfo> all = tagged_runs(context, app);
  const Chosen chosen = chosen_runs(context, all);
  if (!chosen.values.empty())
    table.columns.insert(table.columns.begin() + 3, {context.flag("--sort"), "", false, false});
  Json rows = Json::array();
  const bool any_tags =
      std::any_of(chosen.runs.begin(), chosen.runs.end(), [](const RunInfo& run) { return !run.tags.empty(); });
  if (any_tags) table.columns.push_back({"tags", "", true, false});
  for (std::size_t i = 0; i < chosen.runs.size(); ++i) {
    const RunInfo& run = chosen.runs[i];
    table.rows.push_back({text::printable(text::cat(run.config, "/", run.version)), text::printable(run.status),
                          text::printable(run.started), text::printable(run.note, 60)});
    if (any_tags) table.rows.back().emplace_back(text::printable(text::join(run.tags, ", "), 60));
    rows.push_back(
        {{"run", run.path}, {"status", run.status}, {"started", run.started}, {"note", run.note}, {"tags", run.tags}});
    if (chosen.values.empty()) continue;
    const double value = chosen.values[i];
    table.rows.back().insert(table.rows.back().begin() + 3, std::isnan(value) ? "-" : text::significant(value, 6));
    rows.back()["value"] = std::isnan(value) ? Json(nullptr) : Json(value);
  }
  if (rows.empty() && !all.empty()) {
    context.result().line(text::cat("none of ", all.size(), " runs meets the condition"));
    context.result().data("runs", "[]");
    return 0;
  }
  if (rows.empty()) {
    context.result().line(text::cat("no runs below ", root_of(context), "/", app));
  } else {
    context.result().print(report::plain_text(table, report::utf8_locale()));
  }
  context.result().data("runs", io::json_text(rows));
  return 0;
}

int show(Context& context, const std::string& app) {
  const std::string folder = find_run(context.word(1, "latest"), root_of(context), app);
  Result& result = context.result();
  result.run(folder);
  result.line(folder);
  for (const char* name : {"manifest.json", "summary.json"}) {
    const fs::path path = fs::path(folder) / name;
    if (!fs::exists(path)) continue;
    const nlohmann::json content = io::read_json(path);
    result.line(text::cat(name, ":"));
    for (const auto& [key, value] : content.items()) {
      const std::string shown = value.is_string() ? value.get<std::string>() : io::json_text(value);
      result.line(text::cat("  ", text::printable(key), ": ", text::printable(shown, 200)));
    }
    result.data(name == std::string("manifest.json") ? "manifest" : "summary", io::json_text(content));
  }
  return 0;
}

int note(Context& context, const std::string& app) {
  if (context.words().size() < 3) throw Error(ErrorKind::usage, "runs note needs RUN and TEXT");
  const std::string folder = find_run(context.word(1), root_of(context), app);
  const fs::path path = fs::path(folder) / "manifest.json";
  nlohmann::json manifest = fs::exists(path) ? io::read_json(path) : nlohmann::json::object();
  manifest["note"] = context.word(2);
  io::atomic_replace(path, io::json_text(manifest, 2) + "\n");
  context.result().line(text::cat("noted in ", folder));
  return 0;
}

/// After the newest version went: `latest` points at the newest one left.
void repair_latest(const fs::path& config_folder, const std::string& root, const std::string& app) {
  std::error_code error;
  fs::remove(config_folder / "latest", error);
  const std::vector<RunInfo> runs = list_runs(root, app);
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (run->config != config_folder.filename().string()) continue;
    fs::create_symlink(fs::path(run->path).filename(), config_folder / "latest", error);
    return;
  }
  fs::remove(config_folder, error);  // only when empty
}

int remove(Context& context, const std::string& app) {
  if (context.words().size() < 2) throw Error(ErrorKind::usage, "runs rm needs RUN");
  const std::string folder = find_run(context.word(1), root_of(context), app);
  const fs::path path = fs::canonical(folder);
  const fs::path root = fs::weakly_canonical(fs::path(root_of(context)) / app);
  if (path.parent_path().parent_path() != root) {
    throw Error(ErrorKind::usage, "only runs below the run folder root are removed", Place{folder, 0, 0, ""},
                text::cat("root is ", root.string(), "; --out names another"));
  }
  std::string owner;
  if (RunLock::held(path / "run.lock", &owner)) {
    throw Error(ErrorKind::usage, text::cat("the run is under way: ", owner), Place{folder, 0, 0, ""});
  }
  if (!context.confirm(text::cat("remove ", folder, " for good?"))) {
    throw Error(ErrorKind::usage, "nothing removed", Place{folder, 0, 0, ""}, "say --yes");
  }
  fs::remove_all(path);
  repair_latest(path.parent_path(), root_of(context), app);
  context.result().line(text::cat("removed ", folder));
  return 0;
}

int runs(Context& context, const std::string& app) {
  const std::string what = context.word(0, "list");
  if (what == "list") return list(context, app);
  if (what == "show") return show(context, app);
  if (what == "note") return note(context, app);
  if (what == "rm") return remove(context, app);
  const std::string near = text::nearest(what, {"list", "show", "note", "rm"});
  throw Error(ErrorKind::usage, text::cat("unknown action '", text::printable(what), "'"), {},
              near.empty() ? "list, show, note or rm" : text::cat("did you mean '", near, "'?"));
}

/// Nested objects as dotted keys.
void flatten(const nlohmann::json& value, const std::string& prefix, std::map<std::string, nlohmann::json>& out) {
  if (!value.is_object()) {
    out[prefix] = value;
    return;
  }
  for (const auto& [key, inner] : value.items()) flatten(inner, prefix.empty() ? key : prefix + "." + key, out);
}

struct Compared {
  std::string name, folder;
  std::map<std::string, nlohmann::json> config, metrics;
};

Compared read_run(const std::string& word, const Context& context, const std::string& app) {
  const fs::path folder = find_run(word, root_of(context), app);
  const nlohmann::json summary = io::read_json(folder / "summary.json");
  Compared out;
  out.name = folder.parent_path().filename().string() + "/" + folder.filename().string();
  out.folder = folder.string();
  flatten(summary.value("config", nlohmann::json::object()), "", out.config);
  flatten(summary.value("metrics", nlohmann::json::object()), "", out.metrics);
  return out;
}

std::string shown(const nlohmann::json& value) {
  if (value.is_null()) return "-";
  if (value.is_number_float()) return text::significant(value.get<double>(), 6);
  return text::printable(value.is_string() ? value.get<std::string>() : io::json_text(value), 40);
}

using Values = std::map<std::string, nlohmann::json> Compared::*;

/// One row per key; `only_different` leaves out rows where all runs agree.
report::Table value_table(const std::vector<Compared>& all, Values values, const std::string& title,
                          bool only_different) {
  report::Table table;
  table.title = title;
  table.columns = {{"key", "", true, false}};
  std::map<std::string, std::vector<nlohmann::json>> rows;
  for (std::size_t i = 0; i < all.size(); ++i) {
    table.columns.push_back({text::printable(all[i].name), "", false, i == 0});
    for (const auto& [key, value] : all[i].*values) {
      rows[key].resize(all.size());
      rows[key][i] = value;
    }
  }
  for (const auto& entry : rows) {
    const std::vector<nlohmann::json>& row = entry.second;
    const bool equal =
        std::all_of(row.begin(), row.end(), [&](const nlohmann::json& value) { return value == row.front(); });
    if (only_different && equal) continue;
    std::vector<report::Cell> cells = {text::printable(entry.first)};
    for (const nlohmann::json& value : row) cells.emplace_back(shown(value));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

/// --fail-if: 1 when a run behind the first meets the condition.
bool condition_holds(Context& context, const std::vector<Compared>& all) {
  const std::string text = context.flag("--fail-if");
  if (text.empty()) return false;
  std::vector<nlohmann::json> summaries;
  std::vector<RunRecord> records;
  for (const Compared& run : all) summaries.push_back(summary_of(run.folder));
  for (std::size_t i = 0; i < all.size(); ++i)
    records.push_back({all[i].name, fs::path(all[i].folder).parent_path().filename().string(),
                       summaries[i].value("status", ""), "", 0, &summaries[i]});
  const expr::Columns columns = columns_of(records);
  const std::vector<bool> met = FailCondition(text, columns).met(columns);
  bool any = false;
  for (std::size_t i = 0; i < met.size(); ++i) {
    if (!met[i]) continue;
    context.result().line(text::cat("fails: ", all[i + 1].name, ": ", text::printable(text)));
    any = true;
  }
  if (!any) context.result().line(text::cat("passes: ", text::printable(text)));
  return any;
}

int compare(Context& context, const std::string& app) {
  std::vector<Compared> all;
  for (const std::string& word : context.words()) all.push_back(read_run(word, context, app));
  Json json = Json::array();
  for (const Compared& run : all) json.push_back({{"run", run.name}, {"metrics", run.metrics}, {"config", run.config}});
  context.result().data("compared", io::json_text(json));
  const bool unicode = report::utf8_locale();
  const report::Table settings = value_table(all, &Compared::config, "settings that differ", true);
  if (!settings.rows.empty()) context.result().print(report::plain_text(settings, unicode) + "\n");
  context.result().print(report::plain_text(value_table(all, &Compared::metrics, "metrics", false), unicode));
  return condition_holds(context, all) ? 1 : 0;
}

}  // namespace

Verb runs_verb(const std::string& app) {
  Verb verb;
  verb.name = "runs";
  verb.group = "Look";
  verb.summary = "list, show, note, remove";
  verb.operands = plain_operands("[list | show RUN | note RUN TEXT | rm RUN]", 0, 3);
  verb.flags = {{"--where", "EXPR", "list: only runs for which this holds", "", {}, 0},
                {"--sort", "EXPR", "list: by this number, ascending; 0 - NAME: descending", "", {}, 0},
                {"--tag", "WORD", "list only runs with this tag", "", {}, 0}};
  verb.examples = {"thimble-" + app + " runs list --where 'status == \"ok\"'"};
  verb.more =
      "EXPR sees run, config, status, note, version, seconds, and every metric and setting of summary.json by its "
      "dotted "
      "name. RUN is a path, CONFIG/NUMBER, CONFIG (its newest), or 'latest'. "
      "Tags come from the key 'tags' of the configuration: train demo tags=[trial]. "
      "The state 'killed' means: ended without a summary and nobody holds the lock.";
  verb.run = [app](Context& context) { return runs(context, app); };
  return verb;
}

Verb compare_verb(const std::string& app) {
  Verb verb;
  verb.name = "compare";
  verb.group = "Look";
  verb.summary = "two or more runs";
  verb.operands = plain_operands("RUN RUN...", 2, 64);
  verb.flags = {{"--fail-if", "EXPR", "end with code 1 when this holds for a run behind the first", "", {}, 0}};
  verb.more =
      "'--fail-if \"val_loss > +2%\"' speaks of the change from the first run, so does '> -0.01'; without a sign or "
      "percentage the value itself is meant, and any expression over metrics and settings may stand there.";
  verb.run = [app](Context& context) { return compare(context, app); };
  return verb;
}

}  // namespace thimble::app
