#include "core/base/error.h"
#include "core/io/file.h"
#include "core/report/gnuplot.h"
#include "core/report/html.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "report_sample.h"
#include "tests/support/temp_folder.h"

using namespace thimble;
using namespace thimble::report;

namespace {

namespace fs = std::filesystem;

/// Texts that try to leave their place in gnuplot, a shell, a page, a spreadsheet or a terminal.
const std::vector<std::string>& hostile_texts() {
  static const std::vector<std::string> texts{
      "`touch owned`",
      "\"; system(\"touch owned\"); \"",
      "'; system('touch owned'); '",
      "'.system('touch owned').'",
      "'';system('touch owned')#",
      "a'';system('touch owned')#",
      "a'''';system('touch owned')#",
      "$(touch owned) @owned @system",
      "x\nsystem 'touch owned'\n!touch owned\n",
      "<script>document.title='owned'</script>",
      "</title></text></svg><script>document.title='owned'</script>",
      "<img src=x onerror=\"document.title='owned'\">",
      "\" onload=\"document.title='owned'",
      "<!-- <![CDATA[ ]]> -->",
      "\x1b]0;owned\x07\x1b[31m",
      "http://example.com/owned.png https://example.com HTTP://EXAMPLE.COM",
      "%s%n%d {/Symbol a} x^2_3 \\",
      "=cmd|' /C calc'!A1",
      "../../../owned",
      "a\xff\xfe\xC3",
      "\xE2\x80\xAEgnp.\xE2\x81\xA6",
      std::string(5000, 'W'),
      "",
  };
  return texts;
}

Figure hostile_figure(const std::string& text) {
  Figure figure;
  figure.name = text;
  figure.title = text;
  figure.caption = text;
  figure.x = {text, text, {}, {}, false};
  figure.y = {text, "", {}, {}, false};
  figure.series.push_back({Mark::line, text, {0, 1}, {1, 2}, {}, {}, text, -1, false});
  figure.rules = {{true, 0.5, text}, {false, 1.5, text}};
  return figure;
}

Figure hostile_map(const std::string& text) {
  Figure figure = hostile_figure(text);
  figure.series.clear();
  figure.grid = Grid{{0, 2}, {0, 2}, 2, 2, {1, 2, 3, 4}, text, false, false};
  figure.notes = {text, text};
  return figure;
}

Figure hostile_boxes(const std::string& text) {
  Figure figure = hostile_figure(text);
  figure.series.clear();
  figure.boxes = {box_of(text, std::vector<double>{1, 2, 3, 9}), box_of(text, std::vector<double>{1, 2, 3, 90})};
  return figure;
}

Report hostile_report() {
  Report r;
  std::string all;
  for (const std::string& text : hostile_texts()) {
    all += text + " ";
    r.next.push_back({text, text});
    r.warnings.push_back(text);
    r.settings.push_back({text, text, text + "x", text});
    r.provenance.push_back({text, text});
    r.hardware.facts.push_back({text, text});
  }
  r.app = r.name = r.version = r.sentence = all;
  Table table{all, all, {{all, all, true, false}, {all, "", false, true}}, {{all, Cell{all, true}}}, true};
  r.results = {table};
  r.hardware.tables = {table};
  for (const std::string& text : hostile_texts()) {
    r.figures.push_back({text, {hostile_figure(text)}, text.size() > 30});
  }
  r.figures.push_back({"all kinds", {hostile_map(all), hostile_boxes(all)}, false});
  return r;
}

/// Folder of the hostile report, written once.
const fs::path& hostile_run() {
  static const test::TempFolder run;
  static const bool written = (write_report(hostile_report(), run.path()), true);
  CHECK(written);
  return run.path();
}

/// No file called owned in any folder that a drawing could reach.
bool nothing_owned(const fs::path& run) {
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.path().filename().string().find("owned") == 0 && entry.path().extension().empty()) return false;
  }
  return !fs::exists("owned") && !fs::exists(run.parent_path() / "owned");
}

