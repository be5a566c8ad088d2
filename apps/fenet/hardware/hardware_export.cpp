#include "apps/fenet/hardware/hardware_export.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"

#include "hw/emit/stimulus.h"
#include "hw/emit/verilog.h"
#include "hw/lower/wavelet.h"

#include <algorithm>

namespace thimble::fenet {

using text::cat;

namespace {

constexpr std::size_t kAudited = 500;        // windows whose registers are looked at
constexpr std::size_t kFirmwareVectors = 2;  // with the values of every node

report::Table config_table(const QuantisedNetwork& network, std::int64_t samples, const HardwareKeys& keys) {
  report::Table table;
  table.title = "Configuration bits";
  table.note = "configs.txt: each field least significant bit first";
  table.columns = {{"field", "", true, false}, {"width", "bits", false, false}, {"value", "", false, false}};
  for (const ConfigField& field : config_fields(network, samples, keys))
    table.rows.push_back({field.name, cat(field.width), cat(field.value, field.fits() ? "" : " does not fit")});
  return table;
}

report::Table overflow_table(const hw::Graph& graph, const HardwareKeys& keys) {
  report::Table table;
  table.title = "Input that overflows the accumulator";
  const auto input = overflow_input(graph, static_cast<int>(keys.accumulator_bits));
  if (!input) return table;
  table.note = "vec/overflow.txt: one window in the form of vec/stim.txt";
  table.columns = {{"filter", "", true, false},
                   {"position", "", false, false},
                   {"sum", "", false, false},
                   {"register", "bits", false, false},
                   {"holds", "", false, false}};
  table.rows.push_back(
      {input->name, cat(input->position), text::grouped(input->sum), cat(input->bits), text::grouped(input->wrapped)});
  return table;
}

std::vector<hw::VerilogFile> extra_files(const QuantisedNetwork& network, const hw::Graph& graph,
                                         const HardwareSubject& subject, const HardwareExportOptions& options,
                                         const std::vector<Day>& days) {
  std::vector<hw::VerilogFile> files = {{"text/qfe_net.h5", quantised_bytes(network)}};
  if (const auto input = overflow_input(graph, static_cast<int>(subject.settings.hw.accumulator_bits)))
    files.push_back({"vec/overflow.txt", hw::vectors_text({input->window.size(), input->window})});
  if (!options.text) return files;
  const Chunks chunks = first_chunks(days, options.day, subject.settings.hw.first_n);
  for (auto& [name, text] :
       text_bundle(network, chunks, subject.settings.quant, subject.settings.hw, subject.settings.pls.dims))
    files.push_back({"text/" + name, std::move(text)});
  return files;
}

/// Files about the network; the others in text/ are data.
bool is_model_file(const std::string& name) {
  return name == "qfe_net.h5" || name == "configs.txt" || name == "model_info.txt" || name.ends_with("_weights.txt");
}

void copy_text_files(const std::filesystem::path& text, const RunKeys& keys) {
  for (const auto& entry : std::filesystem::directory_iterator(text)) {
    const std::string name = entry.path().filename().string();
    const std::string& folder = is_model_file(name) ? keys.quantized_model_dir : keys.quantized_data_dir;
    if (folder.empty()) continue;
    std::filesystem::create_directories(folder);
    io::atomic_replace(std::filesystem::path(folder) / name, io::read_file(entry.path()));
  }
}

}  // namespace

HardwareExport export_hardware(const HardwareSubject& subject, const HardwareExportOptions& options,
                               const std::filesystem::path& folder) {
  const QuantisedNetwork network = subject.quantised();
  const std::vector<Day> days = subject_days(subject.settings);
  const std::int64_t samples = days.at(0).sessions.at(0).segments->samples();
  if (options.text) config_bits(network, samples, subject.settings.hw);  // refuses before anything is computed
  hw::Graph graph = hw::lower_wavelet(network.chain, samples, cat("fenet_", network.name));
  graph.meta["app"] = "fenet";
  graph.meta["format"] = network.chain.activations.str();
  const hw::Vectors recorded = recorded_windows(days, subject.settings.quant, std::max(options.vectors, kAudited));
  HardwareExport out;
  hw::Vectors audited{recorded.width, recorded.data};
  audited.data.resize(std::min(audited.data.size(), kAudited * audited.width));
  out.registers = register_ranges(graph, audited, subject.settings.hw);
  hw::ExportOptions how;
  how.verilog.levels_per_stage = static_cast<int>(subject.settings.hw.pipeline);
  how.firmware = {kFirmwareVectors, network.chain.weights.w};
  how.sections = {register_table(out.registers, audited.rows())};
  if (options.text) how.sections.push_back(config_table(network, samples, subject.settings.hw));
  if (report::Table table = overflow_table(graph, subject.settings.hw); !table.rows.empty())
    how.sections.push_back(std::move(table));
  how.extra = extra_files(network, graph, subject, options, days);
  hw::Vectors shown{recorded.width, recorded.data};
  shown.data.resize(std::min(shown.data.size(), options.vectors * shown.width));
  out.recorded = shown.rows();
  out.summary = hw::export_folder(
      graph, hw::stimulus(graph, options.vectors, static_cast<std::uint64_t>(subject.settings.seed), shown), how,
      folder);
  if (options.text) out.bundle = check_bundle(folder / "text");
  if (out.bundle && out.bundle->equal()) copy_text_files(folder / "text", subject.settings.run);
  return out;
}

}  // namespace thimble::fenet
