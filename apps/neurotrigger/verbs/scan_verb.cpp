#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/report/html.h"
#include "core/report/progress.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/hardware/hardware_estimate.h"
#include "apps/neurotrigger/hardware/width_scan.h"
#include "apps/neurotrigger/run/run_access.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// "8,10,12", or what is usual.
std::vector<int> widths_of(const app::Context& context, const std::string& flag, const std::vector<int>& usual) {
  const std::string list = context.flag(flag);
  if (list.empty()) return usual;
  std::vector<int> widths;
  for (const std::string& word : text::split(list, ',')) {
    std::int64_t bits = 0;
    if (!text::parse(text::trim(word), bits) || bits < 1 || bits > 24)
      throw Error(ErrorKind::usage, text::cat("'", text::printable(word), "' is no number of bits from 1 to 24"),
                  {"", 0, 0, flag}, text::cat(flag, " 8,10,12"));
    widths.push_back(static_cast<int>(bits));
  }
  return widths;
}

double tolerance_of(const app::Context& context) {
  double value = 0;
  if (!text::parse(context.flag("--tolerance"), value) || value < 0 || value > 10)
    throw Error(ErrorKind::usage, "the tolerance must be a share from 0 to 10", {"", 0, 0, "--tolerance"},
                "--tolerance 0.02 allows 2 %");
  return value;
}

ScanGrid grid_of(const app::Context& context) {
  ScanGrid grid = usual_grid(context.flag("--target") == "hw-b" ? 'B' : 'A');
  grid.values = widths_of(context, "--values", grid.values);
  grid.weights = widths_of(context, "--weights", grid.weights);
  grid.luts = widths_of(context, "--address", grid.luts);
  return grid;
}

/// The float network of an expert.
nn::Graph float_network(const OldRun& run, int expert) {
  const Settings& own = run.settings.own.count(expert) != 0 ? run.settings.own.at(expert) : run.settings.all;
  if (own.quant != "none")
    throw Error(ErrorKind::config, text::cat("this run was trained with the integers of ", own.quant),
                {"", 0, 0, "quant"}, "scan a run that was trained with quant=none");
  std::map<int, nn::Graph> models = load_models(run.settings, run.folder / "weights.json");
  const auto found = models.find(expert);
  if (found == models.end())
    throw Error(ErrorKind::usage, text::cat("expert ", expert, " was not trained in this run"), {"", 0, 0, "--expert"});
  if (!hardware_form(found->second))
    throw Error(ErrorKind::config, text::cat("the hardware has tables of tanh and tanh/2 alone, this is ", own.act),
                {"", 0, 0, "act"}, "scan a run with act=tanh/2 or act=tanh");
  return std::move(found->second);
}

std::string scan_json(const Scan& scan) {
  const auto number = [](Maybe v) { return v ? nlohmann::json(*v) : nlohmann::json(nullptr); };
  nlohmann::json points = nlohmann::json::array();
  for (const ScanPoint& p : scan.points)
    points.push_back({{"value_bits", p.model.bits.input},
                      {"weight_bits", p.model.bits.weight},
                      {"address_bits", p.model.bits.lut},
                      {"z_trimmed_cm", number(p.z_trimmed_cm)},
                      {"z_trimmed_near_cm", number(p.z_near_cm)},
                      {"deviation_rms_cm", p.rms_cm},
                      {"deviation_max_cm", p.max_cm},
                      {"saturated_sums", p.saturated_sums},
                      {"wrapped_sums", p.wrapped_sums},
                      {"cut_inputs", p.cut_inputs},
                      {"table_entries", p.table_entries},
                      {"table_bits", p.table_bits},
                      {"weight_memory_bits", p.weight_bits},
                      {"sum_bits", p.sum_bits}});
  return io::json_text(nlohmann::json{{"tracks", scan.tracks},
                                      {"float_z_trimmed_cm", number(scan.float_trimmed_cm)},
                                      {"tolerance", scan.tolerance},
                                      {"points", points},
                                      {"front", scan.front},
                                      {"best", scan.best ? nlohmann::json(*scan.best) : nlohmann::json(nullptr)}},
                       1) +
         "\n";
}

