#pragma once
// Settings of the hardware that a network is made for: widths of its numbers and constants of the estimates.

#include "apps/common/config/schema.h"

#include <cstdint>
#include <vector>

namespace thimble::neurotrigger {

/// Block `hw`. A width of 0 stands for the one that the model was built with.
struct HardwareKeys {
  std::int64_t input_bits = 12, node_bits = 12, weight_bits = 0, lut_bits = 0;
  double weight_limit = 0;
  double clock_mhz = 127.2, budget_ns = 300;
  std::vector<std::int64_t> multiplex;
  std::int64_t c_mul = 3, c_acc = -1, c_lut = 2, c_in = 0, c_out = 0;

  static void fields(auto& self, auto&& f) {
    f("input_bits", self.input_bits, "fraction bits of the inputs", app::between(1, 20), app::unit("bits"));
    f("node_bits", self.node_bits, "fraction bits of hidden and output values", app::between(1, 20), app::unit("bits"));
    f("weight_bits", self.weight_bits, "hw-a: fraction bits of weights (0: 10); hw-b: bits of the largest one (0: 17)",
      app::between(0, 24), app::unit("bits"));
    f("lut_bits", self.lut_bits, "hw-a: fraction bits of the table's address (0: 10); hw-b: all bits of it (0: 12)",
      app::between(0, 20), app::unit("bits"));
    f("weight_limit", self.weight_limit, "quant=hw-b: largest weight, which fixes the scale during training (0: 4)",
      app::at_least(0));
    f("clock_mhz", self.clock_mhz, "clock of the estimate", app::greater_than(0), app::unit("MHz"));
    f("budget_ns", self.budget_ns, "time that the trigger leaves for the network", app::greater_than(0),
      app::unit("ns"));
    f("multiplex", self.multiplex, "products that share a multiplier, one number per layer; none: all in parallel",
      app::between(1, 1e6));
    f("c_mul", self.c_mul, "cycles of a multiplication", app::between(0, 1000), app::unit("cycles"));
    f("c_acc", self.c_acc, "cycles behind the m of a multiplexed layer, -1: those of its adder tree",
      app::between(-1, 1000), app::unit("cycles"));
    f("c_lut", self.c_lut, "cycles of a table", app::between(0, 1000), app::unit("cycles"));
    f("c_in", self.c_in, "cycles before the first layer", app::between(0, 1000), app::unit("cycles"));
    f("c_out", self.c_out, "cycles behind the last layer", app::between(0, 1000), app::unit("cycles"));
  }
};

}  // namespace thimble::neurotrigger
