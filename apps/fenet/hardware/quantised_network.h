#pragma once
// A FENet in the integers of the chip: its filters as words, and the file that keeps them.

#include "core/kernels/integer_wavelet.h"

#include "apps/fenet/hardware/hardware_keys.h"
#include "apps/fenet/model/architecture.h"

#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace thimble::fenet {

struct QuantisedNetwork {
  std::string name;  // of the weights it was made from
  kernels::QuantisedChain chain;

  std::int64_t features() const { return chain.chain.features(); }
  /// "fx<9,1,6>, 128 taps in 3 levels"
  std::string str() const;
};

/// The format of weights and activations. Throws Error(config) naming the key for a fraction that does not fit.
fixed::FxType quant_type(const QuantKeys& keys);

/// Integer of a value by one of the two published rules. `nearest` rounds halves to even and saturates, weights at both
/// ends of the type, everything else symmetrically; `wrap` truncates toward zero and takes the magnitude modulo
/// 2^(word length - 1). Throws Error(value) if it is not finite.
std::int64_t quantised_weight(double value, const QuantKeys& keys);
std::int64_t quantised_value(double value, const QuantKeys& keys);

/// Filters `weights` (feature, pass filter of level 0, of level 1, ...) as integers, pooling by shifts. `stochastic`
/// rounds down or up at random with the distances as probabilities: `draw` numbers the outcome, `seed` the experiment.
/// Throws Error(config) for an impossible format, Error(value) for filters that do not fit the shape.
QuantisedNetwork quantise_network(const std::string& name, const Architecture& architecture,
                                  std::span<const Tensor> weights, const QuantKeys& keys, std::uint64_t seed = 0,
                                  std::int64_t draw = 0);

/// The best of keys.draws stochastic roundings by a score of validation data; the first of equals. Rounding to the
/// nearest is draw -1 and takes part, so the choice is never worse on that data.
struct BestDraw {
  QuantisedNetwork network;
  std::int64_t draw = -1;
  double score = 0, nearest = 0;  // of the choice, and of rounding to the nearest
  std::vector<double> scores;     // of all draws
};
BestDraw best_draw(const std::string& name, const Architecture& architecture, std::span<const Tensor> weights,
                   const QuantKeys& keys, std::uint64_t seed,
                   const std::function<double(const QuantisedNetwork&)>& score);

/// qfe_net.h5: sealed HDF5 with attributes format "fenet-quantised-1", name, word_length, fraction and the data sets
/// taps, strides, relu_powers [levels] and layers/<i>/{feat,pass}/weight_int.
std::string quantised_bytes(const QuantisedNetwork& network);
bool is_quantised_file(const std::filesystem::path& path);
/// Throws Error(io) or Error(data) naming file and part.
QuantisedNetwork read_quantised(const std::filesystem::path& path);

}  // namespace thimble::fenet
