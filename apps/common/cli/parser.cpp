#include "apps/common/cli/parser.h"

#include "apps/common/cli/screen.h"

#include <algorithm>
#include <cctype>

namespace thimble::app {
namespace {

const std::vector<Flag>& all_common() {
  static const std::vector<Flag> flags = {
      {"--out", "DIR", "run folder root", "runs", {}},
      {"--resume", "RUN", "continue a run to the same bits ('latest', path or number)", "", {}},
      {"--threads", "N", "worker threads; results do not depend on it", "all cores", {}},
      {"--seed", "N", "random seed", "from config, else 1", {}},
      {"--name", "TEXT", "name of the run's folder", "", {}},
      {"--note", "TEXT", "remark kept with the run", "", {}},
      {"--set", "KEY=VALUE", "same as the bare word KEY=VALUE", "", {}},
      {"--dry-run", "", "check and plan, write nothing", "", {}},
      {"--json", "", "one JSON document on standard output", "", {}},
      {"--progress", "MODE", "auto, bar, lines, json, none", "auto", {"auto", "bar", "lines", "json", "none"}},
      {"--color", "WHEN", "auto, always, never; NO_COLOR is honoured", "auto", {"auto", "always", "never"}},
      {"--yes", "", "no questions", "", {}},
      {"--quiet", "", "no progress, no notes", "", {}, 'q'},
      {"--verbose", "", "more notes", "", {}, 'v'},
  };
  return flags;
}

bool key_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-';
}

bool is_key(std::string_view text) {
  if (text.empty()) return false;
  if (std::isalpha(static_cast<unsigned char>(text.front())) == 0 && text.front() != '_') return false;
  return std::all_of(text.begin(), text.end(), key_character);
}

[[noreturn]] void usage(std::string message, std::string hint) {
  throw Error(ErrorKind::usage, std::move(message), {}, std::move(hint));
}

std::vector<std::string> names_of(const std::vector<Flag>& flags) {
  std::vector<std::string> names = {"--help", "--version"};
  for (const Flag& flag : all_common()) names.push_back(flag.name);
  for (const Flag& flag : flags) names.push_back(flag.name);
  return names;
}

const Flag* find_flag(const std::vector<Flag>& flags, const std::string& name) {
  const auto found = std::find_if(flags.begin(), flags.end(), [&](const Flag& flag) {
    return flag.name == name || (flag.letter != 0 && name == std::string("-") + flag.letter);
  });
  return found == flags.end() ? nullptr : &*found;
}

bool is_flag_word(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && std::isdigit(static_cast<unsigned char>(word[1])) == 0;
}

}  // namespace

const std::vector<Flag>& common_flags() {
  return all_common();
}

bool parse_override(const std::string& word, Override& out) {
  out = {};
  out.word = word;
  if (word.size() > 1 && word[0] == '~' && is_key(word.substr(1))) {
    out.kind = Override::Kind::reset;
    out.key = word.substr(1);
    return true;
  }
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) return false;
  std::size_t begin = 0, end = equals;
  while (begin < 2 && begin < end && word[begin] == '+') ++begin;  // +key=value and ++key=value are plain sets
  if (end > begin && word[end - 1] == '+') {
    out.kind = Override::Kind::append;
    --end;
  }
  out.key = word.substr(begin, end - begin);
  out.value = word.substr(equals + 1);
  return is_key(out.key);
}

/// One pass over the words once the verb is known.
class Parser {
 public:
  Parser(const std::vector<std::string>& words, const Program& program) : words_(words), program_(program) {}

  Invocation parse() {
    Invocation out;
    out.nothing = words_.empty();
    out.verb = find_verb();
    if (out.nothing) out.ask = Invocation::Ask::first_screen;
    const Verb* reader = out.verb != nullptr ? out.verb : &no_verb_;
    out.context = std::make_unique<Context>(program_, *reader);
    out.context->argv_ = words_;
    read_words(out, *reader);
    if (out.verb == nullptr && out.ask == Invocation::Ask::verb) {
      usage("no verb given", text::cat("'", command_name(program_), " -h' lists the verbs"));
    }
    if (out.ask == Invocation::Ask::verb) check_words(*out.context);
    return out;
  }

