#pragma once
// The text files that the designers of the chip compare their registers with, and the proof that they belong together:
// everything is read back from the text alone and computed again with nothing but the words in it.

#include "core/tensor/tensor.h"

#include "apps/fenet/hardware/chip_config.h"
#include "apps/fenet/hardware/text_codes.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace thimble::fenet {

/// Segments that the bundle shows: x [B, C, T] f32 as the network takes them, labels [B, D] f32.
struct Chunks {
  std::string day;
  Tensor x, labels;
};

/// File name -> text: inputs, outputs, labels, pass_layer_<k>, feat_layer_<k>, feat_weights, pass_weights, configs,
/// model_info, labels_info (.txt). One value per line. `pls_dims` is told only. Throws Error(config) as config_bits.
std::vector<std::pair<std::string, std::string>> text_bundle(const QuantisedNetwork& network, const Chunks& chunks,
                                                             const QuantKeys& quant, const HardwareKeys& keys,
                                                             std::int64_t pls_dims);

/// What the check of a bundle found.
struct BundleCheck {
  std::int64_t files = 0, values = 0;   // read and compared
  std::vector<std::string> mismatches;  // "outputs.txt line 4: 2, computed 3"; at most 20
  std::int64_t mismatch_count = 0;
  bool equal() const { return mismatch_count == 0 && values > 0; }
  /// "text bundle: 0 mismatches of 4,512 values in 13 files"
  std::string line() const;
};

/// Reads the texts of a folder, takes shape and weights from configs.txt, model_info.txt and the weight files, computes
/// the network from inputs.txt in 64-bit integers, and compares every value of every other file. Throws Error(io) or
/// Error(data) naming file and line for what cannot be read.
BundleCheck check_bundle(const std::filesystem::path& folder);

}  // namespace thimble::fenet
