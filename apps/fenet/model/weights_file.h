#pragma once
// Weights of a FENet in files: the format fenet-weights-1 (docs/formats.md), checkpoints of PyTorch, checkpoints of
// runs.

#include "apps/fenet/model/network.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace thimble::fenet {

using ConfigValue = std::variant<bool, std::int64_t, double, std::string>;
/// Settings under the flat names of sweep files: "kernel1", "optim.lr", "normalize_at_end", ...
using ConfigMap = std::map<std::string, ConfigValue>;

/// State of AdamW, one tensor per filter in the order of the weights.
struct AdamWState {
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  std::int64_t step = 0;
  std::vector<Tensor> mean, square;  // first and second moments
};

struct WeightsFile {
  Architecture architecture;
  std::vector<Tensor> weights;  // f32 [taps]: feature, pass filter of level 0, of level 1, ...
  ConfigMap config;
  std::optional<AdamWState> optimizer;
  Tensor reduction = {};  // f32 [N, A] or [C, N, A]: a learned map in place of PLS; undefined: none
};

/// What a file without settings does not say, or what is to be used in place of what it says.
struct ShapeOverride {
  std::vector<int> strides, relu_powers;  // one per level; empty: as in the file
  std::optional<bool> normalize_at_end;
};

/// Reads fenet-weights-1, PyTorch checkpoints (lists of 3, 4 or 5 parts or a bare map of weights; filters named
/// layers.<i>.feat_l.weight or, as long ago, hpf<i>.weight and lpf<i>.weight) and checkpoints of runs. Settings of
/// levels that the network does not have are kept and not used. Throws Error(io) or Error(data) naming file and part.
WeightsFile read_weights(const std::filesystem::path& path, const ShapeOverride& shape = {});

/// The bytes of a fenet-weights-1 file, plain HDF5. Equal weights give equal bytes.
std::string weights_bytes(const WeightsFile& file);
/// weights_bytes under the name `path`, atomically; with ending .pt the weights alone for PyTorch.
void write_weights(const std::filesystem::path& path, const WeightsFile& file);

/// The network with these weights, ready for windows of `samples`.
Network network_of(const WeightsFile& file, std::int64_t samples = 900);
/// Weights of a network; `config` gets the keys of its shape.
WeightsFile weights_of(const Network& network, ConfigMap config = {});

}  // namespace thimble::fenet
