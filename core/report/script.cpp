#include "core/report/script.h"

#include "core/base/error.h"
#include "core/report/figure_data.h"
#include "core/report/gnuplot.h"
#include "core/report/table.h"
#include "core/report/ticks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace thimble::report::script {
namespace {

using text::cat;

constexpr std::size_t kStoredPoints = 50000;  // per curve in a csv file

constexpr std::array<const char*, 8> kDashes{"1",      "(14,4)", "(3,3)", "(12,4,3,4)", "(8,3,2,3,2,3)",
                                             "(20,5)", "1",      "(5,5)"};
constexpr std::array<int, 8> kMarkers{7, 5, 9, 13, 11, 6, 4, 8};

constexpr std::size_t kRowNumbers = std::tuple_size_v<Row>, kBoxNumbers = 6;

/// Points per curve in a picture: a thousand, half of that when there are many curves.
std::size_t drawn_points(const Figure& figure) {
  return figure.series.size() > 4 ? 500 : 1000;
}

constexpr std::size_t kLabelColumns = 46, kEntryColumns = 72, kNameColumns = 28;

std::string num(double value) {
  return text::shortest(value);
}

/// Quoted, and cut where it would leave the picture.
std::string shown(const std::string& text, std::size_t columns) {
  return single_quoted(shortened(clean_text(text), columns));
}

std::size_t style_of(const Series& series, std::size_t position) {
  return (series.style >= 0 ? static_cast<std::size_t>(series.style) : position) % kColours.size();
}

// -------------------------------------------------------------------------------------------------- sources

/// The clause that reads columns (1 x, 2 y, 3 low, 4 high) of one block of rows.
class Source {
 public:
  Source(const Figure& figure, Data data) : figure_(figure), data_(data) {
    for (const Series& s : figure.series) add(rows_of(s, drawn_points(figure)).size(), kRowNumbers);
    add(figure.boxes.size(), kBoxNumbers);
    add(outlier_rows(figure).size(), kRowNumbers);
  }

  std::string series(std::size_t k, const std::vector<int>& columns, const std::string& y_form = {}) const {
    if (data_ == Data::binary) return binary(k, columns, y_form);
    std::string out = single_quoted(file_stem(figure_.name) + ".csv") + " skip 1 using ";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string column = cat("$", columns[i] + 1);
      const bool formed = columns[i] == 2 && !y_form.empty();
      if (i > 0) out += ":";
      out += i == 0   ? cat("($1==", k, "?", column, ":NaN)")
             : formed ? with_column(y_form, column)
                      : cat("(", column, ")");
    }
    return out;
  }

  /// Columns 1 position, 2 low, 3 first quartile, 4 median, 5 third quartile, 6 high.
  std::string boxes(const std::vector<int>& columns) const {
    if (data_ == Data::binary) return binary(figure_.series.size(), columns, {});
    std::vector<std::string> texts;
    for (const int c : columns) texts.push_back(std::to_string(c));
    return cat(single_quoted(box_file()), " skip 1 using ", text::join(texts, ":"));
  }
  std::string outliers() const {
    if (data_ == Data::binary) return binary(figure_.series.size() + 1, {1, 2}, {});
    return cat(single_quoted(outlier_file()), " skip 1 using 1:2");
  }
  std::string grid(const std::string& form) const {
    const Grid& g = *figure_.grid;
    if (data_ == Data::csv)
      return cat(single_quoted(grid_file()), " nonuniform matrix using 1:2:", with_column(form, "$3"));
    const double dx = (g.x.high - g.x.low) / static_cast<double>(g.columns);
    const double dy = (g.y.high - g.y.low) / static_cast<double>(g.rows);
    return cat("'data.bin' binary skip=", offset_, " array=(", g.columns, ",", g.rows, ") dx=", num(dx),
               " dy=", num(dy), " origin=(", num(g.x.low + dx / 2), ",", num(g.y.low + dy / 2),
               ") format='%float64' using ", with_column(form, "$1"));
  }

