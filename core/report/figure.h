#pragma once
// A figure as data: what to draw, in which units, and what a reader should see in it. Drawn by Plotter (plotter.h),
// the same description as SVG for reports, as PNG for TensorBoard and as script + csv for papers.

#include "core/linalg/stats.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace thimble::report {

/// One axis. Without low/high the range of the data is taken (with some air), always written explicitly.
struct Axis {
  std::string label;
  std::string unit;  // empty: a pure number
  std::optional<double> low, high;
  bool log = false;  // values <= 0 are left out
  /// Names at places, in the order given, in place of round numbers: categories.
  std::vector<std::pair<double, std::string>> names = {};
  std::string text() const { return unit.empty() ? label : label + " [" + unit + "]"; }
};

enum class Mark {
  line,
  points,
  line_points,
  histogram,   // x holds n + 1 edges, y holds n counts; drawn as filled steps
  error_bars,  // points with intervals low..high
  band,        // area between low and high with a line at y
};

/// One set of data with its legend entry. Colour, dash and marker follow `style` (by default the position).
struct Series {
  Mark mark = Mark::line;
  std::string name;  // legend; empty: no entry
  std::vector<double> x, y;
  std::vector<double> low, high;  // error_bars and band: ends of the interval, absolute
  std::string statistics;         // second line of the legend entry: "n 4998, mean 0.16, std 18.5 cm"
  int style = -1;                 // 0..7; -1: position in the figure
  bool secondary = false;         // thin and pale: training beside validation, in the colour of the same style
  /// points: colour of each as 0xRRGGBB (packed_colour); stands in the column `low` of the table. Empty: that of style.
  std::vector<double> colours = {};
};

/// Red, green and blue, 0 .. 1 each, as Series::colours holds them.
double packed_colour(double red, double green, double blue);

/// Five numbers of one box, with its outliers. Whiskers at the last value within 1.5 box heights.
struct Box {
  std::string name;
  double low = 0, first_quartile = 0, median = 0, third_quartile = 0, high = 0;
  std::vector<double> outliers;
};
/// Quartiles by linear interpolation. Throws Error(value) for no values.
Box box_of(std::string name, linalg::Values values);

/// Colour map over a regular grid; values[y * columns + x], NaN or (log colour) values <= 0 stay empty.
struct Grid {
  linalg::Range x{0, 1}, y{0, 1};  // outer edges
  std::size_t columns = 0, rows = 0;
  std::vector<double> values;
  std::string label = "count";  // of the colour bar
  bool log_colour = false;
  bool diverging = false;  // blue - white - red, symmetric about 0
  /// Ends of the colour bar, so that maps compare; values beyond take the colour of the end. None: range of the values.
  std::optional<linalg::Range> colours = {};
};

/// A dashed line across the figure, named at its end: a cut, a limit, an event.
struct Rule {
  bool vertical = false;
  double at = 0;
  std::string name;
};

/// A word inside a figure, centred on its place.
struct Label {
  double x = 0, y = 0;
  std::string text;
};

struct Figure {
  std::string name;  // stem of the files: letters, digits, - and _ (others are replaced)
  std::string title;
  std::string caption;  // one or two sentences: what to see
  Axis x, y;
  std::vector<Series> series;
  std::vector<Box> boxes;
  std::optional<Grid> grid;
  std::vector<Rule> rules;
  std::vector<Label> labels;
  std::vector<std::string> notes;  // lines of statistics written into a free corner of a heat map
  bool square = false;             // equal sides (z against z)
  bool grid_lines = true;
};

/// Series of a one-dimensional histogram.
Series histogram_series(std::string name, const linalg::Histogram& histogram, std::string statistics = {});
/// Grid of a two-dimensional histogram with logarithmic colour.
Grid histogram_grid(const linalg::Histogram2d& histogram);
/// "n 4998 · mean 0.16 · σ 18.47 cm": the usual second line of a legend entry; NaN is left out.
std::string statistics_text(std::size_t count, double mean, double deviation, const std::string& unit);

/// At most about `limit` points of a line (x ascending): per bucket first, least, greatest and last y stay, so that no
/// spike and no end is lost. Shorter lines are returned unchanged.
Series reduced(const Series& series, std::size_t limit = 1000);

/// `text` as a file stem: [a-z0-9_-], at most 64 characters, "figure" when nothing remains.
std::string file_stem(const std::string& text);

}  // namespace thimble::report