/// What the smallest sufficient widths would take, or those of the settings where none suffices.
Estimate estimate_of(const nn::Graph& network, const Scan& scan, const std::string& target, const HardwareKeys& keys) {
  const HardwareModel model = scan.best ? scan.points[*scan.best].model : hardware_model(target, keys);
  return estimate(hardware_graph(hardware_network(network, model), "scan"), keys, weight_width(model));
}

report::Report scan_page(const app::Context& context, const OldRun& run, int expert, const Scan& scan) {
  report::Report page;
  page.app = "thimble-neurotrigger";
  page.name = text::cat("widths of expert ", expert);
  page.version = run.folder.filename().string();
  page.sentence = scan_sentence(scan);
  page.results = {scan_table(scan, false)};
  report::FigureGroup group;
  group.heading = "Widths";
  group.text = {
      "The network is rounded to every combination of widths and computes the same tracks with integers, as "
      "the exported Verilog does. A narrower table or weight moves z; as long as the deviation is small beside "
      "the resolution itself, physics does not see it."};
  group.figures = scan_figures(scan);
  report::FigureGroup all;
  all.heading = "All widths";
  all.tables = {scan_table(scan, true)};
  all.folded = true;
  page.figures = {std::move(group), std::move(all)};
  page.provenance = {{"run", run.folder.string()}, {"target", context.flag("--target")}};
  if (scan.best) {
    const nn::TriggerBits bits = scan.points[*scan.best].model.bits;
    page.next = {{"export", text::cat("thimble-neurotrigger export ", run.folder.string(), " --target ",
                                      context.flag("--target"), " --expert ", expert, " hw.input_bits=", bits.input,
                                      " hw.node_bits=", bits.node, " hw.weight_bits=", bits.weight,
                                      " hw.lut_bits=", bits.lut, " --out build/expert", expert)}};
  }
  return page;
}

}  // namespace

int run_scan(app::Context& context) {
  const OldRun run = open_run(context);
  use_threads(run.settings.all);
  const int expert =
      run.settings.experts == std::vector<int>{-1} ? -1 : static_cast<int>(context.flag_integer("--expert", 0));
  const ScanGrid grid = grid_of(context);
  const double tolerance = tolerance_of(context);
  const nn::Graph network = float_network(run, expert);
  const Splits splits = load_splits(run.settings.all);
  std::vector<std::int64_t> rows = splits[Split::val].rows_of(expert);
  rows.resize(std::min(rows.size(), static_cast<std::size_t>(context.flag_integer("--tracks", 20000))));
  const Scan scan = scan_widths(network, gather_rows(splits[Split::val].inputs, rows),
                                gather_rows(splits[Split::val].targets, rows), grid, tolerance);
  const fs::path folder = context.flags().out.value_or((run.folder / text::cat("scan_expert_", expert)).string());
  fs::create_directories(folder);
  io::atomic_replace(folder / "scan.json", scan_json(scan));
  io::atomic_replace(folder / "scan.csv", report::csv(scan_table(scan, true)));
  const HardwareKeys& keys = run.settings.own.at(expert).hw;
  const Estimate figures = estimate_of(network, scan, context.flag("--target"), keys);
  report::Report page = scan_page(context, run, expert, scan);
  page.hardware.tables = {estimate_table(figures, keys, static_cast<std::int64_t>(run.settings.experts.size()))};
  report::write_report(page, folder);
  app::Result& result = context.result();
  result.run(run.folder.string());
  result.file("scan", (folder / "scan.json").string());
  result.print(report::plain_text(scan_table(scan, false), report::utf8_locale()));
  result.line(scan_sentence(scan));
  result.line(estimate_sentence(figures, keys));
  result.line("report: " + (folder / "report.html").string());
  return 0;
}

}  // namespace thimble::neurotrigger
