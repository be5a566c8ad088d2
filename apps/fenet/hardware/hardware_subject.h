#pragma once
// What is rounded and exported: a network from a file or a run, and recordings to show it with.

#include "hw/ir/vectors.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/data/session.h"
#include "apps/fenet/hardware/quantised_network.h"
#include "apps/fenet/hardware/text_bundle.h"
#include "apps/fenet/settings.h"

#include <optional>
#include <string>
#include <vector>

namespace thimble::fenet {

struct HardwareSubject {
  std::string name;
  Settings settings;
  Architecture architecture;
  std::vector<Tensor> weights;            // f32; empty for a network that was integers already
  std::optional<QuantisedNetwork> words;  // from qfe_net.h5
  Tensor reduction = {};                  // learned map in place of PLS; undefined: none

  /// In integers of settings.quant, or as it was read.
  QuantisedNetwork quantised() const;
};

/// Plain word 0 of the command line: a weights file (.h5, .pt), a qfe_net.h5, the name of a preset (Daubechies filters)
/// or a run; overrides change its settings. Throws Error(usage), and what reading throws.
HardwareSubject open_hardware_subject(const app::Context& context);

/// Days of the recordings that the settings name: test days if there are any, else those for training.
std::vector<Day> subject_days(const Settings& settings);

/// The first segments of a day: [n, C, T] with their labels; `day` empty: the first. Throws Error(usage) with the
/// nearest name.
Chunks first_chunks(const std::vector<Day>& days, const std::string& day, std::int64_t count);

/// At most `count` windows of the days as integers, in order of segments and channels.
hw::Vectors recorded_windows(const std::vector<Day>& days, const QuantKeys& keys, std::size_t count);

}  // namespace thimble::fenet
