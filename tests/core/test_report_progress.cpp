#include "core/base/error.h"
#include "core/report/progress.h"
#include "core/report/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

using namespace thimble;
using namespace thimble::report;

namespace {

/// A terminal of memory with a clock that only the test moves.
struct Fake {
  double now = 100;
  int columns = 160;
  std::string out;

  ProgressOptions options(ProgressMode mode, bool terminal = true) {
    ProgressOptions o;
    o.mode = mode;
    o.write = [this](std::string_view text) { out += text; };
    o.clock = [this] { return now; };
    o.utc = [] { return std::string("2026-11-20T12:03:41Z"); };
    o.width = [this] { return columns; };
    o.terminal = [terminal] { return terminal; };
    return o;
  }
  std::string take() { return std::exchange(out, {}); }
};

std::vector<ProgressField> training_fields() {
  return {{Part::counter, "experts", "5/5", {}, {}},
          {Part::counter, "epoch", "312/1000", {}, " 312/1000"},
          {Part::loss, "loss", "0.0171", {}, {}},
          {Part::loss, "val_loss", "0.0183", "val", {}},
          {Part::best, "best", "0.0179@298", {}, "0.0179 @298"},
          {Part::rate, "rate", "2.1e6/s", {}, "2.1 M tracks/s"}};
}

/// The line after 5.45 s of 31.2 %: 0.0572477 of the work per second, 12.02 s remain.
std::string line_at(int columns, bool unicode = true) {
  Fake fake;
  fake.columns = columns;
  auto options = fake.options(ProgressMode::bar);
  options.unicode = unicode;
  Progress progress(options);
  progress.begin("train", 1);
  fake.now += 5.45;
  progress.update(0.312, training_fields());
  return fake.take();
}

}  // namespace

TEST_CASE("the progress line at several widths: rate, bar, best, loss go in this order") {
  CHECK(line_at(160) ==
        "\rtrain  experts 5/5  epoch  312/1000  ██████░░░░░░░░░░░░░░░░  31 %  loss 0.0171  val 0.0183  "
        "best 0.0179 @298  2.1 M tracks/s  eta 0:00:13\x1b[K");
  CHECK(line_at(120) ==
        "\rtrain  experts 5/5  epoch  312/1000  ██████░░░░░░░░░░░░░░  31 %  loss 0.0171  val 0.0183  "
        "best 0.0179 @298  eta 0:00:13\x1b[K");
  CHECK(line_at(100) ==
        "\rtrain  experts 5/5  epoch  312/1000  31 %  loss 0.0171  val 0.0183  best 0.0179 @298  eta 0:00:13\x1b[K");
  CHECK(line_at(80) == "\rtrain  experts 5/5  epoch  312/1000  31 %  loss 0.0171  val 0.0183  eta 0:00:13\x1b[K");
  CHECK(line_at(42) == "\rtrain  epoch  312/1000  31 %  eta 0:00:13\x1b[K");
  CHECK(line_at(40) == "\rtrain  31 %  eta 0:00:13\x1b[K");
  CHECK(line_at(12) == "\rtrain  31 %\x1b[K");
  CHECK(line_at(120, false) ==
        "\rtrain  experts 5/5  epoch  312/1000  ######--------------  31 %  loss 0.0171  val 0.0183  "
        "best 0.0179 @298  eta 0:00:13\x1b[K");
}

TEST_CASE("no line is wider than its terminal") {
  for (int columns = 2; columns < 170; ++columns) {
    const std::string line = line_at(columns);
    CHECK(display_width(line.substr(1, line.size() - 4)) < static_cast<std::size_t>(columns));
  }
}

TEST_CASE("a bar stays away for two seconds and is drawn at most ten times a second") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::automatic));
  CHECK(progress.mode() == ProgressMode::bar);
  progress.begin("train", 100);
  fake.now += 1.9;
  progress.update(5, {});
  CHECK(fake.take().empty());
  int drawn = 0;
  for (int i = 0; i < 1000; ++i) {  // one second
    fake.now += 0.001;
    progress.update(5 + 0.01 * i, {});
    drawn += fake.take().empty() ? 0 : 1;
  }
  CHECK(drawn <= 10);
  CHECK(drawn >= 8);
  progress.end("train  done");
  CHECK(fake.take() == "\r\x1b[Ktrain  done\n");
}

TEST_CASE("a warning takes the bar away and puts it back") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::bar));
  progress.begin("train", 10);
  fake.now += 3;
  progress.update(5, {});
  const std::string bar = fake.take();
  progress.write_above("warning: x\n");
  CHECK(fake.take() == "\r\x1b[Kwarning: x\n" + bar);
  progress.erase();
  CHECK(fake.take() == "\r\x1b[K");
  progress.redraw();
  CHECK(fake.take() == bar);
  CHECK(Progress::active() == &progress);
  write_to_stderr("note\n");
  CHECK(fake.take() == "\r\x1b[Knote\n" + bar);
  progress.end();
  CHECK(Progress::active() == nullptr);
}

