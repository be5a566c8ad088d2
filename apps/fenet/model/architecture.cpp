#include "apps/fenet/model/architecture.h"

#include "core/base/error.h"

#include "nn/daubechies.h"

#include <algorithm>

namespace thimble::fenet {
namespace {

struct Preset {
  const char* name;
  std::vector<int> kernels, strides;
};

const std::vector<Preset>& table() {
  static const std::vector<Preset> all{
      {"db20", std::vector<int>(7, 40), std::vector<int>(7, 2)},
      {"db20-6", std::vector<int>(6, 40), std::vector<int>(6, 2)},
      {"efficient", {4, 30, 30}, {3, 2, 2}},
      {"genial-57", {10, 10, 2, 4, 32, 34, 26}, {3, 2, 30, 13, 23, 25, 27}},
      {"desert-21", {14, 20, 38, 26, 22, 10}, {6, 4, 11, 18, 3, 8}},
  };
  return all;
}

[[noreturn]] void refuse(const std::string& key, const std::string& what) {
  throw Error(ErrorKind::config, "model." + key + " " + what, Place{"", 0, 0, "model." + key});
}

void check_value(const char* key, std::size_t level, int value, int low, int high) {
  if (value < low || value > high)
    refuse(text::cat(key, level + 1), text::cat("is ", value, ", it must lie between ", low, " and ", high));
}

void fill(const Tensor& tensor, const std::vector<double>& values) {
  copy_into(Tensor::from(values).to(tensor.dtype()), tensor);
}

}  // namespace

kernels::WaveletChain Architecture::chain() const {
  const std::size_t levels = kernels.size();
  if (levels < 1 || levels > static_cast<std::size_t>(kernels::kWaveletLevels))
    refuse("n_feat_layers", text::cat("is ", levels + 1, ", it must lie between 2 and ", kernels::kWaveletLevels + 1));
  const auto check_count = [levels](const char* key, std::size_t count) {
    if (count != levels) refuse(key, text::cat("has ", count, " entries for ", levels, " levels"));
  };
  check_count("strides", strides.size());
  check_count("relu_powers", relu_powers.size());
  if (features_by_layer.size() != levels + 1)
    refuse("features_by_layer", text::cat("has ", features_by_layer.size(), " entries, wanted ", levels + 1));
  if (features_by_layer.back() != 1)
    refuse("features_by_layer", text::cat("ends with ", features_by_layer.back(), ", the last entry must be 1"));
  kernels::WaveletChain chain;
  chain.pool = pool;
  for (std::size_t l = 0; l < levels; ++l) {
    check_value("kernel", l, kernels[l], 1, 4096);
    check_value("stride", l, strides[l], 1, 4096);
    check_value("relu", l, relu_powers[l], 0, 15);
    check_value("features", l, features_by_layer[l], 1, 4096);
    chain.levels.push_back({kernels[l], strides[l], relu_powers[l], features_by_layer[l]});
  }
  return chain;
}

std::int64_t Architecture::features() const {
  return chain().features();
}

Architecture preset(const std::string& name) {
  for (const Preset& p : table()) {
    if (name != p.name) continue;
    Architecture a;
    a.kernels = p.kernels;
    a.strides = p.strides;
    a.relu_powers.assign(p.kernels.size(), 0);
    a.features_by_layer.assign(p.kernels.size() + 1, 1);
    return a;
  }
  const std::string near = text::nearest(name, presets());
  throw Error(ErrorKind::config, "unknown model preset '" + text::printable(name) + "'",
              Place{"", 0, 0, "model.preset"},
              near.empty() ? "known: " + text::join(presets(), ", ") : "did you mean '" + near + "'?");
}

const std::vector<std::string>& presets() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Preset& p : table()) all.emplace_back(p.name);
    return all;
  }();
  return names;
}

std::int64_t published_operations(const Architecture& architecture, std::int64_t samples) {
  std::int64_t sum = 0;
  for (const kernels::WaveletLevel& level : architecture.chain().levels) {
    const std::int64_t last = samples + std::max(level.taps - level.stride, 0) - 1;
    samples = last < 0 ? -1 : last / level.stride;  // published figures round down, below zero too
    sum += 2 * samples * level.taps;
  }
  return sum;
}

std::int64_t exact_macs(const Architecture& architecture, std::int64_t samples) {
  return architecture.chain().macs(samples);
}

nn::Graph build_graph(const Architecture& architecture, std::int64_t samples) {
  nn::WaveletBank bank;
  for (const kernels::WaveletLevel& level : architecture.chain().levels) {
    bank.taps.push_back(level.taps);
    bank.strides.push_back(level.stride);
    bank.relu_powers.push_back(level.relu_power);
    bank.features.push_back(level.features);
  }
  bank.pool = architecture.pool;
  bank.dropout = architecture.dropout;
  if (architecture.grid.on) {
    bank.weight_format = fixed::Quantiser{architecture.grid.weights, fixed::Round::rnd_conv, fixed::Overflow::sat};
    bank.activation_format = fixed::Quantiser{architecture.grid.activations, fixed::Round::rnd_conv,
                                              fixed::Overflow::sat_sym, fixed::Grad::mask};
  }
  nn::Graph graph(Shape{samples});
  graph.add("layers", std::move(bank));
  return graph;
}

void initialise(nn::Graph& graph, const Architecture& architecture) {
  for (std::size_t l = 0; l < architecture.kernels.size(); ++l) {
    const int taps = architecture.kernels[l];
    if (taps < 2 || taps > 40 || taps % 2 != 0)
      refuse(text::cat("kernel", l + 1),
             text::cat("is ", taps, ", Daubechies filters have an even number of taps from 2 to 40"));
  }
  auto& bank = std::get<nn::WaveletBank>(*graph.find("layers"));
  for (std::size_t l = 0; l < bank.filters.size(); ++l) {
    nn::Wavelet wavelet = nn::daubechies(architecture.kernels[l] / 2);
    std::reverse(wavelet.low.begin(), wavelet.low.end());
    std::reverse(wavelet.high.begin(), wavelet.high.end());
    fill(bank.filters[l].feat.value, wavelet.high);
    fill(bank.filters[l].pass.value, wavelet.low);
  }
}

}  // namespace thimble::fenet
