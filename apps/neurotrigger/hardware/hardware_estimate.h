#pragma once
// Latency and resources of a network by formula, before anything is synthesised: section 8.4 of the specification.

#include "core/report/table.h"

#include "hw/ir/graph.h"

#include "apps/neurotrigger/hardware/hardware_model.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

struct LayerEstimate {
  std::string name;
  std::int64_t inputs = 0, outputs = 0;
  std::int64_t macs = 0;  // (inputs + 1) * outputs: the bias is a product with a constant
  std::int64_t multiplex = 1;
  std::int64_t multipliers = 0;  // ceil(macs / multiplex)
  std::int64_t cycles = 0;
};

struct Estimate {
  std::vector<LayerEstimate> layers;
  std::int64_t macs = 0, multipliers = 0;
  std::int64_t cycles = 0;
  double latency_ns = 0;
  bool in_budget = false;
  std::int64_t table_entries = 0, table_width = 0;  // of one port; the entry for saturation needs no memory
  std::int64_t table_ports = 0;                     // one per neuron and output
  double block_rams = 0;                            // of 36 Kbit: two ports share one
  std::int64_t weight_bits = 0;                     // of one network, biases included
};

/// cycles = sum over layers [c_mul + ceil(log2(inputs + 1)) + c_lut] + c_in + c_out; a layer whose multipliers are
/// shared by m products takes c_mul + m + c_acc + c_lut, c_acc = -1 standing for the depth of the adder tree.
/// `weight_width`: bits of one weight word. Throws Error(config) for a list hw.multiplex of another length.
Estimate estimate(const hw::Graph& graph, const HardwareKeys& keys, int weight_width);

/// Bits of a weight word of a model, sign included: 17 for model A, 18 for model B.
int weight_width(const HardwareModel& model);

/// "by formula: 22 cycles = 173 ns at 127.2 MHz (inside the 300 ns of the trigger), ..."
std::string estimate_sentence(const Estimate& estimate, const HardwareKeys& keys);
/// For reports; `networks` share the tables but not the weights.
report::Table estimate_table(const Estimate& estimate, const HardwareKeys& keys, std::int64_t networks);
/// What is published about the trigger in operation, beside the estimate. `latency_cycles` is that of the Verilog.
report::Table published_table(const Estimate& estimate, const HardwareKeys& keys, std::int64_t latency_cycles);

}  // namespace thimble::neurotrigger
