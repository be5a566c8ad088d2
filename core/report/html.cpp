#include "core/report/html.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/report/gnuplot.h"
#include "core/report/html_style.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace thimble::report {
namespace {

using text::cat;

constexpr std::size_t kFoldWarnings = 5;
constexpr std::size_t kNameColumns = 120, kTextColumns = 2000;  // longer texts are cut

/// A name or a short label, not a place for a novel.
std::string label(const std::string& text) {
  return escaped(shortened(clean_text(text), kNameColumns));
}

const char* entity_of(char c) {
  switch (c) {
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '&':
      return "&amp;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '`':
      return "&#96;";
    default:
      return nullptr;
  }
}

std::string seconds_text(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9)) return "?";
  if (seconds < 60) return text::fixed(seconds, 1) + " s";
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return cat(whole / 60, " min ", whole % 60, " s");
  return cat(whole / 3600, " h ", whole / 60 % 60, " min");
}

const char* word_of(Status status) {
  return status == Status::done ? "done" : status == Status::interrupted ? "interrupted" : "failed";
}

std::string header(const Report& report) {
  const std::string badge =
      cat(word_of(report.status), report.status == Status::done ? ", " : " after ", seconds_text(report.seconds));
  std::string out =
      cat("<header><div class=\"top\"><h1>", label(report.app), " · <b>", label(report.name), "</b> · ",
          label(report.version), "</h1><span class=\"badge ", word_of(report.status), "\">", badge, "</span></div>\n");
  if (!report.sentence.empty()) out += cat("<p class=\"sentence\">", escaped(report.sentence), "</p>\n");
  for (const std::string& paragraph : report.advice) out += cat("<p class=\"advice\">", escaped(paragraph), "</p>\n");
  if (!report.next.empty()) out += "<dl class=\"next\">";
  for (const NextCommand& next : report.next) {
    out += cat("<dt>", label(next.purpose), "</dt><dd><code>", escaped(next.command), "</code></dd>\n");
  }
  return out + (report.next.empty() ? "" : "</dl>") + "</header>\n";
}

std::string class_of(const Column& column) {
  std::string names = column.left ? "l" : "";
  if (column.reference) names += names.empty() ? "ref" : " ref";
  return names.empty() ? "" : " class=\"" + names + "\"";
}

/// Escaped text that may be broken behind underscores: names_of_configurations are one word otherwise.
std::string breakable(const std::string& escaped_text) {
  std::string out;
  for (const char c : escaped_text) {
    out += c;
    if (c == '_') out += "<wbr>";
  }
  return out;
}

std::string table_html(const Table& table) {
  std::string out = "<div class=\"wide\"><table>";
  if (!table.title.empty()) out += "<caption>" + label(table.title) + "</caption>";
  out += "<thead><tr>";
  for (const Column& column : table.columns) {
    const std::string unit = column.unit.empty() ? "" : " <span>[" + label(column.unit) + "]</span>";
    out += cat("<th scope=\"col\"", class_of(column), ">", label(column.name), unit, "</th>");
  }
  out += "</tr></thead>\n<tbody>";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    out += table.last_is_total && r + 1 == table.rows.size() ? "<tr class=\"total\">" : "<tr>";
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const Cell cell = c < table.rows[r].size() ? table.rows[r][c] : Cell{};
      const std::string value = table.columns[c].left ? breakable(escaped(cell.text)) : label(cell.text);
      const std::string inner = cell.best ? "<b>" + value + "</b>" : value;
      out += cat("<td", class_of(table.columns[c]), ">", inner, "</td>");
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  return table.note.empty() ? out : out + "<p class=\"note\">" + escaped(table.note) + "</p>\n";
}

std::string warnings_html(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return {};
  std::string list = "<ul>";
  for (const std::string& warning : warnings) list += "<li>" + escaped(warning) + "</li>\n";
  list += "</ul>";
  const std::string count = cat(warnings.size(), warnings.size() == 1 ? " warning" : " warnings");
  if (warnings.size() > kFoldWarnings) {
    return cat("<section class=\"warn\"><details><summary>", count, "</summary>", list, "</details></section>\n");
  }
  return cat("<section class=\"warn\"><h2>", count, "</h2>", list, "</section>\n");
}

