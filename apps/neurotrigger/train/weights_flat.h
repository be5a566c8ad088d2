#pragma once
// Weights in the forms of other programs: one flat list per network, as BASF2 keeps them, and HDF5.

#include "apps/neurotrigger/train/weights_file.h"

namespace thimble::neurotrigger {

/// A network as a flat list: layer by layer, for every output its weights and then its bias. `nodes`: 27, 81, 2.
struct FlatNetwork {
  std::vector<std::int64_t> nodes;
  std::vector<float> weights;
};

/// Throws Error(data) for networks that are not a chain of linear layers (batch normalisation).
FlatNetwork flat_network(const State& state);
/// Positions 0, 2, 4, ... of the layer list are linear, as in the networks here. Throws Error(data) naming `origin`
/// when nodes and weights do not fit.
State state_of_flat(const FlatNetwork& network, const std::string& origin);

/// {"expert_0": {"nodes": [27, 81, 2], "weights": [...]}, ...}; floats in the shortest form that gives the same bits.
std::string flat_json(const Networks& networks);
/// The same as lines: "expert 0", "nodes 27 81 2", then the numbers, in any lines; # begins a comment.
std::string flat_text(const Networks& networks);
/// Reads either. Throws Error(data) with file and line or key.
Networks parse_flat(std::string_view text, const std::string& name);

/// Data sets /expert_0/model.net.0.weight [81, 27], ... as float32.
std::string weights_hdf5(const Networks& networks);

/// weights.json, flat JSON or text, or HDF5, told apart by their content. Throws Error(io), Error(data).
Networks read_any_weights(const std::filesystem::path& path);

}  // namespace thimble::neurotrigger
