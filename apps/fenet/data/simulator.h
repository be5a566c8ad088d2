#pragma once
// Simulated broadband recordings of a centre-out task: neurons tuned to the direction of movement, field potentials,
// noise. Every number is a function of (seed, day, session, channel, segment), so sessions and channels are made in
// parallel, a few segments at a time, with the same bits for any number of threads.

#include "apps/fenet/data/data_keys.h"
#include "apps/fenet/data/session.h"

#include <memory>
#include <vector>

namespace thimble::fenet {

inline constexpr double kSimulatedRate = 30000.0;  // samples per second

/// All days; signals in microvolts, made when they are read. Labels are the velocities at the middle of the segments,
/// scaled to [-1, 1] per axis over the day.
std::vector<Day> simulate_days(const SimulateKeys& keys, std::int64_t seed);

}  // namespace thimble::fenet