std::string facts_html(const std::vector<Fact>& facts) {
  if (facts.empty()) return {};
  std::string out = "<dl class=\"facts\">";
  for (const Fact& fact : facts) out += cat("<dt>", label(fact.name), "</dt><dd>", escaped(fact.value), "</dd>\n");
  return out + "</dl>\n";
}

std::string hardware_html(const Hardware& hardware) {
  if (hardware.facts.empty() && hardware.tables.empty()) return {};
  std::string out = "<section><h2>Hardware</h2>" + facts_html(hardware.facts);
  for (const Table& table : hardware.tables) out += table_html(table);
  return out + "</section>\n";
}

Table settings_table(const std::vector<Setting>& settings, bool all) {
  Table table;
  table.columns = {
      {"key", "", true, false}, {"value", "", true, false}, {"default", "", true, true}, {"from", "", true, true}};
  for (const Setting& s : settings) {
    if (all || s.value != s.standard)
      table.rows.push_back({shortened(s.key, kNameColumns), s.value, s.standard, s.origin});
  }
  return table;
}

std::string settings_html(const std::vector<Setting>& settings) {
  if (settings.empty()) return {};
  const Table changed = settings_table(settings, false);
  std::string out = "<section><h2>Settings</h2>";
  out += changed.rows.empty() ? "<p class=\"note\">All settings have their default values.</p>" : table_html(changed);
  return cat(out, "<details><summary>all ", settings.size(), " settings</summary>",
             table_html(settings_table(settings, true)), "</details></section>\n");
}

std::string provenance_html(const std::vector<Fact>& facts) {
  return facts.empty() ? "" : "<section><h2>Provenance</h2>" + facts_html(facts) + "</section>\n";
}

/// Base64 by RFC 4648, with padding.
std::string base64(const std::string& bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    unsigned word = 0;
    for (std::size_t i = 0; i < 3; ++i) word = word << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= count ? kDigits[word >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

std::string picture_card(const Picture& picture) {
  const std::string inner =
      picture.png.size() <= kPictureLimit
          ? cat("<img alt=\"", label(picture.title), "\" src=\"data:image/png;base64,", base64(picture.png), "\">")
          : "<p class=\"empty\">left out to keep this page small: open the file</p>";
  return cat("<figure><h3>", label(picture.title), "</h3>\n<div class=\"plot\">", inner, "</div>\n<figcaption>",
             escaped(picture.caption), " <span class=\"files\"><a href=\"", escaped(picture.file),
             "\">png</a></span></figcaption></figure>\n");
}

/// Draws figures into the page while there is room.
class FigureWriter {
 public:
  FigureWriter(Plotter& plotter, const HtmlOptions& options, std::size_t used)
      : plotter_(plotter), options_(options), used_(used) {}

  std::string group(const FigureGroup& group) {
    std::string wide, square, pictures;
    for (const Picture& picture : group.pictures) pictures += picture_card(picture);
    for (const Figure& figure : group.figures) (figure.square ? square : wide) += card(figure);
    const auto squares =
        std::count_if(group.figures.begin(), group.figures.end(), [](const Figure& f) { return f.square; });
    const bool both_odd = squares % 2 == 1 && group.figures.size() % 2 == 0;
    // figures of a row share their shape, unless each shape has one left over
    std::string out;
    for (const std::string& paragraph : group.text) out += "<p class=\"text\">" + escaped(paragraph) + "</p>\n";
    for (const Table& table : group.tables) out += table_html(table);
    if (!out.empty()) out = "<section>" + out + "</section>\n";
    out += row(pictures);
    out += both_odd ? row(wide + square) : row(wide) + row(square);
    if (out.empty()) return {};
    const std::string heading = label(group.heading.empty() && group.folded ? "More figures" : group.heading);
    if (group.folded) return cat("<details class=\"more\"><summary>", heading, "</summary>\n", out, "</details>\n");
    return heading.empty() ? out : cat("<h2 class=\"group\">", heading, "</h2>\n", out);
  }

 private:
  static std::string row(const std::string& cards) {
    return cards.empty() ? "" : "<div class=\"row\">" + cards + "</div>\n";
  }

  std::string card(const Figure& figure) {
    const std::string stem = escaped(options_.plots + "/" + file_stem(figure.name));
    const std::string drawing = picture(figure);
    const bool drawn = plotter_.available();
    return cat("<figure><h3>", label(figure.title), "</h3>\n<div class=\"plot\">", drawing, "</div>\n<figcaption>",
               escaped(figure.caption), " <span class=\"files\"><a href=\"", stem, ".csv\">data</a><a href=\"", stem,
               ".gp\">script</a>", drawn ? cat("<a href=\"", stem, ".svg\">svg</a>") : "",
               "</span></figcaption></figure>\n");
  }

  std::string picture(const Figure& figure) {
    if (!plotter_.available()) return empty("not drawn: gnuplot is not installed (Debian package gnuplot-nox)");
    try {
      std::string svg = inline_svg(plotter_.svg(figure, false), cat("f", ++count_));
      if (used_ + svg.size() > options_.size_limit) return empty("left out to keep this page small: open the svg file");
      used_ += svg.size();
      svg.insert(4, cat(" role=\"img\" aria-label=\"", label(figure.title), "\""));
      return svg;
    } catch (const Error& error) {
      return empty("could not be drawn: " + error.message());
    }
  }

  static std::string empty(const std::string& why) { return "<p class=\"empty\">" + escaped(why) + "</p>"; }

  Plotter& plotter_;
  const HtmlOptions& options_;
  std::size_t used_;
  int count_ = 0;
};

std::string page_head(const Report& report) {
  return cat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
      label(cat(report.name, " ", report.version, " · ", report.app)), "</title>\n<style>", kStyle,
      "</style></head>\n<body><main>\n");
}

/// Every figure its own files: a repeated name gets a number.
Report with_unique_names(Report report) {
  std::set<std::string> taken;
  for (FigureGroup& group : report.figures) {
    for (Figure& figure : group.figures) {
      const std::string stem = file_stem(figure.name);
      figure.name = stem;
      for (int n = 2; !taken.insert(figure.name).second; ++n) figure.name = file_stem(cat(stem.substr(0, 58), "-", n));
    }
  }
  return report;
}

}  // namespace

