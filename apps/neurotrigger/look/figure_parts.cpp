#include "apps/neurotrigger/look/figure_parts.h"

#include "core/base/text.h"

#include "apps/neurotrigger/look/metrics.h"

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {

std::string spread_text(const std::vector<double>& values, const std::string& unit) {
  return report::statistics_text(values.size(), linalg::mean(values),
                                 linalg::standard_deviation(values, linalg::Divisor::n), unit);
}

std::string trimmed_text(const std::vector<double>& values, const std::string& unit) {
  return text::cat(spread_text(values, unit), ", trimmed ", text::fixed(linalg::trimmed_standard_deviation(values), 2),
                   " ", unit);
}

void add_histogram(report::Figure& figure, const std::string& name, const std::vector<double>& values,
                   linalg::Range range, const std::string& statistics) {
  if (!values.empty())
    figure.series.push_back(report::histogram_series(name, linalg::histogram(values, kFigureBins, range), statistics));
}

linalg::Range range_of(const std::vector<std::vector<double>>& sets) {
  double low = 0, high = 0;
  bool any = false;
  for (const auto& values : sets)
    for (const double v : values) {
      low = any ? std::min(low, v) : v;
      high = any ? std::max(high, v) : v;
      any = true;
    }
  return high > low ? linalg::Range{low, high} : linalg::Range{low - 0.5, high + 0.5};
}

PlotRows plot_rows(const Compared& c, bool old) {
  const auto drawn = [](const Tensor& table) { return table.size(0) > kDrawnRows ? table.rows(0, kDrawnRows) : table; };
  const Tensor y = drawn(c.y), network = drawn(old ? c.y_old : c.y_hat);
  return {physical_column(y), physical_column(network), differences(y, network)};
}

std::vector<double> shallow_differences(const PlotRows& rows) {
  std::vector<double> near;
  for (std::size_t i = 0; i < rows.reco.size(); ++i)
    if (std::abs(rows.reco[i]) <= kShallowCm) near.push_back(rows.difference[i]);
  return near;
}

Overlay old_and_new(const Compared& c) {
  Overlay overlay{{"network", plot_rows(c)}};
  if (c.has_old) overlay.emplace_back("old network", plot_rows(c, true));
  return overlay;
}

}  // namespace thimble::neurotrigger
