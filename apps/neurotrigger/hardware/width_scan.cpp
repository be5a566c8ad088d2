#include "apps/neurotrigger/hardware/width_scan.h"

#include "core/base/error.h"
#include "core/linalg/pareto.h"
#include "core/parallel/blocks.h"

#include "apps/neurotrigger/hardware/hardware_estimate.h"
#include "apps/neurotrigger/hardware/hardware_ranges.h"
#include "apps/neurotrigger/look/figure_parts.h"
#include "apps/neurotrigger/train/models.h"

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

/// How the sums of one layer meet their table.
struct SumRule {
  std::size_t neurons = 0;
  std::int64_t saturated = 0;  // |value before the table| from which the last entry answers
  int window_shift = 0;        // model B: low bits dropped first ...
  std::int64_t window = 0;     // ... and half the range of the window; 0: none
};

std::vector<SumRule> sum_rules(const nn::Graph& network) {
  std::vector<SumRule> rules;
  for (const nn::Graph::Node& node : network.nodes()) {
    const auto* table = std::get_if<nn::LookUp>(&node.layer);
    if (table == nullptr) continue;
    SumRule rule;
    rule.neurons = static_cast<std::size_t>(node.shape[0]);
    rule.saturated = (static_cast<std::int64_t>(table->table.size()) - 1) << table->drop;
    if (table->window) {
      rule.window_shift = table->f_acc - table->window->type.f;
      rule.window = std::int64_t{1} << (table->window->type.w - 1);
    }
    rules.push_back(rule);
  }
  return rules;
}

void count_sums(const std::vector<SumRule>& rules, const hw::Vectors& values, std::size_t outputs, ScanPoint& point) {
  for (std::size_t row = 0; row < values.rows(); ++row) {
    std::size_t at = row * values.width + outputs;
    for (const SumRule& rule : rules)
      for (std::size_t j = 0; j < rule.neurons; ++j, ++at) {
        const std::int64_t shifted = values.data[at] >> rule.window_shift;
        const std::int64_t magnitude = shifted < 0 ? -shifted : shifted;
        if (rule.window > 0 && (shifted >= rule.window || shifted < -rule.window))
          ++point.wrapped_sums;
        else if (magnitude >= rule.saturated)
          ++point.saturated_sums;
      }
  }
}

std::int64_t inputs_outside(const Tensor& inputs, const fixed::FxType& type) {
  const double low = type.value(type.lo()), high = type.value(type.hi());
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < inputs.numel(); ++i) {
    const auto x = static_cast<double>(inputs.data<float>()[i]);
    count += x < low || x > high ? 1 : 0;
  }
  return count;
}

Tensor output_values(const hw::Vectors& values, std::size_t columns, int fraction) {
  Tensor y = Tensor::empty({static_cast<std::int64_t>(values.rows()), static_cast<std::int64_t>(columns)});
  for (std::size_t row = 0; row < values.rows(); ++row)
    for (std::size_t k = 0; k < columns; ++k)
      y.mut<float>()[row * columns + k] =
          static_cast<float>(std::ldexp(static_cast<double>(values.data[row * values.width + k]), -fraction));
  return y;
}

/// Spreads of the first columns that are estimates of z and theta.
Merit judged(const Tensor& targets, const Tensor& y_hat) {
  Compared c;
  c.y = targets;
  c.y_hat = y_hat;
  return merit_of(c);
}

void compare(const Tensor& a, const Tensor& b, ScanPoint& point) {
  double squares = 0;
  const std::vector<double> moved = differences(a, b);
  for (const double d : moved) {
    squares += d * d;
    point.max_cm = std::max(point.max_cm, std::abs(d));
  }
  point.rms_cm = moved.empty() ? 0 : std::sqrt(squares / static_cast<double>(moved.size()));
}

