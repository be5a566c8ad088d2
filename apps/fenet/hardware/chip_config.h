#pragma once
// configs.txt: what the chip is told about the network, bit by bit.

#include "apps/fenet/hardware/quantised_network.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::fenet {

/// One field: its value is written least significant bit first, filled with zeros to its width.
struct ConfigField {
  std::string name;
  int width = 0;
  std::int64_t value = 0;
  bool fits() const { return value >= 0 && (width >= 62 || value < (std::int64_t{1} << width)); }
};

/// Fields in order: data_valid_delay, num_chan_en, num_fem_en, num_cycles, then per built level relu_power, div_power,
/// stride and kernel_offset, the last level's repeated. 205 bits with the published numbers.
std::vector<ConfigField> config_fields(const QuantisedNetwork& network, std::int64_t samples, const HardwareKeys& keys);

/// Names of the fields that do not fit, with value and width: "kernel_offset 7: 280 in 8 bits".
std::vector<std::string> config_obstacles(const std::vector<ConfigField>& fields);

/// Bits in order. Throws Error(config) naming every field that does not fit, and for more levels than are built.
std::string config_bits(const QuantisedNetwork& network, std::int64_t samples, const HardwareKeys& keys);

}  // namespace thimble::fenet
