#include "apps/neurotrigger/look/comparison.h"

#include "core/base/error.h"

#include "apps/neurotrigger/look/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::neurotrigger {
namespace {

struct MeritLine {
  const char* name;
  const char* unit;
  Maybe Merit::*value;
  int decimals;
};

/// Figures of merit of the table; small is good, except that the mean is good near 0.
constexpr MeritLine kMeritLines[] = {{"loss", "", &Merit::loss, 5},
                                     {"std z near", "cm", &Merit::z_trimmed_near_cm, 2},
                                     {"std z", "cm", &Merit::z_trimmed_cm, 2},
                                     {"mean z", "cm", &Merit::z_mean_cm, 2},
                                     {"std theta", "deg", &Merit::theta_trimmed_deg, 2}};

std::string group_name(int expert) {
  return expert < 0 ? "all" : text::cat("expert ", expert);
}

/// Rows that every candidate has predicted.
Mask common_rows(const Dataset& data, const std::vector<Candidate>& candidates) {
  Mask mask = keep_all(data);
  for (const Candidate& candidate : candidates) {
    THIMBLE_CHECK(candidate.outputs.predicted.size() == mask.size(), data, candidate.name, " has ",
                  candidate.outputs.predicted.size(), " tracks, the others ", mask.size());
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] != 0 && candidate.outputs.predicted[i] != 0;
  }
  return mask;
}

ComparedGroup group_of(const Dataset& data, const std::vector<Candidate>& candidates, const Mask& mask, int expert) {
  ComparedGroup group;
  group.expert = expert;
  std::vector<std::int64_t> rows;
  for (const std::int64_t row : data.rows_of(expert))
    if (mask[static_cast<std::size_t>(row)] != 0) rows.push_back(row);
  group.rows = static_cast<std::int64_t>(rows.size());
  for (const Candidate& candidate : candidates) {
    group.outputs.push_back(compared_rows(data, candidate.outputs, rows));
    group.merits.push_back(merit_of(group.outputs.back()));
  }
  return group;
}

std::vector<report::Cell> merit_cells(const ComparedGroup& group, const MeritLine& line) {
  std::vector<double> values;
  for (const Merit& merit : group.merits)
    values.push_back((merit.*line.value).value_or(std::numeric_limits<double>::quiet_NaN()));
  double best = std::numeric_limits<double>::infinity();
  for (const double value : values)
    if (std::abs(value) < best) best = std::abs(value);
  std::vector<report::Cell> cells{line.name, group_name(group.expert),
                                  report::number(static_cast<double>(group.rows), 0)};
  for (const double value : values) cells.push_back(report::number(value, line.decimals, std::abs(value) == best));
  return cells;
}

std::string best_sentence(const Comparison& comparison) {
  const ComparedGroup& all = comparison.groups.back();
  std::size_t best = 0;
  for (std::size_t i = 1; i < all.merits.size(); ++i)
    if (all.merits[i].loss < all.merits[best].loss) best = i;
  const Merit& merit = all.merits[best];
  return text::cat("lowest loss on ", text::grouped(all.rows), " common tracks: ", comparison.names[best], ", ",
                   text::fixed(merit.loss.value_or(0), 5), ", trimmed std of z ",
                   text::fixed(merit.z_trimmed_cm.value_or(0), 2), " cm");
}

report::FigureGroup overlay_group(const Comparison& comparison, const ComparedGroup& group) {
  Overlay overlay;
  for (std::size_t i = 0; i < comparison.names.size(); ++i)
    overlay.emplace_back(comparison.names[i], plot_rows(group.outputs[i]));
  const std::string title = group_name(group.expert),
                    stem = group.expert < 0 ? "all" : text::cat("expert_", group.expert);
  report::FigureGroup out;
  out.heading = title == "all" ? "All tracks" : title;
  out.figures = {z_difference(overlay, stem + "-z-diff", title + ": errors"),
                 z_spread(overlay, stem + "-z-std", title + ": resolution along the beam line"),
                 z_difference(overlay, stem + "-z-shallow-diff", title + ": errors near the collision point", true)};
  out.folded = group.expert > 0;
  std::erase_if(out.figures, [](const report::Figure& f) { return f.series.empty(); });
  return out;
}

}  // namespace

Comparison compare_candidates(const Dataset& data, std::vector<Candidate> candidates) {
  Comparison comparison;
  comparison.first_is_old = data.has_old;
  if (data.has_old) candidates.insert(candidates.begin(), {"old network", {data.old, keep_all(data), 2}});
  std::int64_t columns = 2;
  for (const Candidate& candidate : candidates) columns = std::min(columns, candidate.outputs.columns);
  for (Candidate& candidate : candidates) {
    candidate.outputs.columns = columns;
    comparison.names.push_back(candidate.name);
  }
  const Mask mask = common_rows(data, candidates);
  for (int expert = 0; expert < static_cast<int>(kExperts); ++expert)
    comparison.groups.push_back(group_of(data, candidates, mask, expert));
  comparison.groups.push_back(group_of(data, candidates, mask, -1));
  std::erase_if(comparison.groups, [](const ComparedGroup& group) { return group.rows == 0; });
  if (comparison.groups.empty())
    throw Error(ErrorKind::data, "no track has outputs of all the runs", {},
                "compare runs that have experts in common and whose filters keep the same tracks");
  return comparison;
}

report::Table comparison_table(const Comparison& comparison) {
  report::Table table;
  table.title = "Runs on the same tracks";
  table.note =
      "std: 5 % of the differences dropped at each end, divisor n; near: |reco z| < 10 cm; difference: reco - "
      "network; * lowest, of the mean nearest to 0";
  table.columns = {{"figure of merit", "", true, false}, {"tracks of", "", true, false}, {"tracks", "", false, false}};
  for (std::size_t i = 0; i < comparison.names.size(); ++i)
    table.columns.push_back({text::printable(comparison.names[i]), "", false, i == 0 && comparison.first_is_old});
  for (const MeritLine& line : kMeritLines)
    for (const ComparedGroup& group : comparison.groups) {
      const bool known = std::any_of(group.merits.begin(), group.merits.end(),
                                     [&](const Merit& merit) { return (merit.*line.value).has_value(); });
      if (!known) continue;
      table.rows.push_back(merit_cells(group, line));
      if (*line.unit != '\0') table.rows.back().front().text += text::cat(" [", line.unit, "]");
    }
  return table;
}

report::Report comparison_report(const Comparison& comparison) {
  report::Report page;
  page.app = "thimble-neurotrigger";
  page.name = "comparison of " + text::join(comparison.names, ", ");
  page.sentence = best_sentence(comparison);
  page.results = {comparison_table(comparison)};
  for (auto group = comparison.groups.rbegin(); group != comparison.groups.rend(); ++group)
    page.figures.push_back(overlay_group(comparison, *group));
  std::sort(page.figures.begin() + 1, page.figures.end(),
            [](const report::FigureGroup& a, const report::FigureGroup& b) { return a.heading < b.heading; });
  return page;
}

}  // namespace thimble::neurotrigger