ScanPoint scan_point(const HardwareModel& model, const nn::Graph& trained, const Tensor& inputs, const Tensor& targets,
                     const Tensor& float_outputs) {
  ScanPoint point;
  point.model = model;
  const nn::Graph network = hardware_network(trained, model);
  const hw::Graph graph = hardware_graph(network, "scan", false);
  const hw::Vectors values = hardware_outputs(with_sums(graph), input_format(network), inputs);
  const std::size_t columns = std::min<std::size_t>(2, graph.output_size());
  const Tensor y_hat = output_values(values, columns, graph.tensor(graph.outputs().front()).format.type.f);
  const Merit merit = judged(targets, y_hat);
  point.z_trimmed_cm = merit.z_trimmed_cm;
  point.z_near_cm = merit.z_trimmed_near_cm;
  compare(float_outputs, y_hat, point);
  count_sums(sum_rules(network), values, graph.output_size(), point);
  point.cut_inputs = inputs_outside(inputs, input_format(network).type);
  const Estimate e = estimate(graph, {}, weight_width(model));
  point.table_entries = e.table_entries;
  point.table_bits = e.table_entries * e.table_width;
  point.weight_bits = e.weight_bits;
  for (const LayerRange& layer : accumulator_ranges(graph, {}))
    for (const NeuronRange& neuron : layer.neurons) point.sum_bits = std::max(point.sum_bits, neuron.bits);
  return point;
}

void find_front(Scan& scan) {
  std::vector<linalg::Objectives> points;
  for (const ScanPoint& p : scan.points) points.push_back({static_cast<double>(p.memory_bits()), p.rms_cm});
  scan.front = linalg::pareto_front(points);
  std::sort(scan.front.begin(), scan.front.end(),
            [&](std::size_t a, std::size_t b) { return scan.points[a].memory_bits() < scan.points[b].memory_bits(); });
}

void find_best(Scan& scan) {
  if (!scan.float_trimmed_cm) return;
  for (std::size_t i = 0; i < scan.points.size(); ++i) {
    const ScanPoint& p = scan.points[i];
    if (!p.z_trimmed_cm || *p.z_trimmed_cm > (1 + scan.tolerance) * *scan.float_trimmed_cm) continue;
    if (!scan.best || p.memory_bits() < scan.points[*scan.best].memory_bits()) scan.best = i;
  }
}

report::Cell cell(Maybe value, int decimals) {
  return value ? report::number(*value, decimals) : report::Cell("-");
}

std::string widths_text(const HardwareModel& model) {
  return text::cat(model.bits.input, '/', model.bits.weight, '/', model.bits.lut);
}

}  // namespace

ScanGrid usual_grid(char letter) {
  ScanGrid grid;
  grid.letter = letter;
  if (letter == 'B') {
    grid.values = {8, 10, 12, 14};
    grid.weights = {7, 9, 11, 13, 15, 17};
    grid.luts = {6, 8, 10, 12};
  }
  return grid;
}

std::vector<HardwareModel> ScanGrid::models() const {
  std::vector<HardwareModel> list;
  for (const int value : values)
    for (const int weight : weights)
      for (const int lut : luts) {
        const bool tabled = letter == 'A' ? lut <= value + weight : lut <= value + 2;
        if (tabled) list.push_back({letter, {value, value, weight, lut}, 0});
      }
  return list;
}

Scan scan_widths(const nn::Graph& trained, const Tensor& inputs, const Tensor& targets, const ScanGrid& grid,
                 double tolerance) {
  const std::vector<HardwareModel> models = grid.models();
  THIMBLE_CHECK(!models.empty(), value, "no combination of these widths has a table");
  const Tensor float_outputs = predict(trained, inputs);
  Scan scan;
  scan.tracks = inputs.size(0);
  scan.tolerance = tolerance;
  const std::int64_t estimates = std::min<std::int64_t>(2, float_outputs.size(1));
  const Merit merit = judged(targets, columns_of(float_outputs, 0, estimates));
  scan.float_trimmed_cm = merit.z_trimmed_cm;
  scan.float_near_cm = merit.z_trimmed_near_cm;
  scan.points.resize(models.size());
  parallel_jobs(static_cast<std::int64_t>(models.size()), [&](std::int64_t job) {
    const auto at = static_cast<std::size_t>(job);
    scan.points[at] = scan_point(models[at], trained, inputs, targets, float_outputs);
  });
  find_front(scan);
  find_best(scan);
  return scan;
}

