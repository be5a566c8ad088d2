#include "apps/neurotrigger/run/run_mode.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/report/progress.h"

#include "apps/common/cli/help.h"
#include "apps/common/cli/logger.h"
#include "apps/common/cli/parser.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;
using WordList = std::vector<std::string>;

constexpr const char* kDebugRoot = "nt_pytorch_debug_log";

template <class T>
bool among(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool has_any(const WordList& words, const WordList& wanted) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return among(wanted, word); });
}

/// -p, -s, -d TEXT, also joined: -ps
bool is_old_flag(const std::string& word) {
  static const WordList known{"--production", "--solo_expert", "--description", "--hparams"};
  if (among(known, word.substr(0, word.find('=')))) return true;
  return word.size() > 1 && word[0] == '-' && word.find_first_not_of("psdm", 1) == std::string::npos;
}

bool takes_next_word(const std::string& word) {
  const auto matches = [&](const app::Flag& flag) {
    const bool named = flag.name == word || (flag.letter != 0 && word == std::string("-") + flag.letter);
    return named && !flag.value.empty();
  };
  const std::vector<app::Flag> own = train_flags();
  const std::vector<app::Flag>& common = app::common_flags();
  return std::any_of(own.begin(), own.end(), matches) || std::any_of(common.begin(), common.end(), matches);
}

/// Position of the first word that is no flag, no value of one and no setting; the number of words if there is none.
std::size_t first_plain(const WordList& words) {
  app::Override ignored;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (takes_next_word(words[i]))
      ++i;
    else if (words[i].empty() || (words[i][0] != '-' && !app::parse_override(words[i], ignored)))
      return i;
  }
  return words.size();
}

bool is_verb(const std::string& word, const app::Program& program) {
  const auto named = [&](const app::Verb& verb) { return verb.name == word; };
  const auto old = [&](const auto& synonym) { return synonym.first == word; };
  return word == "doctor" || std::any_of(program.verbs.begin(), program.verbs.end(), named) ||
         std::any_of(program.synonyms.begin(), program.synonyms.end(), old);
}

bool is_configuration(const std::string& word) {
  if (word.starts_with('{') || fs::is_regular_file(word)) return true;
  const std::vector<app::KnownConfig> known = app::known_configs(load_options());
  return std::any_of(known.begin(), known.end(), [&](const app::KnownConfig& config) { return config.name == word; });
}

/// Without -m and --hparams, whose settings stand as words of their own.
WordList without_hparams(const WordList& words) {
  WordList out;
  for (const std::string& word : words) {
    if (word == "-m" || word == "--hparams") continue;
    out.push_back(word.starts_with("--hparams=") ? word.substr(10) : word);
  }
  return out;
}

/// Ready to paste into a shell.
std::string shell_line(const WordList& words) {
  std::string line;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && word.find_first_of(" \t'\"{}[]()*$&|;<>?`\\~#!") == std::string::npos;
    std::string shown = word;
    for (std::size_t at = 0; !plain && (at = shown.find('\'', at)) != std::string::npos; at += 4)
      shown.replace(at, 1, "'\\''");
    line += plain ? " " + shown : " '" + shown + "'";
  }
  return line;
}

void tell_modern_form(const WordList& words) {
  if (has_any(words, {"-q", "--quiet", "--json"})) return;
  report::write_to_stderr(text::cat("same as: thimble-neurotrigger", text::printable(shell_line(words), 400), "\n"));
}

std::string quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

app::Override setting(const std::string& key, const std::string& value, const std::string& word) {
  return {app::Override::Kind::set, key, value, word};
}

/// "train=a.gz,b.gz,val=c.gz" -> data.train, data.val
std::vector<app::Override> data_overrides(const std::string& value) {
  std::vector<std::pair<std::string, WordList>> lists;
  for (const std::string& part : text::split(value, ',')) {
    const std::size_t equals = part.find('=');
    const std::string key = equals == std::string::npos ? "" : part.substr(0, equals);
    const bool split = key == "train" || key == "val" || key == "test";
    if (split) lists.emplace_back(key, WordList());
    if (lists.empty() || part.size() == (split ? equals + 1 : 0))
      throw Error(ErrorKind::usage, text::cat("--data is '", text::printable(value), "'"), {"", 0, 0, "--data"},
                  "--data train=random1.gz,val=random2.gz,test=random3.gz; several files: train=a.gz,b.gz");
    lists.back().second.push_back(quoted(split ? part.substr(equals + 1) : part));
  }
  std::vector<app::Override> out;
  for (const auto& [key, files] : lists)
    out.push_back(setting("data." + key, "[" + text::join(files, ", ") + "]", "--data " + value));
  return out;
}

