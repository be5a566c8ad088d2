#include "core/report/progress.h"

#include "core/base/error.h"
#include "core/report/table.h"

#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <mutex>

namespace thimble::report {
namespace {

constexpr double kQuiet = 2;       // seconds without any display
constexpr double kRedraw = 0.1;    // a bar changes at most ten times a second
constexpr double kLineEvery = 10;  // seconds between lines off a terminal
constexpr int kBarCells = 22, kLeastCells = 8;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char buffer[32];
  const std::size_t size = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {buffer, size};
}

int terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool stderr_is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

void write_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(STDERR_FILENO, text.data(), text.size());
    if (done <= 0) return;  // nobody left to tell
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

ProgressOptions filled(ProgressOptions options) {
  if (!options.write) options.write = write_stderr;
  if (!options.clock) options.clock = steady_seconds;
  if (!options.utc) options.utc = utc_now;
  if (!options.width) options.width = terminal_width;
  if (!options.terminal) options.terminal = stderr_is_terminal;
  if (options.mode == ProgressMode::automatic) {
    options.mode = options.terminal() ? ProgressMode::bar : ProgressMode::lines;
  }
  return options;
}

std::string bar_text(double fraction, int cells, bool unicode) {
  const int full = static_cast<int>(fraction * cells);
  std::string out;
  for (int i = 0; i < cells; ++i) out += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : "-");
  return out;
}

/// A part of the bar line; the least rank goes first when the line is too long.
struct Piece {
  std::string text;
  int rank;
};
constexpr int kBar = 1, kStays = 1000;

int rank_of(Part part, int position) {
  switch (part) {
    case Part::rate:
      return 0;
    case Part::best:
      return 2;
    case Part::loss:
      return 100 - position;  // the rightmost goes first
    default:
      return 200 + position;  // the leftmost goes first
  }
}

std::string joined(const std::vector<Piece>& pieces) {
  std::string line;
  for (const Piece& piece : pieces) line += (line.empty() ? "" : "  ") + piece.text;
  return line;
}

std::string cut(std::string line, std::size_t width) {
  while (display_width(line) > width) line.pop_back();
  return line;
}

/// Leaves out pieces until the line fits; the bar gets shorter before it goes.
std::string fitted(std::vector<Piece> pieces, std::size_t width, const std::function<std::string(int)>& bar) {
  for (;;) {
    std::string line = joined(pieces);
    const std::size_t used = display_width(line);
    if (used <= width) return line;
    const auto least =
        std::min_element(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.rank < b.rank; });
    if (least->rank == kStays) return cut(std::move(line), width);
    const std::size_t excess = used - width;
    if (least->rank == kBar && display_width(least->text) >= excess + kLeastCells) {
      least->text = bar(static_cast<int>(display_width(least->text) - excess));
    } else {
      pieces.erase(least);
    }
  }
}

std::string one_word(const std::string& value) {
  std::string out = text::printable(value);
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}