  std::string stem() const { return file_stem(figure_.name); }
  std::string grid_file() const { return stem() + (figure_.series.empty() ? ".csv" : "-grid.csv"); }
  std::string box_file() const { return stem() + (figure_.series.empty() ? ".csv" : "-boxes.csv"); }
  std::string outlier_file() const { return stem() + "-outliers.csv"; }

 private:
  struct Block {
    std::size_t offset, rows, numbers;
  };
  void add(std::size_t rows, std::size_t numbers) {
    blocks_.push_back({offset_, rows, numbers});
    offset_ += rows * numbers * sizeof(double);
  }

  static std::string with_column(const std::string& form, const std::string& column) {
    std::string out = form;
    for (std::size_t at = 0; (at = out.find("COLUMN", at)) != std::string::npos;) out.replace(at, 6, column);
    return out;
  }

  std::string binary(std::size_t block, const std::vector<int>& columns, const std::string& y_form) const {
    const Block& b = blocks_[block];
    std::string format;
    for (std::size_t i = 0; i < b.numbers; ++i) format += "%float64";
    std::string out = cat("'data.bin' binary skip=", b.offset, " record=", b.rows, " format='", format, "' using ");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const bool formed = columns[i] == 2 && !y_form.empty();
      out += cat(i > 0 ? ":" : "", formed ? with_column(y_form, cat("$", columns[i])) : cat(columns[i]));
    }
    return out;
  }

  const Figure& figure_;
  Data data_;
  std::size_t offset_ = 0;
  std::vector<Block> blocks_;
};

// -------------------------------------------------------------------------------------------------- frame

std::string terminal(const Output& output) {
  const auto pixels = [&](int points) { return static_cast<int>(points * output.density); };
  const std::string size = cat("size ", pixels(output.size.width), ",", pixels(output.size.height));
  if (output.terminal == Terminal::svg) {
    return cat("set terminal svg ", size, " dynamic noenhanced font 'sans-serif,12' name ",
               single_quoted(output.unique), "\n");
  }
  const char* kind = output.terminal == Terminal::png_cairo ? "pngcairo" : "png truecolor";
  const std::string scale =
      output.density == 1.0 ? "" : cat(" fontscale ", num(output.density), " linewidth ", num(output.density));
  return cat("set terminal ", kind, " ", size, " noenhanced font 'DejaVu Sans,10.5'", scale, " background '#ffffff'\n");
}

std::string tick_list(const std::vector<Tick>& ticks) {
  std::string out;
  for (const Tick& tick : ticks) {
    out += cat(out.empty() ? "" : ", ", single_quoted(tick.label), " ", num(tick.at), tick.label.empty() ? " 1" : "");
  }
  return "(" + out + ")";
}

/// Names in place of numbers at an axis. They are formats to gnuplot: a percent sign is doubled. Names that would run
/// into one another along x are turned.
std::string named_ticks(const char* axis, const std::vector<std::pair<double, std::string>>& names) {
  std::string out;
  std::size_t longest = 0;
  for (const auto& [at, text] : names) {
    std::string name;
    for (const char c : shown(text, kNameColumns)) name += c == '%' ? "%%" : std::string(1, c);
    longest = std::max(longest, name.size());
    out += cat(out.empty() ? "" : ", ", name, " ", num(at));
  }
  const bool turned = *axis == 'x' && longest * names.size() > 60;
  return cat("set ", axis, "tics (", out, ")", turned ? " rotate by -35" : "", "\n");
}

std::string axis_commands(const char* name, const Axis& axis, linalg::Range range, int wanted) {
  const auto ticks = axis.log ? log_ticks(range.low, range.high, wanted) : linear_ticks(range.low, range.high, wanted);
  return cat(axis.log ? cat("set logscale ", name, "\n") : "", "set ", name, "range [", num(range.low), ":",
             num(range.high), "]\n",
             axis.names.empty() ? cat("set ", name, "tics ", tick_list(ticks), "\n") : named_ticks(name, axis.names),
             "set ", name, "label ", shown(axis.text(), kLabelColumns), " tc rgb '", kInk, "'\n");
}