report::Table scan_table(const Scan& scan, bool all) {
  report::Table table;
  table.title = all ? "All widths" : "Pareto front: no other widths have fewer bits and a smaller deviation";
  table.note =
      text::cat("z of ", text::grouped(scan.tracks), " tracks; float network ", cell(scan.float_trimmed_cm, 3).text,
                " cm; deviation: integer against float network; saturated: sums that read the last table "
                "entry; * smallest within the tolerance");
  table.columns = {{"values", "bits", false, false},         {"weights", "bits", false, false},
                   {"address", "bits", false, false},        {"trimmed std z", "cm", false, false},
                   {"deviation rms", "cm", false, false},    {"max", "cm", false, false},
                   {"saturated", "", false, false},          {"wrapped", "", false, false},
                   {"cut inputs", "", false, false},         {"table", "bits in all", false, false},
                   {"weights", "bits in all", false, false}, {"sum", "bits", false, false}};
  std::vector<std::size_t> rows = scan.front;
  if (all) {
    rows.resize(scan.points.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  } else if (scan.best && std::find(rows.begin(), rows.end(), *scan.best) == rows.end()) {
    rows.push_back(*scan.best);
  }
  for (const std::size_t i : rows) {
    const ScanPoint& p = scan.points[i];
    const bool best = scan.best && i == *scan.best;
    table.rows.push_back({text::to_text(p.model.bits.input), text::to_text(p.model.bits.weight),
                          text::to_text(p.model.bits.lut), report::number(p.z_trimmed_cm.value_or(NAN), 3, best),
                          report::number(p.rms_cm, 3), report::number(p.max_cm, 2), text::grouped(p.saturated_sums),
                          text::grouped(p.wrapped_sums), text::grouped(p.cut_inputs), text::grouped(p.table_bits),
                          text::grouped(p.weight_bits), text::to_text(p.sum_bits)});
  }
  return table;
}

std::vector<report::Figure> scan_figures(const Scan& scan) {
  report::Figure cost = plain_figure(
      "scan_deviation", "What bits buy: deviation from the float network",
      "Every point is one combination of widths; the line joins those that no other beats in both directions.",
      figure_axis("memory of tables and weights", "Kbit"), figure_axis("rms deviation of z", "cm"));
  cost.y.log = true;
  report::Series every, front;
  every.mark = report::Mark::points;
  every.name = "all widths";
  every.style = 1;
  every.secondary = true;
  front.mark = report::Mark::line_points;
  front.name = "Pareto front";
  front.style = 0;
  for (const ScanPoint& p : scan.points) {
    every.x.push_back(static_cast<double>(p.memory_bits()) / 1024);
    every.y.push_back(p.rms_cm);
  }
  for (const std::size_t i : scan.front) {
    front.x.push_back(static_cast<double>(scan.points[i].memory_bits()) / 1024);
    front.y.push_back(scan.points[i].rms_cm);
  }
  cost.series = {every, front};
  report::Figure spread = plain_figure(
      "scan_resolution", "Resolution against the bits of a weight",
      "One line per width of inputs and nodes, with the finest table; dashed: the float network and the tolerance.",
      figure_axis("bits of a weight"), figure_axis("trimmed standard deviation of z", "cm"));
  int finest = 0;
  for (const ScanPoint& p : scan.points) finest = std::max(finest, p.model.bits.lut);
  for (const ScanPoint& p : scan.points) {
    if (p.model.bits.lut != finest || !p.z_trimmed_cm) continue;
    const std::string name = text::cat("values of ", p.model.bits.input, " bits");
    if (spread.series.empty() || spread.series.back().name != name) {
      spread.series.push_back(line_series(name, {}, {}));
      spread.series.back().mark = report::Mark::line_points;
    }
    spread.series.back().x.push_back(p.model.bits.weight);
    spread.series.back().y.push_back(*p.z_trimmed_cm);
  }
  if (scan.float_trimmed_cm) {
    spread.rules.push_back({false, *scan.float_trimmed_cm, "float"});
    spread.rules.push_back({false, (1 + scan.tolerance) * *scan.float_trimmed_cm, "tolerance"});
  }
  return {cost, spread};
}

std::string scan_sentence(const Scan& scan) {
  const std::string allowed = text::cat(text::significant(100 * scan.tolerance, 3), " %");
  if (!scan.best)
    return text::cat("no widths of the grid keep the resolution within ", allowed, " of the float network");
  const ScanPoint& p = scan.points[*scan.best];
  return text::cat("smallest widths within ", allowed, ": values/weights/table address ", widths_text(p.model),
                   " bits, ", text::grouped(p.memory_bits()), " bits of memory; trimmed std of z ",
                   cell(p.z_trimmed_cm, 3).text, " cm against ", cell(scan.float_trimmed_cm, 3).text,
                   " cm of the float network");
}

}  // namespace thimble::neurotrigger
