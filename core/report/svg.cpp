#include "core/base/error.h"
#include "core/report/html.h"
#include "core/report/script.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

namespace thimble::report {
namespace {

using std::string_view;

/// All that gnuplot's SVG is made of; anything else means that a text escaped its quotes.
constexpr std::array<string_view, 12> kTags{"defs", "svg",     "g",    "path", "text",  "tspan",
                                            "rect", "polygon", "line", "use",  "image", "circle"};

void replace_all(std::string& text, string_view from, string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

/// Removes everything from `open` to `close`, both included, each time.
void remove_between(std::string& text, string_view open, string_view close) {
  for (std::size_t at = 0; (at = text.find(open, at)) != std::string::npos;) {
    const std::size_t end = text.find(close, at + open.size());
    if (end == std::string::npos) return;
    text.erase(at, end + close.size() - at);
  }
}

/// "#2b3138" in the two ways the svg terminal writes it.
std::array<std::string, 2> rgb_forms(const char* hex) {
  const long number = std::strtol(hex + 1, nullptr, 16);
  const long r = number >> 16, g = (number >> 8) & 255, b = number & 255;
  const auto three = [](long v) {
    std::string digits = std::to_string(v);
    return std::string(3 - digits.size(), ' ') + digits;
  };
  return {text::cat("rgb(", r, ",", g, ",", b, ")"), text::cat("rgb(", three(r), ", ", three(g), ", ", three(b), ")")};
}

/// Colours inside tags become variables of the page's style; texts stay as they are, but for web addresses.
std::string with_page_colours(const std::string& svg) {
  std::vector<std::pair<std::string, std::string>> names{
      {"\"black\"", "\"currentColor\""}, {"'black'", "'currentColor'"}, {"'white'", "'var(--card)'"}};
  const auto add = [&](const char* hex, const std::string& variable) {
    for (const std::string& form : rgb_forms(hex)) names.emplace_back(form, variable);
  };
  add(script::kInk, "currentColor");
  add(script::kAxis, "var(--axis)");
  add(script::kGridLine, "var(--grid)");
  add(script::kGround, "var(--plot)");
  for (std::size_t i = 0; i < script::kColours.size(); ++i) add(script::kColours[i], text::cat("var(--s", i, ")"));
  std::string out;
  for (std::size_t at = 0; at < svg.size();) {
    const std::size_t open = std::min(svg.find('<', at), svg.size());
    const std::size_t close = std::min(svg.find('>', open), svg.size());
    out += without_web_addresses(svg.substr(at, open - at));
    std::string tag = svg.substr(open, close - open);
    for (const auto& [from, to] : names) replace_all(tag, from, to);
    out += tag;
    at = close;
  }
  return out;
}

/// Keeps the definitions of used markers, drops the rest.
std::string used_definitions(const std::string& svg) {
  const std::size_t open = svg.find("<defs>"), close = svg.find("</defs>");
  if (open == std::string::npos || close == std::string::npos) return svg;
  const bool any_marker =
      svg.find("#gpPt", close) != std::string::npos || svg.find("#gpDot", close) != std::string::npos;
  std::string definitions = any_marker ? svg.substr(open + 6, close - open - 6) : "";
  remove_between(definitions, "<filter", "</filter>");
  if (!definitions.empty()) definitions = "<defs>" + definitions + "</defs>";
  return svg.substr(0, open) + definitions + svg.substr(close + 7);
}

/// gnuplot opens a group for everything it might draw. Removing one may leave its parent empty.
void remove_empty_groups(std::string& svg) {
  for (std::size_t before = 0; before != svg.size();) {
    before = svg.size();
    for (std::size_t at = 0; (at = svg.find("<g ", at)) != std::string::npos;) {
      const std::size_t end = svg.find('>', at);
      const std::size_t inner = svg.find_first_not_of(" \n\t", end + 1);
      if (inner != std::string::npos && svg.compare(inner, 4, "</g>") == 0) {
        svg.erase(at, inner + 4 - at);
      } else {
        at = end;
      }
    }
  }
}

bool is_blank(char c) {
  return c == '\n' || c == '\t' || c == ' ';
}

/// Runs of white space become one blank; between tags none at all.
std::string squeezed(const std::string& svg) {
  std::string out;
  for (std::size_t at = 0; at < svg.size();) {
    if (!is_blank(svg[at])) {
      out += svg[at++];
      continue;
    }
    while (at < svg.size() && is_blank(svg[at])) ++at;
    const bool before_tag = at < svg.size() && svg[at] == '<';
    if (!(before_tag && !out.empty() && out.back() == '>')) out += ' ';
  }
  return out;
}

void check_tags(const std::string& svg) {
  for (std::size_t at = 0; (at = svg.find('<', at)) != std::string::npos; ++at) {
    std::size_t name = at + (svg.compare(at, 2, "</") == 0 ? 2 : 1), end = name;
    while (end < svg.size() && svg[end] >= 'a' && svg[end] <= 'z') ++end;
    const string_view tag = string_view(svg).substr(name, end - name);
    THIMBLE_CHECK(std::find(kTags.begin(), kTags.end(), tag) != kTags.end(), internal,
                  "a drawn figure holds the unexpected element <", text::printable(tag), ">");
    const string_view inside = string_view(svg).substr(end, svg.find('>', end) - end);
    THIMBLE_CHECK(inside.find(" on") == string_view::npos, internal, "a drawn figure holds an event handler");
  }
}

}  // namespace

std::string inline_svg(const std::string& svg, const std::string& unique) {
  std::string out = used_definitions(svg);
  remove_between(out, "<?", "?>");
  remove_between(out, "<title>", "</title>");
  remove_between(out, "<desc>", "</desc>");
  remove_between(out, " xmlns=\"", "\"");
  remove_between(out, "xmlns:xlink=\"", "\"");
  remove_between(out, "<rect x=\"0\" y=\"0\"", "/>");
  for (const char* same :
       {" color=\"black\"", " color=\"white\"", " color=\"gray\"", " stroke-linecap=\"butt\"",
        " stroke-linejoin=\"miter\"", " stroke-width=\"1.00\"", " font-family=\"sans-serif\"", " class=\"gridline\""}) {
    replace_all(out, same, "");
  }
  out = with_page_colours(out);
  replace_all(out, "#gpPt", "#" + unique + "Pt");
  replace_all(out, "'gpPt", "'" + unique + "Pt");
  remove_empty_groups(out);
  out = squeezed(std::string(text::trim(out)));
  check_tags(out);
  return out;
}

}  // namespace thimble::report