/// Every '<' of the page begins one of the tags that we write.
std::string strange_tag(const std::string& page) {
  static const std::vector<std::string> known{
      "!doctype", "html",    "head",    "meta",   "title",      "style", "body",   "main", "header", "section",
      "div",      "h1",      "h2",      "h3",     "b",          "p",     "span",   "dl",   "dt",     "dd",
      "code",     "table",   "caption", "thead",  "tbody",      "wbr",   "tr",     "th",   "td",     "ul",
      "li",       "details", "summary", "figure", "figcaption", "a",     "svg",    "g",    "path",   "text",
      "tspan",    "rect",    "polygon", "line",   "use",        "image", "circle", "defs"};
  for (std::size_t at = 0; (at = page.find('<', at)) != std::string::npos; ++at) {
    const std::size_t name = at + (page[at + 1] == '/' ? 2 : 1);
    const std::string tag = text::lower(page.substr(name, page.find_first_of(" >\n", name) - name));
    if (std::find(known.begin(), known.end(), tag) == known.end()) return tag;
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("hostile titles, names and notes run nothing in gnuplot, also from the kept scripts [R42]") {
  if (!Plotter::shared().available()) {
    MESSAGE("skipped: gnuplot is not installed");
    return;
  }
  Gnuplot child;
  for (const std::string& text : hostile_texts()) {
    CAPTURE(text);
    for (const Figure& figure : {hostile_figure(text), hostile_map(text), hostile_boxes(text)}) {
      const std::string stem = Plotter::shared().save(figure, child.folder());
      CHECK_NOTHROW(child.run("load '" + stem + ".gp'"));
      const std::string svg = io::read_file(child.folder() / (stem + ".svg"));
      CHECK_FALSE(contains(svg, "<script"));
      CHECK_FALSE(contains(svg, "<img"));
      CHECK_FALSE(contains(svg, "\x1b"));
      CHECK(text::is_utf8(svg));
      CHECK_NOTHROW(inline_svg(svg, "u"));
    }
    CHECK_NOTHROW(Plotter::shared().png(hostile_figure(text)));
  }
  CHECK(nothing_owned(child.folder()));
}

TEST_CASE("text becomes text: markup, controls and web addresses are taken apart [R41]") {
  CHECK(escaped("<b>\"'&`") == "&lt;b&gt;&quot;&#39;&amp;&#96;");
  CHECK(escaped("see http://x and HTTPS://y") == "see http&#58;//x and HTTPS&#58;//y");
  CHECK(escaped("a\x1b[31m\tb") == "a\uFFFD[31m b");
  CHECK(escaped("\xff") == "\uFFFD");
}

TEST_CASE("the report holds no script, no address and only its own tags, whatever the names say [R41]") {
  const std::string page = io::read_file(hostile_run() / "report.html");
  CHECK(strange_tag(page) == "");
  CHECK_FALSE(contains(text::lower(page), "<script"));
  CHECK_FALSE(contains(text::lower(page), "http:"));
  CHECK_FALSE(contains(text::lower(page), "https:"));
  CHECK_FALSE(contains(page, "xmlns"));
  CHECK_FALSE(contains(page, "\x1b"));
  CHECK(contains(page, "default-src 'none'"));
  CHECK(text::is_utf8(page));
  CHECK(nothing_owned(hostile_run()));
}

TEST_CASE("a hostile report in a headless browser: no script runs, nothing is fetched, nothing is clipped [R41]") {
  if (std::system("command -v chromium >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: chromium is not installed");
    return;
  }
  const std::string base = hostile_run().string();
  const std::string command = "timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir=" + base +
                              "/profile --log-net-log=" + base + "/net.json --dump-dom file://" + base +
                              "/report.html > " + base + "/dom.html 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  const std::string dom = io::read_file(hostile_run() / "dom.html");
  const std::size_t title = dom.find("<title>");
  CHECK(contains(dom, "Provenance"));
  CHECK_FALSE(contains(dom.substr(title, dom.find("</title>") - title), "<title>owned"));
  CHECK_FALSE(contains(io::read_file(hostile_run() / "net.json"), "example.com"));
}

TEST_CASE("the sample report is complete, small and links its files") {
  const test::TempFolder run;
  const Report sample = test::sample_report();
  write_report(sample, run.path());
  const std::string page = io::read_file(run / "report.html");
  CHECK(page.size() < 1000000);
  for (const char* part : {"done, 17.4 s", "19 % better", "Result per expert", "5.92 ± 0.08", "2 warnings", "Hardware",
                           "all 4 settings", "Provenance", "prefers-color-scheme", "@media print"}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  for (const FigureGroup& group : sample.figures) {
    for (const Figure& figure : group.figures) {
      CAPTURE(figure.name);
      for (const char* end : {".csv", ".gp"}) {
        CHECK(contains(page, "plots/" + figure.name + end));
        CHECK(fs::exists(run.path() / "plots" / (figure.name + end)));
      }
    }
  }
}

TEST_CASE("a page that would grow too large links its later figures instead") {
  if (!Plotter::shared().available()) return;
  HtmlOptions options;
  options.size_limit = 60000;
  const std::string page = html(test::sample_report(), Plotter::shared(), options);
  CHECK(page.size() < 80000);
  CHECK(contains(page, "left out to keep this page small"));
}

TEST_CASE("without gnuplot the report names the package and links the data") {
  Plotter none("/nonexistent/gnuplot");
  const std::string page = html(test::sample_report(), none);
  CHECK(contains(page, "gnuplot-nox"));
  CHECK(contains(page, "plots/loss.csv"));
  CHECK_FALSE(contains(page, "loss.svg"));
}

TEST_CASE("figures of the same name get files of their own") {
  const test::TempFolder run;
  Report report;
  report.figures = {{"", {hostile_figure("a b"), hostile_figure("a/b"), hostile_figure("a-b")}, false}};
  write_report(report, run.path());
  for (const char* name : {"a-b.csv", "a-b-2.csv", "a-b-3.csv"}) CHECK(fs::exists(run.path() / "plots" / name));
}

TEST_CASE("an interrupted and a failed run say so, many warnings are folded") {
  Plotter none("/nonexistent/gnuplot");
  Report report;
  report.seconds = 3725;
  report.status = Status::interrupted;
  CHECK(contains(html(report, none), "interrupted after 1 h 2 min"));
  report.status = Status::failed;
  report.warnings.assign(6, "w");
  const std::string page = html(report, none);
  CHECK(contains(page, "failed after"));
  CHECK(contains(page, "<summary>6 warnings</summary>"));
}
