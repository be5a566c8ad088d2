#include "apps/fenet/hardware/chip_config.h"

#include "core/base/error.h"

#include <algorithm>
#include <bit>

namespace thimble::fenet {

using text::cat;

namespace {

/// ceil(log2 n)
int address_bits(std::int64_t n) {
  return n <= 1 ? 0 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1)));
}

constexpr int kPowerBits = 4, kDivisorBits = 5, kStrideBits = 8;

}  // namespace

std::vector<ConfigField> config_fields(const QuantisedNetwork& network, std::int64_t samples,
                                       const HardwareKeys& keys) {
  const kernels::WaveletChain& chain = network.chain.chain;
  const std::vector<std::int64_t> lengths = chain.lengths(samples);
  const auto levels = static_cast<std::int64_t>(chain.levels.size());
  std::vector<ConfigField> fields = {{"data_valid_delay", network.chain.activations.w - 1, keys.data_valid_delay},
                                     {"num_chan_en", address_bits(keys.channels_built) + 1, keys.channels},
                                     {"num_fem_en", address_bits(keys.levels_built) + 1, levels},
                                     {"num_cycles", address_bits(keys.max_cycles) + 1, keys.cycles}};
  const auto repeated = [&](const char* name, int width, const auto& value_of_level) {
    for (std::int64_t k = 0; k < keys.levels_built; ++k)
      fields.push_back(
          {cat(name, " ", k + 1), width, value_of_level(static_cast<std::size_t>(std::min(k, levels - 1)))});
  };
  repeated("relu_power", kPowerBits, [&](std::size_t k) { return std::int64_t{chain.levels[k].relu_power}; });
  repeated("div_power", kDivisorBits, [&](std::size_t k) {
    const std::int64_t divisor = kernels::wavelet_divisor(chain.pool, lengths[k]);
    return std::int64_t{std::countr_zero(static_cast<std::uint64_t>(divisor))};
  });
  repeated("stride", kStrideBits, [&](std::size_t k) { return std::int64_t{chain.levels[k].stride}; });
  repeated("kernel_offset", address_bits(keys.weight_depth), [&](std::size_t k) {
    std::int64_t sum = 0;
    for (std::size_t j = 0; j <= k; ++j) sum += chain.levels[j].taps;
    return sum;
  });
  return fields;
}

std::vector<std::string> config_obstacles(const std::vector<ConfigField>& fields) {
  std::vector<std::string> out;
  for (const ConfigField& field : fields)
    if (!field.fits()) out.push_back(cat(field.name, ": ", field.value, " in ", field.width, " bits"));
  return out;
}

std::string config_bits(const QuantisedNetwork& network, std::int64_t samples, const HardwareKeys& keys) {
  const auto levels = static_cast<std::int64_t>(network.chain.chain.levels.size());
  if (levels > keys.levels_built)
    throw Error(ErrorKind::config,
                cat("the network has ", levels, " levels, the chip was built with ", keys.levels_built),
                {"", 0, 0, "hw.levels_built"});
  const std::vector<ConfigField> fields = config_fields(network, samples, keys);
  if (const auto obstacles = config_obstacles(fields); !obstacles.empty())
    throw Error(ErrorKind::config,
                cat("the network does not fit the configuration of the chip: ", text::join(obstacles, ", ")),
                {"", 0, 0, "hw"}, "a network with fewer taps or levels, or a chip with other hw.* numbers");
  std::string bits;
  for (const ConfigField& field : fields)
    for (int i = 0; i < field.width; ++i) bits += ((field.value >> i) & 1) != 0 ? '1' : '0';
  return bits;
}

}  // namespace thimble::fenet
