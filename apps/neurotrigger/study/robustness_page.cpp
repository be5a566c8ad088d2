// What robustness_study shows: sentences, tables, figures, files.

#include "core/io/json.h"

#include "apps/neurotrigger/look/figure_parts.h"
#include "apps/neurotrigger/study/robustness.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

using RobustnessJson = nlohmann::ordered_json;

constexpr std::size_t kRobustnessRows = 20'000;

std::string row_network(int network) {
  return network == kTogether ? "together" : network_name(network);
}

Maybe share(std::int64_t part, std::int64_t of) {
  return of == 0 ? Maybe() : Maybe(static_cast<double>(part) / static_cast<double>(of));
}

report::Table together_table(const std::vector<RobustnessRow>& rows) {
  report::Table table;
  table.title = "All networks together";
  table.note =
      "no network: two stereo super layers are missing, so the trigger has no neural track; other network: a stereo "
      "super layer less, another expert takes over; spread: of reco z - network z of the tracks that still have a "
      "network, 5 % dropped at each end; before: of the same tracks undisturbed; |z| < 15 cm: of all tracks, those "
      "without a network count as lost";
  table.columns = {{"disturbance", "", true, false},
                   {"no network", "%", false, false},
                   {"other network", "%", false, false},
                   {"spread", "cm", false, false},
                   {"before", "cm", false, true},
                   {"mean", "cm", false, false},
                   {"|z| < 15 cm keeps of near", "%", false, false},
                   {"of far", "%", false, false}};
  for (const RobustnessRow& r : rows)
    if (r.network == kTogether)
      table.rows.push_back({r.disturbance, maybe_cell(share(r.lost, r.tracks), 1, 100),
                            maybe_cell(share(r.moved, r.tracks), 1, 100), maybe_cell(r.spread_cm, 2),
                            maybe_cell(r.spread_before_cm, 2), maybe_cell(r.mean_cm, 2),
                            maybe_cell(r.efficiency, 1, 100), maybe_cell(r.far_kept, 1, 100)});
  return table;
}

/// Networks of the rows, without "together".
std::vector<int> networks_of_rows(const std::vector<RobustnessRow>& rows) {
  std::vector<int> networks;
  for (const RobustnessRow& r : rows)
    if (r.network != kTogether && std::find(networks.begin(), networks.end(), r.network) == networks.end())
      networks.push_back(r.network);
  return networks;
}

const RobustnessRow* find_row(const std::vector<RobustnessRow>& rows, const std::string& name, int network) {
  for (const RobustnessRow& r : rows)
    if (r.disturbance == name && r.network == network) return &r;
  return nullptr;
}