TEST_CASE("off a terminal: begin, a line after two seconds, each ten seconds, each ten percent, end") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::automatic, false));
  CHECK(progress.mode() == ProgressMode::lines);
  progress.begin("train", 1000);
  CHECK(fake.take() == "2026-11-20T12:03:41Z train begin\n");
  fake.now += 1;
  progress.update(1, {});
  CHECK(fake.take().empty());
  fake.now += 1;
  progress.update(20, training_fields());
  CHECK(fake.take() ==
        "2026-11-20T12:03:41Z train experts=5/5 epoch=312/1000 pct=2 loss=0.0171 val_loss=0.0183 best=0.0179@298 "
        "rate=2.1e6/s eta_s=96\n");
  fake.now += 9.9;
  progress.update(90, {});
  CHECK(fake.take().empty());
  fake.now += 0.1;
  progress.update(91, {});
  CHECK(fake.take().find("pct=9 ") != std::string::npos);
  fake.now += 0.1;
  progress.update(101, {});
  CHECK(fake.take().find("pct=10 ") != std::string::npos);
  fake.now += 0.9;
  progress.update(1000, {});
  fake.take();
  progress.end("done in 14 s");
  CHECK(fake.take() == "2026-11-20T12:03:41Z train end pct=100 seconds=13.0\ndone in 14 s\n");
}

TEST_CASE("JSON progress is one object a line, NaN is null") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::json));
  progress.begin("train", 10);
  CHECK(fake.take() == R"({"time":"2026-11-20T12:03:41Z","verb":"train","event":"begin"})"
                       "\n");
  fake.now += 4;
  progress.update(2, {{Part::loss, "loss", "0.5", {}, {}},
                      {Part::loss, "val_loss", "nan", {}, {}},
                      {Part::counter, "epoch", "2/10", {}, {}}});
  CHECK(fake.take() == R"({"time":"2026-11-20T12:03:41Z","verb":"train","event":"progress","loss":0.5,"val_loss":null,)"
                       R"("epoch":"2/10","pct":20,"eta_s":16.0})"
                       "\n");
}

TEST_CASE("none writes nothing, an unknown mode is refused") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::none));
  progress.begin("train", 10);
  fake.now += 5;
  progress.update(5, {});
  progress.end("done");
  CHECK(fake.take().empty());
  CHECK_THROWS_AS(progress_mode("loud"), Error);
  CHECK(progress_mode("lines") == ProgressMode::lines);
}

TEST_CASE("remaining time follows a moving rate with a time constant of 20 s") {
  EtaClock eta;
  eta.start(0, 0);
  CHECK(eta.remaining(0, 100) < 0);  // nothing known
  for (int second = 1; second <= 100; ++second) eta.update(second, second);
  CHECK(eta.rate() == doctest::Approx(1));
  CHECK(eta.remaining(100, 200) == doctest::Approx(100));
  CHECK(eta.remaining(103, 200) == doctest::Approx(97));  // counts down while nothing is reported
  for (int second = 1; second <= 20; ++second) eta.update(100 + second, 100 + 3 * second);
  // after one time constant of a threefold rate: 3 - 2 / e (up to the finite past)
  CHECK(eta.rate() == doctest::Approx(3 - 2 * std::exp(-1.0)).epsilon(0.01));
}

TEST_CASE("work done before a resume does not count for the rate") {
  EtaClock eta;
  eta.start(50, 900);
  eta.update(60, 910);
  CHECK(eta.rate() == doctest::Approx(1));
  CHECK(eta.remaining(60, 1000) == doctest::Approx(90));
}

TEST_CASE("remaining time is hidden below 2 % and 2 s, and marked as a bound with early stopping") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::bar));
  progress.begin("train", 100);
  fake.now += 2;
  progress.update(50, {}, true);
  CHECK(fake.take().find("eta <= 0:00:02") != std::string::npos);
  progress.begin("train", 100);
  fake.now += 2.5;
  progress.update(0, {});
  CHECK(fake.take().find("eta") == std::string::npos);
}

