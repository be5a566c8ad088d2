#include "apps/neurotrigger/run/run_report.h"

#include "core/base/error.h"

#include "apps/neurotrigger/hardware/hardware_estimate.h"
#include "apps/neurotrigger/look/figures.h"
#include "apps/neurotrigger/look/row_outputs.h"
#include "apps/neurotrigger/study/studies.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace thimble::neurotrigger {
namespace {

using report::Cell;
using report::Column;
using report::Figure;
using report::Table;

Cell cell(Maybe value, int decimals) {
  return report::number(value.value_or(std::numeric_limits<double>::quiet_NaN()), decimals);
}

std::string expert_name(int expert) {
  return expert < 0 ? "all tracks" : text::cat("expert ", expert);
}

std::string missing_layer(int expert) {
  if (expert < 0) return "any";
  const int layer = kMissingStereo[static_cast<std::size_t>(expert)];
  return layer < 0 ? "none" : text::cat("SL", layer);
}

std::optional<ExpectedSpread> expectation(const RunSettings& settings, const Splits& splits) {
  return splits.simulated ? expected_spread(settings.all.data.simulate.preset) : std::nullopt;
}

Column column(const std::string& name, const std::string& unit = "", bool left = false, bool reference = false) {
  Column c;
  c.name = name;
  c.unit = unit;
  c.left = left;
  c.reference = reference;
  return c;
}

std::string expected_text(const std::optional<ExpectedSpread>& expected, int expert) {
  if (!expected) return "";
  if (expert == 0) return text::cat(text::fixed(expected->low, 2), " to ", text::fixed(expected->high, 2));
  return expert == 2 || expert == 3 ? "next" : expert == 1 || expert == 4 ? "widest" : "";
}

std::vector<Cell> row_of(const std::string& name, const std::string& missing, const std::string& state, const Merit& m,
                         bool has_old, const std::string& reference) {
  std::vector<Cell> row{name,
                        missing,
                        state,
                        report::number(static_cast<double>(m.rows), 0),
                        cell(m.loss, 5),
                        cell(m.z_trimmed_near_cm, 2),
                        cell(m.z_trimmed_cm, 2),
                        cell(m.theta_trimmed_deg, 2)};
  if (has_old) {
    row.push_back(cell(m.z_trimmed_old_cm, 2));
    row.push_back(cell(m.loss_vs_old, 3));
  } else {
    row.emplace_back(reference);
  }
  return row;
}

std::string state_text(const ExpertOutcome& o) {
  if (o.status != ExpertStatus::trained) return name_of(o.status);
  return o.epochs == 0 ? "given" : text::cat(o.epochs, " epochs, best ", o.best_epoch);
}

LossCurve curve_of(const ExpertOutcome& o) {
  const auto& names = epoch_columns();
  const auto at = [&](const char* name) {
    return o.table.columns[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
  };
  return {expert_name(o.expert), o.table.epoch, at("train_loss"), at("val_loss")};
}

report::FigureGroup training_group(const RunResult& run) {
  std::vector<LossCurve> curves;
  for (const ExpertResult& expert : run.experts)
    if (expert.outcome.table.rows() > 0) curves.push_back(curve_of(expert.outcome));
  report::FigureGroup group;
  group.heading = "Training";
  if (!curves.empty()) group.figures.push_back(loss_figure(curves));
  return group;
}

/// All figures of one set of rows; `stem` keeps their file names apart.
std::vector<Figure> figures_of(const Compared& c, const std::string& stem, const std::string& title) {
  const Overlay both = old_and_new(c);
  std::vector<Figure> figures{
      z_plot(c, stem + "-z-plot", title + ": z of the network"),
      z_spread(both, stem + "-z-std", title + ": resolution along the beam line"),
      z_histogram(both, stem + "-z-hist", title + ": z of reconstruction and network"),
      z_difference(both, stem + "-z-diff", title + ": errors"),
      z_difference(both, stem + "-z-shallow-diff", title + ": errors near the collision point", true)};
  Figure cut = cut_figure(c, stem + "-cut", title + ": efficiency against rejection");
  if (!cut.series.empty()) figures.push_back(std::move(cut));
  if (c.has_old) figures.push_back(z_plot(c, stem + "-z-plot-old", title + ": z of the old network", true));
  std::erase_if(figures, [](const Figure& f) { return f.series.empty() && !f.grid; });
  return figures;
}

std::vector<report::FigureGroup> expert_groups(const Splits& splits, const RunResult& run) {
  const Split split = quoted_split(splits);
  std::vector<report::FigureGroup> groups;
  for (const ExpertResult& expert : run.experts) {
    const int e = expert.outcome.expert;
    const Compared c = compared_of(expert, splits, split, run.own_masks.at(e)[static_cast<std::size_t>(split)]);
    if (c.rows() < 2) continue;
    report::FigureGroup group;
    group.heading = text::cat(expert_name(e), ", ", name_of(split), " tracks");
    group.figures = figures_of(c, text::cat("expert_", e), expert_name(e));
    group.folded = e > 0;
    groups.push_back(std::move(group));
  }
  return groups;
}

/// Tracks in the table of the worst ones.
constexpr std::size_t kReportedWorst = 10;
constexpr std::int64_t kDriftRows = 20'000;

/// Hardware targets of an expert: the one it was trained for, else both.
std::vector<std::string> targets_of(const Settings& own) {
  return is_hardware(own.quant) ? std::vector<std::string>{own.quant} : std::vector<std::string>{"hw-a", "hw-b"};
}

/// A row of the hardware table: how far z moves when the network is rounded, and what the model would take. Nothing for
/// activations without a table; a network that does not fit says so in its row.
std::vector<report::Cell> rounded_row(const Settings& own, const ExpertResult& expert, const HardwareModel& model,
                                      const Tensor& inputs, Drift& drift) {
  const std::string name = expert_name(expert.outcome.expert);
  try {
    const std::optional<nn::Graph> form = hardware_form(expert.outcome.model, model);
    if (!form) return {};
    const Estimate figures = estimate(hardware_graph(*form, "net"), own.hw, weight_width(model));
    drift = drift_of(expert.outcome.model, *form, inputs);
    return {name,
            model.str(),
            report::number(static_cast<double>(drift.rows), 0),
            report::number(drift.rms_cm, 3),
            report::number(drift.max_cm, 3),
            text::grouped(figures.cycles),
            report::number(figures.latency_ns, 0),
            text::grouped(figures.multipliers),
            report::number(figures.block_rams, 1)};
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::value && e.kind() != ErrorKind::config) throw;
    return {name, text::cat("model ", model.letter, ": ", e.message())};
  }
}

void add_rounded(const Settings& own, const ExpertResult& expert, const Tensor& inputs, Table& table,
                 report::FigureGroup& group) {
  for (const std::string& target : targets_of(own)) {
    Drift drift;
    std::vector<report::Cell> row = rounded_row(own, expert, hardware_model(target, own.hw), inputs, drift);
    if (row.empty()) continue;
    table.rows.push_back(std::move(row));
    if (group.figures.empty() && drift.max_cm > 0)
      group.figures.push_back(
          drift_figure(drift.differences_cm, expert_name(expert.outcome.expert) + ": rounding to hardware"));
  }
}

/// What becomes of every expert in hardware; the figure is that of the first one.
void add_hardware(const RunSettings& settings, const Splits& splits, const RunResult& run, report::Report& r) {
  const Split split = quoted_split(splits);
  Table table;
  table.title = "In hardware: z of the integer network against the trained one";
  table.note =
      "latency, multipliers and block RAMs by formula, one multiplier per product unless hw.multiplex says else";
  table.columns = {column("network", "", true), column("widths", "", true), column("tracks"),
                   column("rms", "cm"),         column("max", "cm"),        column("latency", "cycles"),
                   column("latency", "ns"),     column("multipliers"),      column("block RAMs")};
  report::FigureGroup group;
  group.heading = "Hardware";
  for (const ExpertResult& expert : run.experts) {
    std::vector<std::int64_t> rows = expert.outputs[static_cast<std::size_t>(split)].rows;
    if (rows.empty() || expert.outcome.model.nodes().empty()) continue;
    rows.resize(std::min(rows.size(), static_cast<std::size_t>(kDriftRows)));
    add_rounded(settings.own.at(expert.outcome.expert), expert, gather_rows(splits[split].inputs, rows), table, group);
  }
  if (table.rows.empty()) return;
  r.hardware.tables.push_back(std::move(table));
  if (!group.figures.empty()) r.figures.push_back(std::move(group));
}

std::string origin_text(const app::Node* node) {
  return node == nullptr ? "default" : node->origin.brief();
}

/// Every key with its value, its default and where it was set; expert blocks behind them.
std::vector<report::Setting> settings_of(const RunSettings& settings) {
  const app::ConfigTree values(app::dump_config(settings.all)), defaults(app::dump_config(Settings()));
  std::vector<report::Setting> list;
  for (const app::ConfigTree::Entry& entry : values.entries()) {
    const app::Node* standard = defaults.find(entry.key);
    list.push_back({entry.key, app::flow_text(entry.value), standard == nullptr ? "" : app::flow_text(*standard),
                    origin_text(settings.tree.find(entry.key))});
  }
  for (const std::string& block : expert_blocks()) {
    const app::ConfigTree own = settings.tree.below(block);
    for (const app::ConfigTree::Entry& entry : own.entries())
      list.push_back({text::cat(block, '.', entry.key), app::flow_text(entry.value), "", origin_text(&entry.value)});
  }
  return list;
}

std::vector<report::Fact> provenance_of(const RunSettings& settings, const Splits& splits) {
  std::vector<report::Fact> facts{{"seed", text::to_text(settings.all.seed)}};
  if (splits.simulated)
    facts.push_back({"tracks", text::cat("simulated, preset '", settings.all.data.simulate.preset, "'")});
  for (const auto& [key, path] : splits.inputs) facts.push_back({key, path});
  for (const Split split : kSplits)
    facts.push_back({text::cat(name_of(split), " tracks"), text::grouped(splits[split].rows())});
  facts.push_back({"network", text::cat(settings.all.model, ", ", settings.all.act)});
  return facts;
}

}  // namespace

