#pragma once
// How much a network suffers when the detector is not as it was in training: a super layer without hits, a wrong event
// time, sides that are not known, foreign hits. Works on recorded and simulated tracks alike; hit patterns stay.

#include "apps/neurotrigger/study/study.h"

#include <cstdint>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

struct Disturbance {
  enum class Kind { none, drop_layer, time_shift, unknown_side, noise };
  Kind kind = Kind::none;
  double amount = 0;  // super layer, shift in time bins, share of hits, share of hits
  std::string name() const;
};
/// None; each of the nine super layers off; event time late or early by 5, 10, 20 bins; side unknown for 25, 50, 100 %
/// of the hits; 5, 10, 20 % of the hits replaced by noise.
const std::vector<Disturbance>& disturbances();

/// Inputs [N, 27 or 126] after the disturbance and the network that the trigger then takes: by the stereo super layers
/// that still have a hit, -1 = none.
///   drop_layer    all inputs of the super layer become 0
///   time_shift    t of every hit with known side + amount, clamped to 0 .. 256 bins; the side stays
///   unknown_side  driftT = 0 for a random share of hits
///   noise         driftT of a random share of hits: time uniform in 0 .. 256 bins, random side
/// The same for any number of threads: draws belong to (seed, disturbance, row, super layer).
struct DisturbedTracks {
  Tensor inputs;
  std::vector<int> experts;
};
DisturbedTracks disturbed(const Dataset& data, const Disturbance& disturbance, std::uint64_t seed);

/// What it does to the tracks of one network (of the undisturbed choice).
struct RobustnessRow {
  std::string disturbance;
  int network = 0;
  std::int64_t tracks = 0;
  std::int64_t lost = 0;   // no network any more, or one that was not trained: no neural track
  std::int64_t moved = 0;  // to another network
  Maybe spread_cm;         // of the tracks that still have one; 5 % dropped at each end
  Maybe spread_before_cm;  // of the same tracks undisturbed
  Maybe mean_cm;           // of reco - network
  Maybe efficiency;        // share of |reco z| < 1 cm with |z| < 15 cm; lost tracks are not kept
  Maybe far_kept;          // share of |reco z| > 20 cm with |z| < 15 cm
};
/// Rows by disturbance, then network in the order of the run; behind them all networks together as network kTogether.
inline constexpr int kTogether = -2;
std::vector<RobustnessRow> robustness_rows(const RunResult& run, const Dataset& data, std::uint64_t seed);

/// Tables, figures and files, on the first 20,000 tracks.
Study robustness_study(const RunSettings& settings, const RunResult& run, const Splits& splits, Split split);

}  // namespace thimble::neurotrigger
