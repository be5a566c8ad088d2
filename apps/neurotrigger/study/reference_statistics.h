#pragma once
// What the training tracks and the networks' answers to them looked like, small enough to stay with the run: the
// reference of the drift monitor, which then needs no training data.

#include "apps/neurotrigger/train/experts.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Counts of values in 513 bins around the multiples of 1/256 from -1 to 1 (drift times lie on them exactly); what lies
/// outside counts in the outermost bins.
struct Profile {
  static constexpr std::size_t kBins = 513;
  std::vector<std::int64_t> counts = std::vector<std::int64_t>(kBins, 0);
  std::int64_t total = 0;
  double sum_size = 0;  // of |value|: the mean drift time
  void add(double value);
  /// Mean of |value|; missing without values.
  Maybe mean_size() const;
};

struct ReferenceStatistics {
  std::int64_t tracks = 0;
  std::int64_t events = 0;                     // by experiment, run, subrun and number
  std::vector<Profile> inputs;                 // 27; only tracks with a hit in the super layer
  std::array<Profile, 2> outputs;              // z, theta; only tracks with a network
  std::array<std::int64_t, 9> hits{};          // tracks with a hit, by super layer
  std::array<std::int64_t, 9> unknown_side{};  // of these, driftT = 0
  std::array<std::int64_t, 5> experts{};
};

/// Of tracks with 27 inputs, or 126 of which the hit patterns are left out. `rows` and `y_hat` [rows, 1 or 2]: the
/// outputs of the networks there are.
ReferenceStatistics statistics_of(const Dataset& data, const std::vector<std::int64_t>& rows, const Tensor& y_hat);
/// Of the training tracks of a run, whatever its filter.
ReferenceStatistics training_statistics(const Splits& splits, const RunResult& run);

/// File of that name in the run folder.
inline constexpr const char* kReferenceStatistics = "reference_statistics.json";
std::string statistics_json(const ReferenceStatistics& statistics);
/// Throws Error(io) when the file is missing, Error(data) naming what is wrong in it.
ReferenceStatistics read_statistics(const std::filesystem::path& file);

}  // namespace thimble::neurotrigger
