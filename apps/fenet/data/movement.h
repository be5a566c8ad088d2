#pragma once
// The movement of the simulated task: from the centre to one of eight targets and back, with pauses.

#include "core/random/philox.h"

#include <cstdint>
#include <vector>

namespace thimble::fenet {

struct Vector2 {
  double x = 0, y = 0;
};
double length(Vector2 v);

/// Velocities of a session, in reaches per second.
struct Movement {
  std::vector<Vector2> centre;     // at the middle of the segments, [B]
  std::vector<double> edge_speed;  // at the beginning of the segments and the end of the last, [B + 1]
};

/// Reaches of minimum jerk that take 0.7 to 1.1 s, pauses of 6 to 13 segments, targets in random order in blocks of 8.
Movement simulate_movement(const Stream& stream, std::int64_t segments, double segment_seconds);

}  // namespace thimble::fenet