std::string box_names(const Figure& figure) {
  std::vector<std::pair<double, std::string>> names;
  for (const Box& box : figure.boxes) names.emplace_back(static_cast<double>(names.size()), box.name);
  return cat(named_ticks("x", names), "set xlabel ", shown(figure.x.text(), kLabelColumns), " tc rgb '", kInk, "'\n");
}

/// Words inside the frame.
std::string labels(const Figure& figure) {
  std::string out;
  for (const Label& label : figure.labels) {
    if (!std::isfinite(label.x) || !std::isfinite(label.y)) continue;
    out += cat("set label ", shown(label.text, kNameColumns), " at ", num(label.x), ", ", num(label.y),
               " center tc rgb '", kInk, "' front\n");
  }
  return out;
}

/// Breaks a long title in two lines; the newline is made by an expression, for strings hold none.
std::string title_text(const std::string& title, std::size_t width) {
  const std::string clean = clean_text(title);
  if (display_width(clean) <= width) return single_quoted(clean);
  const std::size_t at = clean.rfind(' ', width);
  if (at == std::string::npos || at == 0) return shown(clean, width);
  return single_quoted(clean.substr(0, at)) + ".sprintf('%c',10)." + shown(clean.substr(at + 1), width);
}

/// A page title: above the legend, which gnuplot would else put over the title.
std::string page(const Figure& figure, const Output& output) {
  if (!output.titled) return {};
  const auto width = static_cast<std::size_t>(output.size.width / 9);
  return cat("set multiplot layout 1,1 title ", title_text(figure.title, width), " font ',14' tc rgb '", kInk, "'\n");
}

std::string frame(const Figure& figure) {
  std::string out = cat("set border 3 lw 1 lc rgb '", kAxis,
                        "'\nset pointintervalbox 0\nset tics nomirror out scale 0.6,0.3 textcolor rgb '", kInk, "'\n");
  if (figure.grid_lines && !figure.grid) {
    out += cat("set grid xtics ytics back lt 1 lw 1 lc rgb '", kGridLine, "'\n");
  }
  if (figure.square) out += "set size square\n";
  return out;
}

bool has_statistics(const Figure& figure) {
  return std::any_of(figure.series.begin(), figure.series.end(), [](const Series& s) { return !s.statistics.empty(); });
}

/// Legend above the frame: in one row when that fits, with statistics or long names one entry a line.
std::string key(const Figure& figure, const Output& output) {
  std::size_t named = 0, letters = 0;
  for (const Series& s : figure.series) {
    named += s.name.empty() ? 0 : 1;
    letters += s.name.empty() ? 0 : display_width(s.name) + 6;
  }
  if (named == 0) return "unset key\n";
  // the svg terminal guesses widths of letters, generously
  const bool fits = letters * 13 / 2 < static_cast<std::size_t>(output.size.width) - 70;
  const bool stacked = has_statistics(figure) || (!fits && named <= 4);
  const char* order = stacked                                    ? "vertical maxcols 1"
                      : fits && output.terminal == Terminal::svg ? "horizontal width -2"
                                                                 : "horizontal";
  return cat("set key above ", order, " left Left reverse samplen 2 spacing 1.15 tc rgb '", kInk, "'\n");
}