std::mutex& registry_lock() {
  static std::mutex lock;
  return lock;
}
std::vector<Progress*>& registry() {
  static std::vector<Progress*> list;
  return list;
}

}  // namespace

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Progress::Impl {
  explicit Impl(ProgressOptions given) : options(filled(std::move(given))) {}

  ProgressOptions options;
  std::mutex lock;
  std::string verb;
  std::vector<ProgressField> fields;
  double total = 0, done = 0, begun = 0, last_shown = 0;
  int last_tenth = 0;
  bool running = false, bound = false, visible = false, shown_before = false;
  EtaClock eta;

  double fraction() const { return total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0; }
  int percent() const { return static_cast<int>(100 * fraction() + 1e-9); }

  /// Negative: not shown yet.
  double remaining(double now) const {
    if (fraction() < 0.02 && now - begun < kQuiet) return -1;
    return eta.remaining(now, total);
  }

  std::string eta_text(double now) const {
    const double seconds = remaining(now);
    if (seconds < 0) return {};
    return (bound ? "eta <= " : "eta ") + duration_text(std::ceil(seconds - 1e-9));
  }

  void append(std::vector<Piece>& pieces, Part part) const {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const ProgressField& field = fields[i];
      if (field.part != part) continue;
      const std::string& label = field.label.empty() ? field.key : field.label;
      const std::string& value = field.shown.empty() ? field.value : field.shown;
      const std::string text = part == Part::rate ? value : label + " " + value;
      pieces.push_back({text::printable(text), rank_of(part, static_cast<int>(i))});
    }
  }

  std::string bar_line(double now) const {
    std::vector<Piece> pieces{{text::printable(verb), kStays}};
    append(pieces, Part::counter);
    const auto bar = [this](int cells) { return bar_text(fraction(), cells, options.unicode); };
    pieces.push_back({bar(kBarCells), kBar});
    const std::string number = std::to_string(percent());
    pieces.push_back({(number.size() < 2 ? " " : "") + number + " %", kStays});
    for (const Part part : {Part::loss, Part::best, Part::rate}) append(pieces, part);
    if (const std::string text = eta_text(now); !text.empty()) pieces.push_back({text, kStays});
    // the last column stays free: some terminals wrap when it is written
    return fitted(std::move(pieces), static_cast<std::size_t>(std::max(options.width() - 1, 1)), bar);
  }

  void append_words(std::string& line, Part part) const {
    for (const ProgressField& field : fields) {
      if (field.part == part) line += " " + one_word(field.key) + "=" + one_word(field.value);
    }
  }

  std::string key_value_line(double now) const {
    std::string line = options.utc() + " " + one_word(verb);
    append_words(line, Part::counter);
    line += " pct=" + std::to_string(percent());
    for (const Part part : {Part::loss, Part::best, Part::rate}) append_words(line, part);
    if (const double seconds = remaining(now); seconds >= 0) line += " eta_s=" + text::fixed(std::ceil(seconds), 0);
    return line + "\n";
  }

  nlohmann::ordered_json json_head(const char* event) const {
    return {{"time", options.utc()}, {"verb", verb}, {"event", event}};
  }

  std::string json_line(double now) const {
    auto line = json_head("progress");
    for (const ProgressField& field : fields) {
      double value = 0;
      if (!text::parse(field.value, value)) {
        line[field.key] = field.value;
      } else {
        line[field.key] = std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
      }
    }
    line["pct"] = percent();
    if (const double seconds = remaining(now); seconds >= 0) line["eta_s"] = std::ceil(seconds);
    return dumped(line);
  }

  static std::string dumped(const nlohmann::ordered_json& line) {
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  void draw(double now) {
    options.write("\r" + bar_line(now) + "\x1b[K");
    visible = true;
  }
  void wipe() {
    if (visible) options.write("\r\x1b[K");
    visible = false;
  }

  void show_bar(double now) {
    if (visible && now - last_shown < kRedraw) return;
    draw(now);
    last_shown = now;
  }

  void show_line(double now) {
    const int tenth = percent() / 10;
    if (shown_before && tenth == last_tenth && now - last_shown < kLineEvery) return;
    options.write(options.mode == ProgressMode::json ? json_line(now) : key_value_line(now));
    shown_before = true;
    last_tenth = tenth;
    last_shown = now;
  }

  void show(double now) {
    if (now - begun < kQuiet || options.mode == ProgressMode::none) return;
    if (options.mode == ProgressMode::bar) {
      show_bar(now);
    } else {
      show_line(now);
    }
  }

  void announce_begin() {
    if (options.mode == ProgressMode::lines) options.write(options.utc() + " " + one_word(verb) + " begin\n");
    if (options.mode == ProgressMode::json) options.write(dumped(json_head("begin")));
  }

  void announce_end(double now, const std::string& summary) {
    const std::string seconds = text::fixed(now - begun, 1);
    if (options.mode == ProgressMode::json) {
      auto line = json_head("end");
      line["pct"] = percent();
      line["seconds"] = now - begun;
      options.write(dumped(line));
      return;
    }
    if (options.mode == ProgressMode::none) return;
    if (options.mode == ProgressMode::lines) {
      options.write(options.utc() + " " + one_word(verb) + " end pct=" + std::to_string(percent()) +
                    " seconds=" + seconds + "\n");
    }
    if (!summary.empty()) options.write(text::printable(summary, 400) + "\n");
  }
};