std::optional<ExpectedSpread> expected_spread(const std::string& preset) {
  if (preset == "clean") return ExpectedSpread{0.41, 0.43};
  if (preset == "ideal") return ExpectedSpread{2.9, 3.2};
  if (preset == "data-like") return ExpectedSpread{6.1, 6.5};
  return std::nullopt;
}

Split quoted_split(const Splits& splits) {
  return splits[Split::test].rows() > 0 ? Split::test : Split::val;
}

Table result_table(const RunSettings& settings, const Splits& splits, const RunResult& run, Split split) {
  const auto k = static_cast<std::size_t>(split);
  const bool has_old = splits[split].has_old;
  const auto expected = expectation(settings, splits);
  Table table;
  table.title = text::cat("Resolution on the ", name_of(split), " tracks");
  table.note = "std z: 5 % of the differences dropped at each end, divisor n; near: |reco z| < 10 cm";
  table.columns = {column("network", "", true),
                   column("missing", "", true),
                   column("training", "", true),
                   column("tracks"),
                   column("loss"),
                   column("std z near", "cm"),
                   column("std z", "cm"),
                   column("std theta", "deg")};
  if (has_old) {
    table.columns.push_back(column("old std z", "cm", false, true));
    table.columns.push_back(column("loss / old"));
  } else {
    table.columns.push_back(column("expected near", "cm", false, true));
  }
  for (const ExpertResult& expert : run.experts)
    table.rows.push_back(row_of(expert_name(expert.outcome.expert), missing_layer(expert.outcome.expert),
                                state_text(expert.outcome), expert.merits[k], has_old,
                                expected_text(expected, expert.outcome.expert)));
  table.rows.push_back(row_of("together", "", "", run.overall[k], has_old, ""));
  table.last_is_total = true;
  return table;
}