std::string colour_bar(const Grid& grid) {
  const linalg::Range range = colour_range(grid);
  const auto ticks = grid.log_colour ? log_ticks(range.low, range.high, 5) : linear_ticks(range.low, range.high, 5);
  // The dark end of viridis is left out: it would vanish on a dark ground.
  const char* palette = grid.diverging ? "(-1 '#0072B2', 0 '#f7f7f7', 1 '#D55E00')"
                                       : "(0 '#463480', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725')";
  return cat(grid.log_colour ? "set logscale cb\n" : "", "set cbrange [", num(range.low), ":", num(range.high),
             "]\nset cbtics ", tick_list(ticks), "\nset cblabel ", shown(grid.label, kLabelColumns), " tc rgb '", kInk,
             "'\nset colorbox noborder\nset palette maxcolors 64 defined ", palette,
             "\nset object 1 rectangle from graph 0,0 to graph 1,1 behind fs solid 1 noborder fc rgb '", kGround,
             "'\n");
}

/// Lines of statistics of a heat map, above its frame.
std::string notes(const Figure& figure) {
  const std::size_t count = figure.notes.size();
  std::string out = cat("set tmargin ", num(1.2 + 1.15 * static_cast<double>(count)), "\n");
  for (std::size_t i = 0; i < count; ++i) {
    out += cat("set label ", shown(figure.notes[i], kEntryColumns), " at graph 0, graph 1 offset character 0,",
               num(0.8 + 1.15 * static_cast<double>(count - 1 - i)), " left tc rgb '", kInk, "'\n");
  }
  return out;
}

std::string rules(const Figure& figure, linalg::Range x, linalg::Range y) {
  std::string out;
  for (const Rule& rule : figure.rules) {
    if (!std::isfinite(rule.at)) continue;
    const std::string at = num(rule.at);
    const std::string from = rule.vertical ? at + ", graph 0" : "graph 0, first " + at;
    const std::string to = rule.vertical ? at + ", graph 1" : "graph 1, first " + at;
    out += cat("set arrow from ", from, " to ", to, " nohead lw 1.2 dt (5,4) lc rgb '", kAxis, "' front\n");
    if (rule.name.empty()) continue;
    const linalg::Range across = rule.vertical ? x : y;
    const bool far = rule.at > 0.5 * (across.low + across.high);
    const std::string height = any_histogram(figure) || !figure.boxes.empty() ? "0.96" : "0.05";
    const std::string side = far ? "right offset character -0.6,0" : "left offset character 0.6,0";
    const std::string place = rule.vertical
                                  ? cat(at, ", graph ", height, " ", side)
                                  : cat("graph 0.01, first ", at, " left offset character 0,", far ? "-0.7" : "0.7");
    out += cat("set label ", shown(rule.name, kNameColumns), " at ", place, " tc rgb '", kInk, "' front\n");
  }
  return out;
}

// -------------------------------------------------------------------------------------------------- plots

std::string entry(const Series& series) {
  if (series.name.empty()) return " notitle";
  const std::string between = series.statistics.empty() ? "" : ":  ";
  return " title " + shown(series.name + between + series.statistics, kEntryColumns);
}

/// Colour as gnuplot wants it; pale series are three quarters transparent.
std::string colour(std::size_t style, bool pale) {
  return cat(" lc rgb '#", pale ? "80" : "", kColours[style] + 1, "'");
}

