#pragma once
// Benches of a design: a Verilog bench, a stress bench (gaps in in_valid, a reset in mid-stream), a bench that prints
// the values inside, and the C++ driver for Verilator. They run in the folder rtl and read ../vec/*.mem.

#include "hw/emit/verilog.h"

namespace thimble::hw {

/// rtl/tb.v, rtl/tb_stress.v, rtl/tb_trace.v and scripts/drive.cpp for a vector set of this length.
///
/// Benches drive and sample on the falling edge and compare with !==, so an unknown bit is a mismatch. They print the
/// first five mismatches, `LATENCY cycles=<n>`, `RESULT vectors=<n> mismatches=<m>` and `PASS` or `FAIL`; fewer or more
/// outputs than vectors fail. `+vectors=N` stops after N vectors, `+got=FILE` writes every output as a hex line.
/// tb_trace prints `TRACE <tensor> <lane> <value>` for every tap.
std::vector<VerilogFile> emit_benches(const VerilogDesign& design, std::size_t vectors);

}  // namespace thimble::hw