std::string result_sentence(const RunSettings& settings, const Splits& splits, const RunResult& run) {
  const Split split = quoted_split(splits);
  const auto k = static_cast<std::size_t>(split);
  const auto expected = expectation(settings, splits);
  for (const ExpertResult& expert : run.experts) {
    const Merit& m = expert.merits[k];
    if (!m.z_trimmed_cm) continue;
    const std::string name = expert_name(expert.outcome.expert);
    if (expected && expert.outcome.expert == 0 && m.z_trimmed_near_cm)
      return text::cat(name, ": trimmed std of z near the collision point ", text::fixed(*m.z_trimmed_near_cm, 2),
                       " cm; a 27-81-2 network reaches ", text::fixed(expected->low, 2), " to ",
                       text::fixed(expected->high, 2), " cm on '", settings.all.data.simulate.preset, "' tracks");
    std::string sentence = text::cat(name, ": trimmed std of z ", text::fixed(*m.z_trimmed_cm, 2), " cm");
    if (m.z_trimmed_old_cm) {
      const double change = 100.0 * (*m.z_trimmed_old_cm - *m.z_trimmed_cm) / *m.z_trimmed_old_cm;
      sentence += text::cat(" against ", text::fixed(*m.z_trimmed_old_cm, 2),
                            " cm of the old network: ", text::fixed(std::abs(change), 0),
                            change >= 0 ? " % better" : " % worse");
    }
    return sentence;
  }
  return "no network was trained";
}