TEST_CASE("five experts report into one line") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::bar));
  TrainProgress experts(progress, "experts", 5, "tracks", false);
  for (int e = 0; e < 5; ++e) experts.report(e, {0, 100, 0, 0, 0, 0, -1, false});
  fake.now += 4;
  for (int e = 0; e < 5; ++e) {
    experts.report(e, {20, 100, 2000, 0.1 * (e + 1), 0.2, 0.15, 10 + e, false});
    fake.now += 0.25;
  }
  const std::string text = fake.take();
  const std::string last = text.substr(text.rfind('\r') + 1);
  CHECK(last ==
        "train  experts 5/5  epoch  20/100  ████░░░░░░░░░░░░░░░░░░  20 %  loss 0.3  val 0.2  best 0.15 @14  "
        "2.0 k tracks/s  eta 0:00:20\x1b[K");
  experts.report(0, {30, 100, 3000, 0.1, 0.2, 0.15, 10, true});  // early stop: its share counts as done
  fake.now += 1;
  experts.report(1, {20, 100, 2000, 0.2, 0.2, 0.15, 11, false});
  CHECK(fake.take().find(" 36 %") != std::string::npos);
}

TEST_CASE("epochs of a resumed expert do not count for the remaining time") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::bar));
  TrainProgress experts(progress, "experts", 1, "tracks", false);
  fake.now += 0.5;
  experts.report(0, {80, 100, 0, 0.1, 0.1, 0.1, 79, false});
  fake.now += 9.5;
  experts.report(0, {90, 100, 100, 0.1, 0.1, 0.1, 79, false});
  CHECK(fake.take().find("eta 0:00:10") != std::string::npos);  // 10 % in 9.5 s and the pause before, 10 % left
}

TEST_CASE("threads may report, write and draw at the same time") {
  Fake fake;
  auto options = fake.options(ProgressMode::bar);
  options.clock = {};
  Progress progress(options);
  TrainProgress experts(progress, "experts", 4, "rows", true);
  std::vector<std::thread> threads;
  for (int e = 0; e < 4; ++e) {
    threads.emplace_back([&, e] {
      for (int epoch = 0; epoch <= 200; ++epoch) {
        experts.report(e, {epoch, 200, 1.0 * epoch, 0.5, 0.5, 0.5, 0, epoch == 200});
        if (epoch % 50 == 0) progress.write_above("x\n");
      }
    });
  }
  for (std::thread& t : threads) t.join();
  progress.end();
  CHECK(std::count(fake.out.begin(), fake.out.end(), 'x') == 20);
}

TEST_CASE("names with terminal sequences reach the terminal as text [R42]") {
  Fake fake;
  Progress progress(fake.options(ProgressMode::bar));
  progress.begin("tr\x1b]0;owned\x07", 10);
  fake.now += 3;
  progress.update(5, {{Part::loss, "lo\x1b[2Jss", "1\r2", {}, {}}});
  const std::string text = fake.take();
  CHECK(text.find('\x1b') == text.size() - 3);  // only our own erase sequence
  CHECK(text.find('\r', 1) == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
}

TEST_CASE("durations and rates read well") {
  CHECK(duration_text(12) == "0:00:12");
  CHECK(duration_text(3725) == "1:02:05");
  CHECK(duration_text(90061) == "1 d 01:01:01");
  CHECK(rate_text(2.1e6) == "2.1 M");
  CHECK(rate_text(830) == "830");
  CHECK(rate_text(9.96e5) == "996 k");
  CHECK(rate_text(999.9e3) == "1.0 M");
}

TEST_CASE("long texts are cut between letters") {
  CHECK(shortened("abcdef", 6) == "abcdef");
  CHECK(shortened("abcdef", 4) == "abc…");
  CHECK(shortened("σσσσ", 3) == "σσ…");
  CHECK(shortened("", 3).empty());
}

TEST_CASE("a table is aligned text and safe csv") {
  Table table;
  table.title = "z resolution";
  table.columns = {{"expert", "", true, false}, {"σz", "cm", false, false}, {"before", "cm", false, true}};
  table.rows = {{"0", number(5.921, 2, true), number(7.31, 2)},
                {"=cmd()", number(-6.5, 2, 0.25), number(std::nan(""), 2)}};
  table.rows.push_back({"mean"});
  table.last_is_total = true;
  table.note = "n - 1";
  CHECK(plain_text(table) ==
        "z resolution\n"
        "expert        σz [cm]  before [cm]\n"
        "──────  ─────────────  ───────────\n"
        "0               5.92*        7.31\n"
        "=cmd()  -6.50 ± 0.25            -\n"
        "──────  ─────────────  ───────────\n"
        "mean\n"
        "n - 1\n");
  CHECK(csv(table) == "expert,σz [cm],before [cm]\n0,5.92,7.31\n'=cmd(),-6.50 ± 0.25,\nmean,,\n");
  CHECK(plain_text(table, false).find("-6.50 +- 0.25") != std::string::npos);
}