ProgressMode progress_mode(std::string_view word) {
  if (word == "auto") return ProgressMode::automatic;
  if (word == "bar") return ProgressMode::bar;
  if (word == "lines") return ProgressMode::lines;
  if (word == "json") return ProgressMode::json;
  if (word == "none") return ProgressMode::none;
  fail(ErrorKind::usage, "progress is '", text::printable(word), "', expected auto, bar, lines, json or none");
}

Progress::Progress(ProgressOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Progress::~Progress() {
  const std::lock_guard<std::mutex> hold(registry_lock());
  std::erase(registry(), this);
  impl_->wipe();
}

void Progress::begin(const std::string& verb, double total, double done) {
  {
    const std::lock_guard<std::mutex> hold(registry_lock());
    std::erase(registry(), this);
    registry().push_back(this);
  }
  const std::lock_guard<std::mutex> hold(impl_->lock);
  impl_->wipe();
  impl_->verb = verb;
  impl_->total = total;
  impl_->done = done;
  impl_->fields.clear();
  impl_->begun = impl_->options.clock();
  impl_->last_tenth = impl_->percent() / 10;
  impl_->shown_before = false;
  impl_->running = true;
  impl_->eta.start(impl_->begun, done);
  impl_->announce_begin();
}

void Progress::update(double done, const std::vector<ProgressField>& fields, bool bound) {
  const std::lock_guard<std::mutex> hold(impl_->lock);
  if (!impl_->running) return;
  const double now = impl_->options.clock();
  impl_->done = done;
  impl_->fields = fields;
  impl_->bound = bound;
  impl_->eta.update(now, done);
  impl_->show(now);
}

void Progress::skip(double done) {
  const std::lock_guard<std::mutex> hold(impl_->lock);
  impl_->eta.skip(done);
}

void Progress::end(const std::string& summary) {
  {
    const std::lock_guard<std::mutex> hold(registry_lock());
    std::erase(registry(), this);
  }
  const std::lock_guard<std::mutex> hold(impl_->lock);
  if (!impl_->running) return;
  impl_->running = false;
  impl_->wipe();
  impl_->announce_end(impl_->options.clock(), summary);
}

void Progress::erase() {
  const std::lock_guard<std::mutex> hold(impl_->lock);
  impl_->wipe();
}

void Progress::redraw() {
  const std::lock_guard<std::mutex> hold(impl_->lock);
  const double now = impl_->options.clock();
  if (impl_->running && impl_->options.mode == ProgressMode::bar && now - impl_->begun >= kQuiet) impl_->draw(now);
}

void Progress::write_above(std::string_view text) {
  const std::lock_guard<std::mutex> hold(impl_->lock);
  const bool again = impl_->visible;
  impl_->wipe();
  impl_->options.write(text);
  if (again) impl_->draw(impl_->options.clock());
}

ProgressMode Progress::mode() const {
  return impl_->options.mode;
}

double Progress::now() const {
  return impl_->options.clock();
}

Progress* Progress::active() {
  const std::lock_guard<std::mutex> hold(registry_lock());
  return registry().empty() ? nullptr : registry().back();
}

void write_to_stderr(std::string_view text) {
  const std::lock_guard<std::mutex> hold(registry_lock());
  if (registry().empty()) {
    write_stderr(text);
  } else {
    registry().back()->write_above(text);
  }
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0 && seconds < 1e12)) return "?";
  const auto all = static_cast<std::int64_t>(seconds);
  const auto two = [](std::int64_t v) { return (v < 10 ? "0" : "") + std::to_string(v); };
  const std::int64_t hours = all / 3600 % 24, days = all / 86400;
  const std::string clock = ":" + two(all / 60 % 60) + ":" + two(all % 60);
  return days > 0 ? std::to_string(days) + " d " + two(hours) + clock : std::to_string(hours) + clock;
}

std::string rate_text(double value) {
  constexpr const char* prefixes[] = {"", " k", " M", " G", " T"};
  int step = 0;
  while (value >= 999.5 && step < 4) {
    value /= 1000;
    ++step;
  }
  return text::fixed(value, value < 9.95 ? 1 : 0) + prefixes[step];
}

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string lowered = text::lower(value);
    return lowered.find("utf-8") != std::string::npos || lowered.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace thimble::report
