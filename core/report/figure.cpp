#include "core/report/figure.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>

namespace thimble::report {
namespace {

/// Least, greatest, first and last of positions [from, to), ascending and without repetition.
std::vector<std::size_t> kept_of(const std::vector<double>& y, std::size_t from, std::size_t to) {
  std::size_t least = from, greatest = from;
  for (std::size_t i = from; i < to; ++i) {
    if (std::isnan(y[least]) || y[i] < y[least]) least = i;
    if (std::isnan(y[greatest]) || y[i] > y[greatest]) greatest = i;
  }
  std::vector<std::size_t> kept{from, least, greatest, to - 1};
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

void append_at(std::vector<double>& to, const std::vector<double>& from, std::size_t i) {
  if (i < from.size()) to.push_back(from[i]);
}

}  // namespace

double packed_colour(double red, double green, double blue) {
  const auto level = [](double share) { return std::round(255 * std::clamp(share, 0.0, 1.0)); };
  return level(red) * 65536 + level(green) * 256 + level(blue);
}

Box box_of(std::string name, linalg::Values values) {
  using linalg::quantile;
  using linalg::QuantileRule;
  Box box{std::move(name),
          0,
          quantile(values, 0.25, QuantileRule::linear),
          quantile(values, 0.5, QuantileRule::linear),
          quantile(values, 0.75, QuantileRule::linear),
          0,
          {}};
  const double reach = 1.5 * (box.third_quartile - box.first_quartile);
  box.low = box.first_quartile;
  box.high = box.third_quartile;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double v = values[i];
    if (v < box.first_quartile - reach || v > box.third_quartile + reach) {
      box.outliers.push_back(v);
    } else {
      box.low = std::min(box.low, v);
      box.high = std::max(box.high, v);
    }
  }
  return box;
}

Series histogram_series(std::string name, const linalg::Histogram& histogram, std::string statistics) {
  Series series;
  series.mark = Mark::histogram;
  series.name = std::move(name);
  series.statistics = std::move(statistics);
  for (std::size_t i = 0; i <= histogram.counts.size(); ++i) series.x.push_back(histogram.edge(i));
  series.y.assign(histogram.counts.begin(), histogram.counts.end());
  return series;
}

Grid histogram_grid(const linalg::Histogram2d& histogram) {
  Grid grid;
  grid.x = histogram.x;
  grid.y = histogram.y;
  grid.columns = histogram.bins_x;
  grid.rows = histogram.bins_y;
  grid.values.assign(histogram.counts.begin(), histogram.counts.end());
  grid.log_colour = true;
  return grid;
}

std::string statistics_text(std::size_t count, double mean, double deviation, const std::string& unit) {
  std::string out = "n " + text::grouped(static_cast<std::int64_t>(count));
  if (std::isfinite(mean)) out += " · mean " + text::fixed(mean, 2);
  if (std::isfinite(deviation)) out += " · σ " + text::fixed(deviation, 2);
  return std::isfinite(mean) || std::isfinite(deviation) ? out + (unit.empty() ? "" : " " + unit) : out;
}

Series reduced(const Series& series, std::size_t limit) {
  const std::size_t n = std::min(series.x.size(), series.y.size());
  if (n <= limit || series.mark == Mark::histogram || limit < 4) return series;
  Series out = series;
  for (auto* column : {&out.x, &out.y, &out.low, &out.high}) column->clear();
  const std::size_t buckets = limit / 4;
  for (std::size_t b = 0; b < buckets; ++b) {
    for (const std::size_t i : kept_of(series.y, b * n / buckets, (b + 1) * n / buckets)) {
      append_at(out.x, series.x, i);
      append_at(out.y, series.y, i);
      append_at(out.low, series.low, i);
      append_at(out.high, series.high, i);
    }
  }
  return out;
}

std::string file_stem(const std::string& text) {
  std::string out;
  for (const char c : text::lower(text)) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (good && out.size() < 64) out += c;
    if (!good && !out.empty() && out.back() != '-' && out.size() < 64) out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  const std::size_t first = out.find_first_not_of('-');
  return first == std::string::npos ? "figure" : out.substr(first);
}

}  // namespace thimble::report
