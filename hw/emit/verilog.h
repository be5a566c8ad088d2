#pragma once
// FXIR as synthesizable Verilog-2005: ports clk, rst, in_valid, x, out_valid, y (serial and streaming designs also
// in_ready, streaming ones in_last; their x is one sample), element 0 in the lowest bits. Values never depend on the
// timing; latency and interval are known before simulation.

#include "hw/ir/graph.h"

#include <string>
#include <string_view>
#include <vector>

namespace thimble::hw {

/// How the arithmetic is spread over clock cycles.
enum class Timing {
  automatic,  // parallel while the network is small, else serial where the network allows it
  parallel,   // every operation has its own hardware, one vector per clock
  serial,     // one neuron or one input per clock and lane; weights in ROM, one table read per clock and lane
  stream,     // one sample of a window [positions, channels] per clock, through filters with decimation
};

struct VerilogOptions {
  std::string module = "";  // empty: made from the name of the graph
  Timing timing = Timing::automatic;
  int levels_per_stage = 6;  // logic levels between registers; 0: none but the output register
  int reuse = 0;             // serial: clocks that each layer may take; 0: as many as its elements (one lane)
};

/// A file of an export; the path is relative to the folder.
struct VerilogFile {
  std::string path;
  std::string text;
};

/// A signal that carries elements of a tensor: with `groups` valid clocks per vector, clock k of a vector shows
/// element k * lanes + lane.
struct TraceTap {
  TensorId tensor = 0;
  std::size_t lane = 0, lanes = 1, groups = 1;
  std::string signal;
  std::string valid;  // high when the signal belongs to a vector
  int width = 1;
  bool is_signed = false;
};

/// The design and what is known about it without simulating.
struct VerilogDesign {
  std::string module;
  Timing timing = Timing::parallel;
  std::vector<VerilogFile> files;  // rtl/MODULE.v and rtl/MODULE_*.mem
  int input_bits = 0, output_bits = 0;
  int samples = 1;   // stream: input words of a window
  int latency = 0;   // clock edges from the one that takes a vector (stream: its first sample, windows without gaps) to
                     // the one after which out_valid shows the answer
  int interval = 1;  // clocks between vectors
  int lanes = 0;     // serial only
  int stages = 0;    // pipeline stages over all parts
  std::int64_t register_bits = 0;
  std::int64_t constant_multiplications = 0, multipliers = 0;  // by a constant; of two run-time values
  std::int64_t table_ports = 0, rom_bits = 0;
  std::vector<TraceTap> taps;
};

/// Why a graph cannot be scheduled serially; empty if it can. Serial designs are chains of dense layers with equal
/// formats for all elements between them.
std::string serial_obstacle(const Graph& graph);
/// Why a graph cannot be streamed; empty if it can. Streaming designs take one input [positions, channels] into conv1d
/// nodes padded with zeros, elementwise operators, and sums over all positions; what follows works on those sums.
std::string stream_obstacle(const Graph& graph);

/// Throws Error(data) for a graph without ports, or without the schedule that was asked for.
VerilogDesign emit_verilog(const Graph& graph, const VerilogOptions& options = {});

std::string_view name(Timing timing);  // "parallel", "serial", "stream"

}  // namespace thimble::hw
