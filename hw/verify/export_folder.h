#pragma once
// One folder that holds everything a hardware engineer needs, and the proof that it is right: hardware.md section 9.

#include "core/report/table.h"

#include "hw/emit/verilog.h"
#include "hw/ir/vectors.h"
#include "hw/verify/firmware.h"

#include <filesystem>

namespace thimble::hw {

struct ExportOptions {
  VerilogOptions verilog = {};
  bool rtl = true, c = true;
  FirmwareOptions firmware = {};
  std::vector<report::Table> sections = {};  // what the application knows, for report.json and report.md
  std::vector<VerilogFile> extra = {};       // files of the application, in the manifest as all others
};

/// What was written.
struct ExportSummary {
  std::string module;
  Timing timing = Timing::parallel;
  int latency = 0, interval = 1;
  std::size_t vectors = 0;
  std::size_t files = 0;
};

/// Writes fxir.json, rtl/, c/, vec/, scripts/, firmware/ (if wanted), report.json, report.md and manifest.sha256 into
/// `folder`: the same graph, vectors and options give the same bytes. `stimulus` holds input vectors in stored integers
/// (see hw/emit/stimulus.h); the expected outputs come from the interpreter. The folder appears whole or not at all; an
/// earlier export there is replaced, anything else is refused.
/// Throws Error(data) for no vectors or a graph that cannot be emitted, Error(io) naming the folder.
ExportSummary export_folder(const Graph& graph, const Vectors& stimulus, const ExportOptions& options,
                            const std::filesystem::path& folder);

}  // namespace thimble::hw
