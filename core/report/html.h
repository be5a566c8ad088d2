#pragma once
// The report of a run: one HTML file that needs nothing else, runs no script and asks no network.

#include "core/report/figure.h"
#include "core/report/plotter.h"
#include "core/report/table.h"

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::report {

enum class Status { done, interrupted, failed };

struct Fact {
  std::string name, value;
};
struct NextCommand {
  std::string purpose;  // "export"
  std::string command;  // "thimble-neurotrigger export runs/..."
};
struct Setting {
  std::string key, value;
  std::string standard;  // default value; equal to value: only listed among all
  std::string origin;    // "baseline.yaml:3", "command line", "default"
};
/// A picture that is not drawn from numbers, such as an animation; it stands in the page itself.
struct Picture {
  std::string title, caption;
  std::string file;  // name beside the page, for the link
  std::string png;   // content of the file; more than kPictureLimit bytes are linked only
};
inline constexpr std::size_t kPictureLimit = 2'000'000;

struct FigureGroup {
  std::string heading;  // empty: no heading
  std::vector<Figure> figures;
  bool folded = false;
  std::vector<std::string> text = {};  // paragraphs below the heading: what tables and figures mean
  std::vector<Table> tables = {};      // between text and figures
  std::vector<Picture> pictures = {};  // before the figures
};
struct Hardware {
  std::vector<Fact> facts;  // formats, adders, LUT/FF, cycles, "0 mismatches of 100000"
  std::vector<Table> tables;
};

struct Report {
  std::string app, name, version;  // "thimble-neurotrigger", "baseline_v2", "version 3"
  Status status = Status::done;
  double seconds = 0;
  std::string sentence;             // the result in one sentence
  std::vector<std::string> advice;  // what follows from it, one paragraph each
  std::vector<NextCommand> next;
  std::vector<Table> results;
  std::vector<std::string> warnings;
  std::vector<FigureGroup> figures;
  Hardware hardware;
  std::vector<Setting> settings;
  std::vector<Fact> provenance;
};

struct HtmlOptions {
  std::size_t size_limit = 1000000;  // bytes; later figures are linked instead of drawn beyond it
  std::string plots = "plots";       // folder of the figures' files, relative to the report
};

/// The page. Figures are drawn by `plotter`; without gnuplot each is named with its data file instead.
/// Every text is escaped; the page never contains the letters of a web address with its colon.
std::string html(const Report& report, Plotter& plotter, const HtmlOptions& options = {});
/// Writes run/plots/NAME.{svg,csv,gp} for every figure and run/report.html (replaced atomically).
void write_report(const Report& report, const std::filesystem::path& run, Plotter& plotter = Plotter::shared());

/// Text for element content and quoted attributes, cut at 2000 columns: markup characters and the colon of web
/// addresses as entities, control characters and malformed UTF-8 as U+FFFD.
std::string escaped(const std::string& text);
/// Element content with the colon behind "http" and "https" as an entity, so that the page holds no web address even
/// where a name looks like one.
std::string without_web_addresses(const std::string& markup);
/// A drawn SVG for inlining: no XML head, no namespaces, no unused markers; colours that follow the page.
std::string inline_svg(const std::string& svg, const std::string& unique);

}  // namespace thimble::report