std::vector<std::string> plots_of(const Figure& figure, const Source& source, std::size_t k, double y_low) {
  const Series& s = figure.series[k];
  const std::size_t style = style_of(s, k);
  const std::string paint = colour(style, s.secondary);
  const std::string stroke =
      cat(" lw ", s.secondary ? "1.1" : "1.9", " dt ", s.secondary ? "1" : kDashes[style], paint);
  const std::string marker = cat(" pt ", kMarkers[style], " ps ", s.y.size() > 500 ? "0.3" : "0.6");
  const std::string fill = cat(paint, " fs transparent solid 0.18 noborder notitle");
  switch (s.mark) {
    case Mark::points:
      if (!s.colours.empty())
        return {cat(source.series(k, {1, 2, 3}), " with points", marker, " lc rgb variable", entry(s))};
      return {cat(source.series(k, {1, 2}), " with points", marker, paint, entry(s))};
    case Mark::line_points:
      return {cat(source.series(k, {1, 2}), " with linespoints", marker, stroke, entry(s))};
    case Mark::error_bars:
      return {cat(source.series(k, {1, 2, 3, 4}), " with yerrorbars", marker, " lw 1.3", paint, entry(s))};
    case Mark::band:
      return {cat(source.series(k, {1, 3, 4}), " with filledcurves", fill),
              cat(source.series(k, {1, 2}), " with lines", stroke, entry(s))};
    case Mark::histogram: {
      const std::string form = figure.y.log ? cat("(COLUMN>0?COLUMN:", num(y_low), ")") : "";
      return {cat(source.series(k, {1, 2}, form), " with fillsteps", fill),
              cat(source.series(k, {1, 2}, form), " with steps lw 1.6 dt 1", paint, entry(s))};
    }
    default:
      return {cat(source.series(k, {1, 2}), " with lines", stroke, entry(s))};
  }
}

std::vector<std::string> box_plots(const Figure& figure, const Source& source) {
  const std::string line = cat(" lw 1.4 lc rgb '", kColours[0], "'");
  std::vector<std::string> out{
      cat(source.boxes({1, 3, 2, 6, 5}), " with candlesticks whiskerbars 0.4 fs transparent solid 0.25 border", line,
          " notitle"),
      cat(source.boxes({1, 4, 4, 4, 4}), " with candlesticks lw 2.2 lc rgb '", kColours[1], "' notitle")};
  if (!outlier_rows(figure).empty()) {
    out.push_back(cat(source.outliers(), " with points pt 6 ps 0.5 lc rgb '", kColours[0], "' notitle"));
  }
  return out;
}

std::vector<std::string> all_plots(const Figure& figure, const Source& source, double y_low) {
  std::vector<std::string> out;
  if (figure.grid) {
    const std::string form = figure.grid->log_colour ? "(COLUMN>0?COLUMN:NaN)" : "(COLUMN)";
    out.push_back(source.grid(form) + " with image notitle");
  }
  if (!figure.boxes.empty()) out = box_plots(figure, source);
  for (std::size_t k = 0; k < figure.series.size(); ++k) {
    if (rows_of(figure.series[k], drawn_points(figure)).empty()) continue;
    for (std::string& plot : plots_of(figure, source, k, y_low)) out.push_back(std::move(plot));
  }
  if (out.empty()) out.push_back("NaN notitle");
  return out;
}

// -------------------------------------------------------------------------------------------------- data

template <class T>
void append(std::string& to, const std::vector<T>& numbers) {
  to.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
}

std::string csv_number(double value) {
  return std::isfinite(value) ? text::shortest(value) : "";
}

/// A name at the end of a csv line: quoted, and never a formula to a spreadsheet.
std::string csv_name(const std::string& name) {
  std::string out = "\"";
  const std::string clean = clean_text(name);
  if (!clean.empty() && std::string_view("=+-@").find(clean.front()) != std::string_view::npos) out += "'";
  for (const char c : clean) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string series_csv(const Figure& figure) {
  std::string out = "series,x,y,low,high,name\n";
  for (std::size_t k = 0; k < figure.series.size(); ++k) {
    for (const Row& row : rows_of(figure.series[k], kStoredPoints)) {
      out += std::to_string(k);
      for (const double v : row) out += "," + csv_number(v);
      out += "," + csv_name(figure.series[k].name) + "\n";
    }
  }
  return out;
}

/// First row: bin centres along x (its first cell counts them); first column: bin centres along y.
std::string grid_csv(const Grid& grid) {
  const auto center = [](linalg::Range range, std::size_t i, std::size_t n) {
    return range.low + (static_cast<double>(i) + 0.5) * (range.high - range.low) / static_cast<double>(n);
  };
  std::string out = std::to_string(grid.columns);
  for (std::size_t c = 0; c < grid.columns; ++c) out += "," + text::significant(center(grid.x, c, grid.columns), 9);
  out += "\n";
  for (std::size_t r = 0; r < grid.rows; ++r) {
    out += text::significant(center(grid.y, r, grid.rows), 9);
    for (std::size_t c = 0; c < grid.columns; ++c) out += "," + csv_number(grid.values[r * grid.columns + c]);
    out += "\n";
  }
  return out;
}

std::string box_csv(const Figure& figure) {
  std::string out = "position,low,first_quartile,median,third_quartile,high,name\n";
  for (std::size_t b = 0; b < figure.boxes.size(); ++b) {
    const Box& box = figure.boxes[b];
    out += std::to_string(b);
    for (const double v : {box.low, box.first_quartile, box.median, box.third_quartile, box.high}) {
      out += "," + csv_number(v);
    }
    out += "," + csv_name(box.name) + "\n";
  }
  return out;
}

std::string outlier_csv(const Figure& figure) {
  std::string out = "position,value\n";
  for (const Row& row : outlier_rows(figure)) out += cat(csv_number(row[0]), ",", csv_number(row[1]), "\n");
  return out;
}

}  // namespace

