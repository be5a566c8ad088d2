#pragma once
// Looking at tracks with the eyes of the hardware: networks as integers, and the 13-bit words that they would send.

#include "apps/neurotrigger/hardware/hardware_model.h"
#include "apps/neurotrigger/run/run_access.h"

#include <map>
#include <string>

namespace thimble::neurotrigger {

/// The networks as `target` computes them ("float": as they are; "hw-a", "hw-b" with the widths of the settings); those
/// that were trained with formats stay. Throws Error(config) for activations without a table, or a network trained with
/// the formats of the other model.
std::map<int, nn::Graph> seen_by(const std::string& target, std::map<int, nn::Graph> models,
                                 const RunSettings& settings);

/// Tracks with the outputs of hardware networks in place of the recorded ones: words and scaled values, zero for tracks
/// whose expert has no network. The integers are those of the exported graph.
Dataset with_hardware_words(const Dataset& data, const std::map<int, nn::Graph>& networks);

/// Applies a fault of the recorded preprocessing ("none", "id_shuffle") to the inputs.
void apply_quirk(Dataset& data, const std::string& quirk);

}  // namespace thimble::neurotrigger
