#include "apps/fenet/look/data_look.h"

#include "core/io/json.h"

#include "apps/fenet/evaluate/criteria.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <unordered_set>

namespace thimble::fenet {
namespace {

using LabelJson = nlohmann::ordered_json;

constexpr std::size_t kLabelBins = 30;

/// Labels of all sessions, one list per axis.
std::vector<std::vector<double>> label_columns(const std::vector<Day>& days) {
  std::vector<std::vector<double>> columns;
  for (const Day& day : days)
    for (const Session& session : day.sessions) {
      const std::vector<double> values = session.labels.to_vector();
      const auto axes = static_cast<std::size_t>(session.labels.size(1));
      columns.resize(std::max(columns.size(), axes));
      for (std::size_t i = 0; i < values.size(); ++i) columns[i % axes].push_back(values[i]);
    }
  return columns;
}

std::vector<std::int64_t> distinct(const std::vector<double>& values) {
  std::vector<std::int64_t> counts;
  for (int decimals = 0; decimals <= kMostDecimals; ++decimals) {
    const double factor = std::pow(10.0, decimals);
    std::unordered_set<double> seen;
    for (const double value : values) seen.insert(std::nearbyint(value * factor) + 0.0);  // -0 is 0
    counts.push_back(static_cast<std::int64_t>(seen.size()));
  }
  return counts;
}

report::Figure distinct_figure(const std::vector<std::vector<std::int64_t>>& counts) {
  report::Figure f = report::plain_figure(
      "labels-distinct", "Different values among the labels",
      "Labels rounded to so many decimals. Where a curve becomes flat lies the resolution of the recording.",
      report::figure_axis("decimals"), report::figure_axis("different values"));
  for (std::size_t axis = 0; axis < counts.size(); ++axis) {
    report::Series s = report::line_series(axis_name(static_cast<std::int64_t>(axis)), {}, {});
    s.mark = report::Mark::line_points;
    for (std::size_t d = 0; d < counts[axis].size(); ++d) {
      s.x.push_back(static_cast<double>(d));
      s.y.push_back(static_cast<double>(counts[axis][d]));
    }
    f.series.push_back(std::move(s));
  }
  f.y.low = 0;
  return f;
}

report::Figure plane_figure(const std::vector<std::vector<double>>& columns) {
  report::Figure f = report::plain_figure("labels-plane", "Where the labels lie",
                                          "All segments of all days in 30 x 30 bins; the centre is rest.",
                                          report::figure_axis("x"), report::figure_axis("y"));
  f.square = true;
  f.grid = report::histogram_grid(linalg::histogram_2d(columns[0], columns[1], kLabelBins, kLabelBins));
  return f;
}

std::string distinct_csv(const std::vector<std::vector<std::int64_t>>& counts) {
  std::string out = "decimals";
  for (std::size_t axis = 0; axis < counts.size(); ++axis) out += "," + axis_name(static_cast<std::int64_t>(axis));
  for (std::size_t d = 0; d <= static_cast<std::size_t>(kMostDecimals); ++d) {
    out += text::cat('\n', d);
    for (const auto& column : counts) out += text::cat(',', column[d]);
  }
  return out + "\n";
}

}  // namespace

std::vector<std::int64_t> distinct_values(const Tensor& labels, std::int64_t axis) {
  const std::vector<double> all = labels.to_vector();
  std::vector<double> values;
  for (auto i = static_cast<std::size_t>(axis); i < all.size(); i += static_cast<std::size_t>(labels.size(1)))
    values.push_back(all[i]);
  return distinct(values);
}

Look data_look(const std::vector<Day>& days) {
  const std::vector<std::vector<double>> columns = label_columns(days);
  std::vector<std::vector<std::int64_t>> counts;
  for (const auto& column : columns) counts.push_back(distinct(column));
  Look look;
  look.section.heading = "Labels";
  const std::size_t rows = columns.empty() ? 0 : columns[0].size();
  look.section.text = {text::cat(rows, " segments of ", days.size(), days.size() == 1 ? " day" : " days")};
  for (std::size_t axis = 0; axis < counts.size(); ++axis)
    look.section.text.push_back(text::cat(axis_name(static_cast<std::int64_t>(axis)), ": ", counts[axis].back(),
                                          " different values, ", counts[axis][2], " when rounded to 2 decimals"));
  look.section.figures.push_back(distinct_figure(counts));
  if (columns.size() >= 2) look.section.figures.push_back(plane_figure(columns));
  LabelJson json = {{"segments", rows}, {"days", days.size()}};
  for (const auto& column : counts) json["distinct"].push_back(column);
  look.files = {{"labels.json", io::json_text(json, 2) + "\n"}, {"labels-distinct-values.csv", distinct_csv(counts)}};
  return look;
}

}  // namespace thimble::fenet
