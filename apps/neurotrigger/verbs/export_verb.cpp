#include "core/base/error.h"
#include "core/io/atomic_file.h"

#include "hw/emit/stimulus.h"
#include "hw/verify/export_folder.h"

#include "apps/common/cli/context.h"
#include "apps/neurotrigger/hardware/hardware_estimate.h"
#include "apps/neurotrigger/hardware/hardware_ranges.h"
#include "apps/neurotrigger/run/run_access.h"
#include "apps/neurotrigger/train/weights_flat.h"
#include "apps/neurotrigger/verbs/verbs.h"

#include <algorithm>
#include <map>
#include <optional>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFirmwareVectors = 64;  // with the values of every node

int expert_of(const app::Context& context, const RunSettings& settings) {
  const std::int64_t wanted = context.flag_integer("--expert", 0);
  const int expert = settings.experts.size() == 1 && settings.experts[0] == -1 ? -1 : static_cast<int>(wanted);
  if (std::find(settings.experts.begin(), settings.experts.end(), expert) == settings.experts.end())
    throw Error(ErrorKind::usage, text::cat("expert ", wanted, " was not trained in this run"), {"", 0, 0, "--expert"});
  return expert;
}

nn::Graph trained_network(const OldRun& run, int expert) {
  const std::string weights = (run.folder / "weights.json").string();
  std::map<int, nn::Graph> models = load_models(run.settings, weights);
  const auto found = models.find(expert);
  if (found == models.end())
    throw Error(ErrorKind::data, text::cat("no network of expert ", expert, " in the run"), {weights, 0, 0, "expert"});
  return std::move(found->second);
}

/// The network in hardware formats: as trained, or a float network rounded now.
nn::Graph rounded_network(const nn::Graph& trained, const Settings& settings, const std::string& target) {
  if (settings.quant != "none" && settings.quant != target)
    throw Error(ErrorKind::config, text::cat("this run was trained with the integers of ", settings.quant),
                {"", 0, 0, "quant"}, text::cat("export it with --target ", settings.quant));
  std::optional<nn::Graph> form = hardware_form(trained, hardware_model(target, settings.hw));
  if (!form)
    throw Error(ErrorKind::config,
                text::cat("the hardware has tables of tanh and tanh/2 alone; this run trained ", settings.model,
                          " with ", settings.act),
                {"", 0, 0, "act"}, "train with baseline_v2 or demo");
  return std::move(*form);
}

/// Tracks of the expert, validation first, as recorded stimulus.
Tensor recorded_tracks(const Settings& settings, int expert, std::int64_t count) {
  const Splits splits = load_splits(settings);
  std::vector<std::int64_t> rows = splits[Split::val].rows_of(expert);
  rows.resize(std::min(rows.size(), static_cast<std::size_t>(count)));
  return gather_rows(splits[Split::val].inputs, rows);
}

struct Exported {
  HardwareModel model;
  hw::Graph graph;
  hw::Vectors vectors;
  Drift drift;
  std::vector<LayerRange> ranges;
  std::size_t tracks = 0;
};

Exported lower_expert(const app::Context& context, const OldRun& run, int expert) {
  const Settings& settings = run.settings.own.at(expert);
  const std::string target = context.flag("--target");
  const nn::Graph trained = trained_network(run, expert), network = rounded_network(trained, settings, target);
  const std::int64_t count = context.flag_integer("--vectors", 10000);
  const Tensor tracks = recorded_tracks(settings, expert, count);
  Exported out;
  out.model = hardware_model(target, settings.hw);
  out.graph = hardware_graph(
      network, text::cat("neurotrigger_expert_", expert < 0 ? std::string("all") : text::to_text(expert)));
  out.graph.meta["app"] = "neurotrigger";
  out.graph.meta["model"] = std::string(1, out.model.letter);
  const hw::Vectors integers = hardware_inputs(network, tracks);
  out.vectors =
      hw::stimulus(out.graph, static_cast<std::size_t>(count), static_cast<std::uint64_t>(settings.seed), integers);
  out.drift = drift_of(trained, network, tracks);
  out.ranges = accumulator_ranges(out.graph, integers);
  out.tracks = integers.rows();
  return out;
}

