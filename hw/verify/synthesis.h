#pragma once
// Area of an exported design by Yosys: LUTs, flip-flops, carry cells, DSP blocks and block RAMs of a 7-series FPGA.

#include <cstdint>
#include <filesystem>
#include <string>

namespace thimble::hw {

struct Area {
  std::int64_t lut = 0, ff = 0, carry4 = 0, dsp = 0, ramb36 = 0, ramb18 = 0;
  std::string tool;  // version of Yosys
  double seconds = 0;
};

/// How products are mapped: "m1" to LUTs and carry chains (the reference metric), "dsp" to DSP blocks where they fit.
/// Throws Error(tool) if Yosys is not installed, Error(failed) if it fails or takes longer than `seconds`.
Area synthesise(const std::filesystem::path& folder, const std::string& metric, double seconds = 600);

/// Reads the cell counts of a `stat` listing. Throws Error(failed) if it lists no cells at all.
Area parse_area(const std::string& listing);

/// "dsp" for designs that multiply run-time values, "m1" for the others; from report.json.
std::string usual_metric(const std::filesystem::path& folder);

/// Synthesises and enters the figures in report.json and report.md.
Area measure_area(const std::filesystem::path& folder, const std::string& metric, double seconds = 600);

}  // namespace thimble::hw