std::string commands(const Figure& figure, const Output& output, Data data) {
  if (figure.grid) {
    const Grid& g = *figure.grid;
    THIMBLE_CHECK(g.columns > 0 && g.rows > 0 && g.values.size() == g.columns * g.rows, shape, "figure '",
                  text::printable(figure.name), "': ", g.values.size(), " values for a grid of ", g.columns, " x ",
                  g.rows);
  }
  const linalg::Range x = x_range(figure), y = y_range(figure);
  const Source source(figure, data);
  std::string out = "reset\nset encoding utf8\n" + terminal(output) + "set output " + single_quoted(output.file) + "\n";
  if (data == Data::csv) out += "set datafile separator ','\n";
  out += page(figure, output) + frame(figure) + key(figure, output);
  out += figure.boxes.empty() ? axis_commands("x", figure.x, x, 8)
                              : box_names(figure) + cat("set xrange [", num(x.low), ":", num(x.high), "]\n");
  out += axis_commands("y", figure.y, y, 7);
  if (!figure.boxes.empty()) out += "set boxwidth 0.5\nset bars 0.4\n";
  if (figure.grid) out += colour_bar(*figure.grid) + notes(figure);
  out += rules(figure, x, y) + labels(figure);
  const auto plots = all_plots(figure, source, y.low);
  return out + "plot " + text::join(plots, ", \\\n     ") + (output.titled ? "\nunset multiplot" : "") +
         "\nunset output\n";
}

std::string binary_data(const Figure& figure) {
  std::string out;
  for (const Series& s : figure.series) append(out, rows_of(s, drawn_points(figure)));
  std::vector<double> boxes;
  for (std::size_t b = 0; b < figure.boxes.size(); ++b) {
    const Box& box = figure.boxes[b];
    boxes.insert(boxes.end(),
                 {static_cast<double>(b), box.low, box.first_quartile, box.median, box.third_quartile, box.high});
  }
  append(out, boxes);
  append(out, outlier_rows(figure));
  if (figure.grid) append(out, figure.grid->values);
  return out;
}

std::vector<std::pair<std::string, std::string>> csv_files(const Figure& figure) {
  const Source names(figure, Data::csv);
  std::vector<std::pair<std::string, std::string>> out;
  if (!figure.series.empty() || (!figure.grid && figure.boxes.empty())) {
    out.push_back({names.stem() + ".csv", series_csv(figure)});
  }
  if (figure.grid) out.push_back({names.grid_file(), grid_csv(*figure.grid)});
  if (!figure.boxes.empty()) {
    out.push_back({names.box_file(), box_csv(figure)});
    out.push_back({names.outlier_file(), outlier_csv(figure)});
  }
  return out;
}

}  // namespace thimble::report::script