hw::VerilogOptions verilog_options(const app::Context& context) {
  hw::VerilogOptions options;
  options.reuse = static_cast<int>(context.flag_integer("--reuse", 0));
  if (options.reuse > 0) options.timing = hw::Timing::serial;
  return options;
}

void tell_ranges(app::Result& result, const Exported& made) {
  for (const LayerRange& layer : made.ranges) {
    const NeuronRange& n = layer.largest();
    result.metric(layer.name + ".sum_bits", n.bits);
    result.line(text::cat("sums of ", layer.name, ": at most ", text::grouped(n.bound), ", ", n.bits,
                          " bits, whatever the input"));
  }
}

void tell_estimate(app::Result& result, const Estimate& e, const HardwareKeys& keys) {
  result.metric("estimate.cycles", static_cast<double>(e.cycles));
  result.metric("estimate.latency_ns", e.latency_ns);
  result.metric("estimate.multipliers", static_cast<double>(e.multipliers));
  result.line(estimate_sentence(e, keys));
}

int export_hardware(app::Context& context, const OldRun& run, int expert) {
  const std::string folder = context.flags().out.value_or(text::cat("build/expert", expert));
  const Exported made = lower_expert(context, run, expert);
  const HardwareKeys& keys = run.settings.own.at(expert).hw;
  const Estimate figures = estimate(made.graph, keys, weight_width(made.model));
  hw::ExportOptions options;
  options.verilog = verilog_options(context);
  options.firmware = {kFirmwareVectors, weight_width(made.model)};
  const int latency = hw::emit_verilog(made.graph, options.verilog).latency;
  options.sections = {estimate_table(figures, keys, static_cast<std::int64_t>(run.settings.experts.size())),
                      published_table(figures, keys, latency), range_table(made.ranges, made.tracks),
                      neuron_table(made.ranges)};
  const hw::ExportSummary summary = hw::export_folder(made.graph, made.vectors, options, folder);
  app::Result& result = context.result();
  result.run(run.folder.string());
  result.file("export", folder);
  result.metric("z_drift_rms_cm", made.drift.rms_cm);
  result.metric("z_drift_max_cm", made.drift.max_cm);
  result.line(text::cat(folder, ": ", made.model.str(), ", expert ", expert, ", module ", summary.module, ", ",
                        summary.vectors, " test vectors, ", summary.files, " files"));
  result.line(text::cat("z of the integer network against the trained one on ", made.drift.rows, " tracks: rms ",
                        text::fixed(made.drift.rms_cm, 3), " cm, max ", text::fixed(made.drift.max_cm, 3), " cm"));
  result.line(text::cat("Verilog: ", summary.latency,
                        " cycles = ", text::fixed(static_cast<double>(summary.latency) * 1e3 / keys.clock_mhz, 0),
                        " ns, one track every ", summary.interval, " cycles"));
  tell_estimate(result, figures, keys);
  tell_ranges(result, made);
  result.line("prove it: thimble-hw verify " + folder);
  return 0;
}

/// Weights alone: json, h5, or flat lists (text, or JSON if the name ends so).
int export_weights(app::Context& context, const OldRun& run, const std::string& target) {
  const fs::path from = run.folder / "weights.json";
  const fs::path to = context.flags().out.value_or(target == "json" ? "weights.json"
                                                   : target == "h5" ? "weights.h5"
                                                                    : "weights.txt");
  Networks networks;  // through the models, so that a file of another network is refused
  for (const auto& [expert, model] : load_models(run.settings, from)) networks[expert] = state_of(model);
  const std::string content = target == "json"            ? weights_json(networks)
                              : target == "h5"            ? weights_hdf5(networks)
                              : to.extension() == ".json" ? flat_json(networks)
                                                          : flat_text(networks);
  if (to.has_parent_path()) fs::create_directories(to.parent_path());
  io::atomic_replace(to, content);
  context.result().file("weights", to.string());
  context.result().line("weights: " + to.string());
  return 0;
}

}  // namespace

int run_export(app::Context& context) {
  const OldRun run = open_run(context);
  use_threads(run.settings.all);
  const std::string target = context.flag("--target");
  if (!is_hardware(target)) return export_weights(context, run, target);
  return export_hardware(context, run, expert_of(context, run.settings));
}

}  // namespace thimble::neurotrigger