/// Description of the run by -d, or asked for.
std::string description(const app::Context& context) {
  if (context.has("--description")) return context.flag("--description");
  const bool ask = context.has("--production") && !context.flags().note && context.flags().resume.empty() &&
                   !context.flags().dry_run && !context.has("--list-configs") && !context.has("--print-config");
  return ask ? context.ask("one line to remember this run by (empty: none): ") : "";
}

}  // namespace

std::vector<app::Flag> train_flags() {
  return {{"--config", "FILE", "configuration: name, YAML or JSON file, or '{key: value, ...}'", "", {}, 0},
          {"--data", "SPLITS", "track files: train=A[,B...],val=C,test=D", "", {}, 0},
          {"--production", "", "ask for a description if there is none", "", {}, 'p'},
          {"--debug", "", "10 epochs and a profile, in the temporary folder", "", {}, 0},
          {"--solo_expert", "", "one network on all tracks: experts=[-1]", "", {}, 's'},
          {"--description", "TEXT", "remark kept with the run, same as --note", "", {}, 'd'},
          {"--legacy-names", "", "result files as the original trainer names them", "", {}, 0},
          {"--print-config", "", "show the settings that would be used", "", {}, 0},
          {"--list-configs", "", "known configurations with their description", "", {}, 0}};
}

WordList modern_words(WordList words, const app::Program& program) {
  const std::size_t at = first_plain(words);
  const bool old_flags = std::any_of(words.begin(), words.end(), is_old_flag);
  if (at < words.size() && is_verb(words[at], program)) return words[at] == "train" ? without_hparams(words) : words;
  const bool asks = has_any(words, {"--list-configs", "--print-config", "--config"});
  const bool old_form = at < words.size() ? old_flags || asks || is_configuration(words[at]) : old_flags || asks;
  if (!old_form || has_any(words, {"-h", "--help", "--version"})) return words;
  WordList out{"train"};
  for (std::string& word : without_hparams(words)) out.push_back(std::move(word));
  const auto production = [](const std::string& word) {
    return word == "--production" || (is_old_flag(word) && word[1] != '-' && word.find('p') != std::string::npos);
  };
  const bool resumed = std::any_of(out.begin(), out.end(), [](const auto& w) { return w.starts_with("--resume"); });
  if (!resumed && std::none_of(out.begin(), out.end(), production)) out.emplace_back("--debug");
  tell_modern_form(out);
  return out;
}

std::string wanted_config(const app::Context& context) {
  if (context.has("--config") && !context.config().empty())
    throw Error(ErrorKind::usage, "two configurations: a word and --config", {"", 0, 0, context.config()}, "name one");
  const std::string config = context.has("--config") ? context.flag("--config") : context.config();
  if (config.empty())
    throw Error(ErrorKind::usage, "which configuration?", {},
                "thimble-neurotrigger train demo; all: thimble-neurotrigger config --list");
  return config;
}

std::vector<app::Override> training_overrides(const app::Context& context) {
  std::vector<app::Override> all;
  if (context.has("--data")) all = data_overrides(context.flag("--data"));
  if (const std::string note = description(context); !note.empty())
    all.push_back(setting("note", quoted(note), "--description"));
  for (const app::Override& change : context.all_overrides()) all.push_back(change);
  if (context.has("--legacy-names")) all.push_back(setting("legacy_names", "true", "--legacy-names"));
  if (context.has("--solo_expert")) all.push_back(setting("experts", "[-1]", "--solo_expert"));
  return all;
}

bool wants_debug(const app::Context& context) {
  if (context.has("--debug") && context.has("--production"))
    throw Error(ErrorKind::usage, "--debug and --production exclude each other", {}, "leave one of them out");
  return context.has("--debug");
}

void make_debug(app::LoadedConfig& loaded) {
  app::Node epochs = app::Node::scalar(text::to_text(kDebugEpochs));
  epochs.origin = app::named_origin("--debug");
  loaded.tree.set("epochs", std::move(epochs));
  for (const std::string& block : expert_blocks()) loaded.tree.erase(block + ".epochs");
}

app::RunIdentity run_identity(const RunSettings& settings, bool debug) {
  const std::string name = settings.all.name.empty() ? settings.config : settings.all.name;
  if (debug && !settings.tree.has("out")) return {fs::temp_directory_path().string(), kDebugRoot, name};
  return {settings.all.out, "neurotrigger", name};
}

void note_in_log_root(const app::RunIdentity& identity, const app::RunFolder& folder) {
  std::string now = app::utc_now();  // 2026-11-20T12:03:41Z
  now[10] = ' ';
  io::AppendFile log(fs::path(identity.root) / identity.app / "log.txt");
  log.append(text::cat(now.substr(0, 19), ": ", folder.path(), "\n"));
  log.flush();
}

}  // namespace thimble::neurotrigger
