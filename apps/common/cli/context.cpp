#include "apps/common/cli/context.h"

#include "apps/common/cli/logger.h"
#include "apps/common/cli/screen.h"

#include <unistd.h>

#include <cstdio>

namespace thimble::app {

Context::Context(const Program& program, const Verb& verb)
    : program_(program), verb_(verb), started_(utc_now()), begin_(std::chrono::steady_clock::now()) {}

double Context::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

std::string Context::word(std::size_t index, const std::string& fallback) const {
  return index < words_.size() ? words_[index] : fallback;
}

std::vector<Override> Context::all_overrides() const {
  std::vector<Override> all;
  const auto add = [&](const char* key, const std::string& value, bool quote) {
    std::string yaml = value;
    if (quote) {
      yaml = "'";
      for (const char c : value) yaml += c == '\'' ? "''" : std::string(1, c);
      yaml += "'";
    }
    all.push_back({Override::Kind::set, key, yaml, text::cat("--", key, " ", value)});
  };
  if (common_.out) add("out", *common_.out, true);
  if (common_.name) add("name", *common_.name, true);
  if (common_.note) add("note", *common_.note, true);
  if (common_.threads) add("threads", text::cat(*common_.threads), false);
  if (common_.seed) add("seed", text::cat(*common_.seed), false);
  all.insert(all.end(), overrides_.begin(), overrides_.end());
  return all;
}

std::string Context::flag(const std::string& flag) const {
  const auto found = flags_.find(flag);
  if (found != flags_.end()) return found->second;
  for (const Flag& known : verb_.flags) {
    if (known.name == flag) return known.fallback;
  }
  return {};
}

std::int64_t Context::flag_integer(const std::string& name, std::int64_t fallback) const {
  const std::string value = flag(name);
  if (value.empty()) return fallback;
  std::int64_t number = 0;
  if (!text::parse(value, number)) {
    throw Error(ErrorKind::usage, text::cat(name, " takes a whole number, not '", text::printable(value), "'"));
  }
  return number;
}

bool Context::confirm(const std::string& question) const {
  if (common_.yes) return true;
  if (isatty(STDIN_FILENO) == 0 || !Screen::is_terminal(Stream::err)) return false;
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  const int answer = std::fgetc(stdin);
  return answer == 'y' || answer == 'Y';
}

std::string Context::ask(const std::string& question) const {
  if (common_.yes || isatty(STDIN_FILENO) == 0 || !Screen::is_terminal(Stream::err)) return {};
  std::fputs(question.c_str(), stderr);
  std::string line;
  for (int c = std::fgetc(stdin); c != EOF && c != '\n'; c = std::fgetc(stdin)) line += static_cast<char>(c);
  return line;
}

report::ProgressMode Context::progress() const {
  const bool automatic = common_.progress == report::ProgressMode::automatic;
  return automatic && common_.quiet ? report::ProgressMode::none : common_.progress;
}

}  // namespace thimble::app