std::string order_sentence(const RunResult& run, Split split) {
  std::vector<std::pair<double, int>> order;
  for (const ExpertResult& expert : run.experts) {
    const Maybe spread = expert.merits[static_cast<std::size_t>(split)].z_trimmed_cm;
    if (spread && expert.outcome.expert >= 0) order.emplace_back(*spread, expert.outcome.expert);
  }
  if (order.size() < 2) return "";
  std::sort(order.begin(), order.end());
  std::vector<std::string> names;
  for (const auto& [spread, expert] : order) names.push_back(text::to_text(expert));
  return text::cat("order of resolution, best first: ", text::join(names, ", "),
                   " (expected: 0 first; 1 and 4, without the outermost or innermost stereo layer, last)");
}

report::Report build_report(const RunSettings& settings, const Splits& splits, const RunResult& run) {
  report::Report r;
  r.app = "thimble-neurotrigger";
  r.name = settings.config;
  r.status = run.interrupted ? report::Status::interrupted : report::Status::done;
  r.seconds = run.seconds;
  r.sentence = result_sentence(settings, splits, run);
  const Split quoted = quoted_split(splits);
  Table main = result_table(settings, splits, run, quoted);
  const std::string order = order_sentence(run, quoted);
  if (!order.empty()) main.note += "; " + order;
  r.results.push_back(std::move(main));
  for (const Split other : {Split::val, Split::train})
    if (other != quoted && splits[other].rows() > 0) r.results.push_back(result_table(settings, splits, run, other));
  const RowOutputs outputs = row_outputs(splits, run, quoted);
  r.results.push_back(worst_table(splits[quoted], outputs, worst_tracks(splits[quoted], outputs, kReportedWorst)));
  for (const ExpertResult& expert : run.experts)
    if (expert.outcome.status == ExpertStatus::failed || expert.outcome.status == ExpertStatus::skipped)
      r.warnings.push_back(text::cat(expert_name(expert.outcome.expert), " ", name_of(expert.outcome.status), ": ",
                                     expert.outcome.reason));
  for (report::FigureGroup& group : study_sections(settings, run, splits, quoted))
    r.figures.push_back(std::move(group));
  r.figures.push_back(training_group(run));
  for (report::FigureGroup& group : expert_groups(splits, run)) r.figures.push_back(std::move(group));
  add_hardware(settings, splits, run, r);
  r.settings = settings_of(settings);
  r.provenance = provenance_of(settings, splits);
  std::erase_if(r.figures, [](const report::FigureGroup& g) { return g.figures.empty() && g.tables.empty(); });
  return r;
}

}  // namespace thimble::neurotrigger
