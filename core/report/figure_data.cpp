#include "core/report/figure_data.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double at_or_nan(const std::vector<double>& values, std::size_t i) {
  return i < values.size() ? values[i] : kNaN;
}

std::vector<Row> outline_of(const Series& series) {
  std::vector<Row> rows;
  const std::size_t bins = std::min(series.y.size(), series.x.empty() ? 0 : series.x.size() - 1);
  if (bins == 0) return rows;
  rows.push_back({series.x[0], 0, kNaN, kNaN});
  for (std::size_t i = 0; i < bins; ++i) rows.push_back({series.x[i], series.y[i], kNaN, kNaN});
  rows.push_back({series.x[bins], 0, kNaN, kNaN});
  return rows;
}

std::vector<Row> coloured_rows(const Series& series) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < std::min({series.x.size(), series.y.size(), series.colours.size()}); ++i)
    rows.push_back({series.x[i], series.y[i], series.colours[i], kNaN});
  return rows;
}

/// Markers beyond a few thousand only make a blot: every k-th is drawn.
std::vector<Row> thinned(std::vector<Row> rows, std::size_t limit) {
  const std::size_t step = (rows.size() + limit - 1) / std::max<std::size_t>(limit, 1);
  if (step <= 1) return rows;
  std::vector<Row> kept;
  for (std::size_t i = 0; i < rows.size(); i += step) kept.push_back(rows[i]);
  return kept;
}

class Extent {
 public:
  explicit Extent(bool log) : log_(log) {}
  void add(double value) {
    if (!std::isfinite(value) || (log_ && value <= 0)) return;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
  void add(const std::vector<double>& values) {
    for (const double v : values) add(v);
  }
  bool empty() const { return low_ > high_; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  bool log_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
};

linalg::Range never_empty(double low, double high, bool log) {
  if (log && !(low > 0)) low = high > 0 ? high / 10 : 0.1;
  if (high > low) return {low, high};
  const double air = low == 0 ? 1 : std::abs(low) * 0.1;
  return log ? linalg::Range{low / 2, low * 2} : linalg::Range{low - air, low + air};
}

/// What is left around the data as a share of its range, and whether the axis begins at zero.
struct Air {
  double share;
  enum { never, near_zero, always } from_zero;
};

linalg::Range with_air(const Extent& extent, const Axis& axis, Air air) {
  double low = extent.empty() ? (axis.log ? 0.1 : 0) : extent.low();
  double high = extent.empty() ? 1 : extent.high();
  if (axis.log) {
    const double factor = std::pow(std::max(high / low, 1.2), air.share);
    low /= factor;
    high *= factor;
  } else {
    const double margin = (high - low) * air.share;
    const bool zero =
        low >= 0 && (air.from_zero == Air::always || (air.from_zero == Air::near_zero && low < 0.35 * high));
    low = zero ? 0 : low - margin;
    high += margin;
  }
  const auto wanted = [](std::optional<double> limit, double other) {
    return limit && std::isfinite(*limit) ? *limit : other;
  };
  return never_empty(wanted(axis.low, low), wanted(axis.high, high), axis.log);
}

/// Epochs 0 .. 999 end at the mark 1000.
linalg::Range rounded_end(linalg::Range range, const Axis& axis) {
  if (axis.log || axis.high) return range;
  const double span = range.high - range.low, power = std::pow(10.0, std::floor(std::log10(span)));
  const double mark = std::ceil(range.high / (power / 2)) * (power / 2);
  return {range.low, mark - range.high < 0.02 * span ? mark : range.high};
}

bool all_lines(const Figure& figure) {
  return std::all_of(figure.series.begin(), figure.series.end(), [](const Series& s) {
    return s.mark == Mark::line || s.mark == Mark::band || s.mark == Mark::histogram;
  });
}

}  // namespace

bool any_histogram(const Figure& figure) {
  return std::any_of(figure.series.begin(), figure.series.end(),
                     [](const Series& s) { return s.mark == Mark::histogram; });
}

std::vector<Row> rows_of(const Series& series, std::size_t limit) {
  if (series.mark == Mark::histogram) return outline_of(series);
  // every point carries its colour in the picture, which makes it long: half as many
  if (series.mark == Mark::points && !series.colours.empty()) return thinned(coloured_rows(series), limit);
  const bool points = series.mark == Mark::points || series.mark == Mark::error_bars;
  const Series drawn = points ? series : reduced(series, limit);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < std::min(drawn.x.size(), drawn.y.size()); ++i) {
    rows.push_back({drawn.x[i], drawn.y[i], at_or_nan(drawn.low, i), at_or_nan(drawn.high, i)});
  }
  return points ? thinned(std::move(rows), 2 * limit) : rows;
}

std::vector<Row> outlier_rows(const Figure& figure) {
  std::vector<Row> rows;
  for (std::size_t b = 0; b < figure.boxes.size(); ++b) {
    for (const double v : figure.boxes[b].outliers) rows.push_back({static_cast<double>(b), v, kNaN, kNaN});
  }
  return thinned(std::move(rows), 2000);
}

linalg::Range x_range(const Figure& figure) {
  if (!figure.boxes.empty()) return {-0.6, static_cast<double>(figure.boxes.size()) - 0.4};
  Extent extent(figure.x.log);
  if (figure.grid) {
    extent.add(figure.grid->x.low);
    extent.add(figure.grid->x.high);
  }
  for (const Series& s : figure.series) extent.add(s.x);
  const bool tight = figure.grid || all_lines(figure);
  return rounded_end(with_air(extent, figure.x, {tight ? 0 : 0.04, Air::never}), figure.x);
}

linalg::Range y_range(const Figure& figure) {
  Extent extent(figure.y.log);
  if (figure.grid) {
    extent.add(figure.grid->y.low);
    extent.add(figure.grid->y.high);
    return with_air(extent, figure.y, {0, Air::never});
  }
  for (const Series& s : figure.series) {
    extent.add(s.y);
    extent.add(s.low);
    extent.add(s.high);
  }
  for (const Box& box : figure.boxes) {
    extent.add(box.low);
    extent.add(box.high);
    extent.add(box.outliers);
  }
  const bool counts = any_histogram(figure);
  Axis axis = figure.y;
  if (counts && axis.log && !axis.low) axis.low = 0.5;
  return with_air(extent, axis, {0.06, counts ? Air::always : Air::near_zero});
}

linalg::Range colour_range(const Grid& grid) {
  if (grid.colours) return never_empty(grid.colours->low, grid.colours->high, grid.log_colour);
  Extent extent(grid.log_colour);
  extent.add(grid.values);
  if (extent.empty()) return grid.log_colour ? linalg::Range{1, 10} : linalg::Range{0, 1};
  if (grid.diverging) {
    const double reach = std::max(std::abs(extent.low()), std::abs(extent.high()));
    return never_empty(-reach, reach, false);
  }
  return never_empty(extent.low(), extent.high(), grid.log_colour);
}

}  // namespace thimble::report
