#pragma once
// Shell and Yosys scripts of an export folder, so that engineers can run everything without Thimble.

#include "hw/emit/verilog.h"

namespace thimble::hw {

/// Yosys commands of an area figure: "m1" maps products to logic, "dsp" lets them use DSP blocks. They run in rtl/ and
/// write the cell counts to the file `listing`.
std::string synthesis_commands(const std::string& module, const std::string& metric, const std::string& listing);

/// Arguments behind the program names; `build` is where products of the build go. They run in rtl/.
std::vector<std::string> icarus_arguments(const std::string& bench, const std::string& module,
                                          const std::string& output);
std::vector<std::string> verilator_arguments(const std::string& module, const std::string& driver,
                                             const std::string& build);
std::vector<std::string> c_arguments(const std::string& name, const std::string& output);

/// scripts/run_icarus.sh, run_verilator.sh, run_c.sh (if there is C), run_yosys.sh, area_*.ys.
std::vector<VerilogFile> emit_scripts(const std::string& module, const std::string& c_name);

}  // namespace thimble::hw
