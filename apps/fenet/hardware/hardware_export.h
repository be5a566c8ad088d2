#pragma once
// One folder for the designers of the chip: integer graph, streaming Verilog, C, test vectors, scripts, weights as
// memory images, and the text files of the published exporter in text/.

#include "hw/verify/export_folder.h"

#include "apps/fenet/hardware/hardware_subject.h"
#include "apps/fenet/hardware/register_audit.h"

#include <filesystem>
#include <optional>

namespace thimble::fenet {

struct HardwareExport {
  hw::ExportSummary summary;
  std::vector<RegisterRange> registers;
  std::optional<BundleCheck> bundle;  // read back from the folder; nothing without text files
  std::size_t recorded = 0;           // windows of recordings among the vectors
};

struct HardwareExportOptions {
  std::size_t vectors = 300;
  std::string day;
  bool text = true;
};

/// Writes the folder whole or not at all, then computes the text files again from themselves. If they are right and
/// the settings name folders for them (run.quantized_model_dir, run.quantized_data_dir), copies go there. Throws
/// Error(config) naming the field of the configuration that does not fit, and what export_folder throws.
HardwareExport export_hardware(const HardwareSubject& subject, const HardwareExportOptions& options,
                               const std::filesystem::path& folder);

}  // namespace thimble::fenet