report::Table expert_table(const std::vector<RobustnessRow>& rows) {
  report::Table table;
  table.title = "Spread of z per network";
  table.note = "tracks are counted with the network that they had undisturbed; in brackets the share without a network";
  table.columns = {{"disturbance", "", true, false}};
  const std::vector<int> networks = networks_of_rows(rows);
  for (const int n : networks) table.columns.push_back({network_name(n), "cm", false, false});
  for (const Disturbance& d : disturbances()) {
    std::vector<report::Cell> cells{d.name()};
    for (const int n : networks) {
      const RobustnessRow* r = find_row(rows, d.name(), n);
      const std::string lost =
          r->lost == 0 ? "" : text::cat(" (", text::fixed(100 * *share(r->lost, r->tracks), 0), " %)");
      cells.emplace_back((r->spread_cm ? text::fixed(*r->spread_cm, 2) : std::string("-")) + lost);
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

/// Spread of every network along the disturbances of one kind; `base`: with the undisturbed value at amount 0.
report::Figure along(const std::vector<RobustnessRow>& rows, Disturbance::Kind kind, bool base, report::Figure f) {
  std::vector<int> networks = networks_of_rows(rows);
  if (networks.empty()) networks.push_back(kTogether);
  for (const int n : networks) {
    std::vector<std::pair<double, double>> points;
    for (const Disturbance& d : disturbances()) {
      if (d.kind != kind && !(base && d.kind == Disturbance::Kind::none)) continue;
      const RobustnessRow* r = find_row(rows, d.name(), n);
      if (r->spread_cm) points.emplace_back(d.amount, *r->spread_cm);
    }
    std::sort(points.begin(), points.end());
    report::Series s = line_series(row_network(n), {}, {});
    // between two super layers there is nothing to connect
    s.mark = kind == Disturbance::Kind::drop_layer ? report::Mark::points : report::Mark::line_points;
    for (const auto& [x, y] : points) s.x.push_back(x), s.y.push_back(y);
    if (!s.x.empty()) f.series.push_back(std::move(s));
  }
  f.y.low = 0.0;
  return f;
}

std::vector<report::Figure> robustness_figures(const std::vector<RobustnessRow>& rows) {
  const auto figure = [](const char* name, const char* title, const char* caption, report::Axis x) {
    return plain_figure(name, title, caption, std::move(x), figure_axis("spread of reco z - network z", "cm"));
  };
  using Of = Disturbance::Kind;
  return {
      along(rows, Of::drop_layer, false,
            figure("robust-layer", "A super layer without hits",
                   "Spread of the tracks that still have a network; odd numbers are stereo super layers, after whose "
                   "loss another expert takes over, or none.",
                   figure_axis("super layer that is off"))),
      along(rows, Of::time_shift, true,
            figure("robust-time", "Wrong event time", "Every drift time shifted by the same number of bins of 2 ns.",
                   figure_axis("shift", "bins"))),
      along(rows, Of::unknown_side, true,
            figure("robust-side", "Left or right not known", "Drift time 0 for a share of hits.",
                   figure_axis("share of hits"))),
      along(rows, Of::noise, true,
            figure("robust-noise", "Foreign hits", "Drift time and side of a share of hits drawn at random.",
                   figure_axis("share of hits")))};
}

std::string worst_sentence(const std::vector<RobustnessRow>& rows) {
  const RobustnessRow* worst = nullptr;
  double most = 0;
  for (const RobustnessRow& r : rows) {
    if (r.network != kTogether || !r.spread_cm || !r.spread_before_cm || *r.spread_before_cm <= 0) continue;
    const double growth = *r.spread_cm / *r.spread_before_cm;
    if (growth > most) most = growth, worst = &r;
  }
  if (worst == nullptr || most <= 1.0) return "No disturbance widens the spread.";
  return text::cat("Most harm to the spread does '", worst->disturbance, "': ", text::fixed(*worst->spread_cm, 2),
                   " cm instead of ", text::fixed(*worst->spread_before_cm, 2), " cm on the same tracks.");
}

RobustnessJson maybe_number(Maybe value) {
  return value ? RobustnessJson(*value) : RobustnessJson(nullptr);
}

RobustnessJson robustness_json(const std::vector<RobustnessRow>& rows) {
  RobustnessJson out = RobustnessJson::array();
  for (const RobustnessRow& r : rows)
    out.push_back({{"disturbance", r.disturbance},
                   {"network", row_network(r.network)},
                   {"tracks", r.tracks},
                   {"no_network", r.lost},
                   {"other_network", r.moved},
                   {"trimmed_std_cm", maybe_number(r.spread_cm)},
                   {"trimmed_std_before_cm", maybe_number(r.spread_before_cm)},
                   {"mean_cm", maybe_number(r.mean_cm)},
                   {"near_kept_15cm", maybe_number(r.efficiency)},
                   {"far_kept_15cm", maybe_number(r.far_kept)}});
  return out;
}

}  // namespace

Study robustness_study(const RunSettings& settings, const RunResult& run, const Splits& splits, Split split) {
  Study study;
  std::vector<std::int64_t> rows = study_rows(run, split).rows;
  if (rows.empty()) return study;
  std::sort(rows.begin(), rows.end());
  rows.resize(std::min(rows.size(), kRobustnessRows));
  const std::vector<RobustnessRow> found =
      robustness_rows(run, splits[split].select(rows), static_cast<std::uint64_t>(settings.all.seed));
  study.section.heading = text::cat("Robustness, ", name_of(split), " tracks");
  study.section.text = {
      worst_sentence(found),
      text::cat(
          "The networks see ", text::grouped(static_cast<std::int64_t>(rows.size())),
          " tracks once as they are and once disturbed. A steep rise with a small disturbance is what to watch in "
          "operation: a dead super layer, a drifting event time, rising background.")};
  study.section.tables = {together_table(found)};
  if (!networks_of_rows(found).empty()) study.section.tables.push_back(expert_table(found));
  study.section.figures = robustness_figures(found);
  std::erase_if(study.section.figures, [](const report::Figure& f) { return f.series.empty(); });
  const RobustnessJson json = {{"split", name_of(split)}, {"tracks", rows.size()}, {"rows", robustness_json(found)}};
  study.files = {{"robustness.json", io::json_text(json, 2) + "\n"},
                 {"robustness.csv", report::csv(study.section.tables[0])}};
  return study;
}

}  // namespace thimble::neurotrigger
