#pragma once
// What the readers of weight files have in common: filters and settings as found, put together into one network.

#include "apps/fenet/model/weights_file.h"

#include <string>

namespace thimble::fenet {

/// Filters and settings as a file holds them.
struct WeightsParts {
  std::string file;                                 // for messages
  std::map<int, std::pair<Tensor, Tensor>> levels;  // feature and pass filter, each [taps] f32 or undefined
  std::vector<int> kernels, strides, relu_powers, features_by_layer;  // empty: from the filters and the settings
  ConfigMap config;
  std::optional<AdamWState> optimizer;
  Tensor reduction = {};
};

/// Checks that everything fits together. Throws Error(data) naming file and part.
WeightsFile assemble(WeightsParts parts, const ShapeOverride& shape);

/// Throws Error(data) at a part of a file.
[[noreturn]] void refuse_weights(const std::string& file, const std::string& part, const std::string& what,
                                 const std::string& remedy = {});

/// The parts of a PyTorch checkpoint.
WeightsParts read_torch_parts(const std::filesystem::path& path);

/// The parts of a run's sealed checkpoint: filters and shape, without optimiser (resuming a run is another matter) and
/// without normalize_at_end, which stands in the run's settings.
WeightsParts read_checkpoint_parts(const std::filesystem::path& path);

/// Settings of the shape under their flat names.
void put_shape(ConfigMap& config, const Architecture& architecture);

}  // namespace thimble::fenet
