#pragma once
// Settings of recordings: the simulator and what is done to the signal before the network sees it.

#include "apps/common/config/schema.h"

#include <cstdint>
#include <vector>

namespace thimble::fenet {

/// Simulated recordings (used when no files are named).
struct SimulateKeys {
  std::int64_t days = 1, sessions = 4, segments = 500, channels = 12, samples = 900;
  double quality = 1.5;
  double unit_loss = 0.0;
  static void fields(auto& self, auto&& f) {
    f("days", self.days, "simulated days, recorded by the same electrodes", app::between(1, 1000));
    f("sessions", self.sessions, "sessions of a day", app::between(1, 1000));
    f("segments", self.segments, "segments of a session", app::between(2, 1000000));
    f("channels", self.channels, "electrodes", app::between(1, 4096));
    f("samples", self.samples, "samples of a segment at 30 kHz", app::between(64, 100000));
    f("quality", self.quality, "how many neurons are near the electrodes", app::between(0, 100));
    f("unit_loss", self.unit_loss, "share of the neurons that falls silent from one day to the next",
      app::between(0, 1));
  }
};

}  // namespace thimble::fenet