 private:
  /// The first word that is neither a flag nor the value of one.
  const Verb* find_verb() {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i] == "--") continue;
      if (!is_flag_word(words_[i])) {
        verb_at_ = i;
        return &known_verb(words_[i]);
      }
      if (takes_value(words_[i])) ++i;
    }
    return nullptr;
  }

  bool takes_value(const std::string& word) const {
    if (word.find('=') != std::string::npos) return false;
    if (word == "--completion") return true;
    if (const Flag* flag = find_flag(all_common(), word)) return !flag->value.empty();
    for (const Verb& verb : program_.verbs) {
      if (const Flag* flag = find_flag(verb.flags, word)) return !flag->value.empty();
    }
    return false;
  }

  const Verb& known_verb(const std::string& name) const {
    std::vector<std::string> names;
    for (const Verb& verb : program_.verbs) {
      if (verb.name == name) return verb;
      if (!verb.group.empty()) names.push_back(verb.name);
    }
    const std::string message = text::cat("unknown verb '", text::printable(name), "'");
    for (const auto& [old, modern] : program_.synonyms) {
      if (old == name)
        usage(message, text::cat("the verb here is '", modern, "': ", command_name(program_), " ", modern));
    }
    const std::string near = text::nearest(name, names);
    usage(message, near.empty() ? text::cat("'", command_name(program_), " -h' lists the verbs")
                                : text::cat("did you mean '", near, "'?"));
  }

  void read_words(Invocation& out, const Verb& verb) {
    bool flags_over = false;
    for (at_ = 0; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      if (at_ == verb_at_) continue;
      if (!flags_over && word == "--") {
        flags_over = true;
      } else if (!flags_over && is_flag_word(word)) {
        read_flag(out, verb, word);
      } else {
        read_word(*out.context, verb, word);
      }
    }
  }

  void read_word(Context& context, const Verb& verb, const std::string& word) const {
    Override change;
    if (!parse_override(word, change)) {
      context.words_.push_back(word);
    } else if (verb.operands.overrides) {
      context.overrides_.push_back(std::move(change));
    } else {
      usage(text::cat("'", verb.name, "' takes no settings, but got ", text::printable(word)), usage_line(verb));
    }
  }

  void read_flag(Invocation& out, const Verb& verb, const std::string& word) {
    using Ask = Invocation::Ask;
    if (word == "-h" || word == "--help") {
      out.ask = word == "-h" ? Ask::first_screen : Ask::full_help;
      return;
    }
    if (word == "--version") {
      out.ask = Ask::version;
      return;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (name == "--completion" && out.verb == nullptr) {
      out.ask = Ask::completion;
      out.completion = value_of(name, equals);
      return;
    }
    if (word[1] != '-' && word.size() > 2) return read_letters(out, verb, word);
    if (const Flag* flag = find_flag(verb.flags, name)) {
      out.context->flags_[flag->name] = checked_value(*flag, equals);
    } else if (const Flag* common = find_flag(all_common(), name)) {
      set_common(*out.context, verb, *common, checked_value(*common, equals));
    } else {
      unknown_flag(verb, name);
    }
  }

  /// -qv, -tVALUE
  void read_letters(Invocation& out, const Verb& verb, const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name = {'-', word[i]};
      const Flag* flag = find_flag(verb.flags, name);
      const Flag* common = flag == nullptr ? find_flag(all_common(), name) : nullptr;
      if (flag == nullptr && common == nullptr) unknown_flag(verb, word);
      if (common != nullptr) {
        set_common(*out.context, verb, *common, "");
      } else if (flag->value.empty()) {
        out.context->flags_[flag->name] = "";
      } else {
        out.context->flags_[flag->name] = i + 1 < word.size() ? word.substr(i + 1) : value_of(name, std::string::npos);
        return;
      }
    }
  }

  [[noreturn]] void unknown_flag(const Verb& verb, const std::string& name) const {
    const std::string near = text::nearest(name, names_of(verb.flags));
    const std::string of = verb.name.empty() ? "" : text::cat(" of '", verb.name, "'");
    usage(text::cat("unknown flag ", text::printable(name), of),
          near.empty() ? text::cat("'", command_name(program_), verb.name.empty() ? "" : " ", verb.name,
                                   " --help' lists the flags; a file whose name starts with '-' goes behind '--'")
                       : text::cat("did you mean '", near, "'?"));
  }

  std::string value_of(const std::string& name, std::size_t equals) {
    if (equals != std::string::npos) return words_[at_].substr(equals + 1);
    const bool next_is_value = at_ + 1 < words_.size() && at_ + 1 != verb_at_ && !is_flag_word(words_[at_ + 1]);
    if (!next_is_value) usage(text::cat(name, " needs a value"), "");
    return words_[++at_];
  }

  std::string checked_value(const Flag& flag, std::size_t equals) {
    if (flag.value.empty()) {
      if (equals != std::string::npos) usage(text::cat(flag.name, " takes no value"), "");
      return {};
    }
    std::string value = value_of(flag.name, equals);
    const auto& choices = flag.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      usage(text::cat(flag.name, " is '", text::printable(value), "', allowed are ", text::join(choices, ", ")), "");
    }
    return value;
  }

  void set_common(Context& context, const Verb& verb, const Flag& flag, const std::string& value) const {
    CommonFlags& common = context.common_;
    const std::string& name = flag.name;
    if (name == "--out") common.out = value;
    if (name == "--resume") common.resume = value;
    if (name == "--threads") common.threads = whole(name, value, 1, 1024);
    if (name == "--seed") common.seed = whole(name, value, 0, INT64_MAX);
    if (name == "--name") common.name = value;
    if (name == "--note") common.note = value;
    if (name == "--dry-run") common.dry_run = true;
    if (name == "--json") common.json = true;
    if (name == "--yes") common.yes = true;
    if (name == "--quiet") common.quiet = true;
    if (name == "--verbose") common.verbose = true;
    if (name == "--set") add_set(context, verb, value);
    if (name == "--progress") common.progress = report::progress_mode(value);
    if (name == "--color") {
      common.color =
          static_cast<Color>(std::find(flag.choices.begin(), flag.choices.end(), value) - flag.choices.begin());
      Screen::configure(value);
    }
  }

  void add_set(Context& context, const Verb& verb, const std::string& value) const {
    Override change;
    if (!parse_override(value, change))
      usage(text::cat("--set takes KEY=VALUE, not '", text::printable(value), "'"), "");
    read_word(context, verb, value);
  }

  static std::int64_t whole(const std::string& name, const std::string& value, std::int64_t low, std::int64_t high) {
    std::int64_t number = 0;
    if (!text::parse(value, number) || number < low || number > high) {
      usage(text::cat(name, " takes a whole number from ", low, high == INT64_MAX ? " up" : text::cat(" to ", high),
                      ", not '", text::printable(value), "'"),
            "");
    }
    return number;
  }

  std::string usage_line(const Verb& verb) const {
    return text::cat("usage: ", command_name(program_), " ", verb.name, verb.operands.usage.empty() ? "" : " ",
                     verb.operands.usage, " [flags]");
  }

  void check_words(const Context& context) const {
    const Verb& verb = context.verb();
    const std::size_t count = context.words().size();
    if (count > verb.operands.most) {
      const std::string extra = text::printable(context.words()[verb.operands.most]);
      usage(text::cat("unexpected word '", extra, "' behind '", verb.name, "'"), usage_line(verb));
    }
    if (count < verb.operands.least)
      usage(text::cat("'", verb.name, "' needs ", verb.operands.usage), usage_line(verb));
  }

  const std::vector<std::string>& words_;
  const Program& program_;
  std::size_t verb_at_ = static_cast<std::size_t>(-1), at_ = 0;
  inline static const Verb no_verb_{};
};

Invocation parse_command_line(const std::vector<std::string>& words, const Program& program) {
  return Parser(words, program).parse();
}

}  // namespace thimble::app