std::string without_web_addresses(const std::string& markup) {
  std::string out;
  for (const char c : markup) {
    const std::string tail = c == ':' ? text::lower(out.substr(out.size() > 5 ? out.size() - 5 : 0)) : "";
    const bool scheme = tail.ends_with("http") || tail.ends_with("https");
    out += scheme ? "&#58;" : std::string(1, c);
  }
  return out;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : shortened(clean_text(text), kTextColumns)) {
    const char* entity = entity_of(c);
    out += entity != nullptr ? entity : std::string(1, c);
  }
  return without_web_addresses(out);
}

std::string html(const Report& report, Plotter& plotter, const HtmlOptions& options) {
  std::string top = page_head(report) + header(report);
  if (!report.results.empty()) {
    top += "<section>";
    for (const Table& table : report.results) top += table_html(table);
    top += "</section>\n";
  }
  top += warnings_html(report.warnings);
  const std::string bottom = hardware_html(report.hardware) + settings_html(report.settings) +
                             provenance_html(report.provenance) + "</main></body></html>\n";
  FigureWriter writer(plotter, options, top.size() + bottom.size());
  for (const FigureGroup& group : report.figures) top += writer.group(group);
  return top + bottom;
}

void write_report(const Report& report, const std::filesystem::path& run, Plotter& plotter) {
  const Report named = with_unique_names(report);
  const HtmlOptions options;
  const std::filesystem::path plots = run / options.plots;
  std::error_code error;
  std::filesystem::create_directories(plots, error);
  THIMBLE_CHECK(!error, io, "cannot make the folder ", text::printable(plots.string(), 300), ": ", error.message());
  for (const FigureGroup& group : named.figures) {
    for (const Figure& figure : group.figures) plotter.save(figure, plots);
  }
  io::atomic_replace(run / "report.html", html(named, plotter, options));
}

}  // namespace thimble::report
