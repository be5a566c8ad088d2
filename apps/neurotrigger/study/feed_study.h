#pragma once
// Feed-down and feed-up: a network that is not sure of a track puts it closer to where most tracks are, so far tracks
// end up inside the cut. Seen bucket by bucket of reconstructed z, the buckets of the weighted sampling (dist).

#include "apps/neurotrigger/study/study.h"

#include <cstdint>
#include <vector>

namespace thimble::neurotrigger {

/// Differences are reco - network, cm.
struct FeedBucket {
  double low_cm = 0, high_cm = 0;  // of reco z
  std::int64_t tracks = 0;
  Maybe mean_cm;                      // positive for z > 0: fed down
  Maybe trimmed_cm;                   // 5 % dropped at each end
  Maybe towards_10cm;                 // share that the network puts more than 10 cm closer to 0
  Maybe away_10cm;                    // ... further from 0
  Maybe beyond_20cm;                  // share with |difference| > 20 cm
  Maybe inside_cut;                   // share with |network z| < 15 cm
  std::vector<std::int64_t> network;  // tracks by bucket of network z: a row of the migration matrix
};

/// `buckets` equal buckets between -100 and 100 cm; network z beyond them counts in the outermost.
std::vector<FeedBucket> feed_buckets(const std::vector<double>& reco_cm, const std::vector<double>& network_cm,
                                     std::int64_t buckets);

/// Tables, figures and files; buckets as in dist.n_buckets of the settings, 11 without.
Study feed_study(const RunSettings& settings, const RunResult& run, const Splits& splits, Split split);

}  // namespace thimble::neurotrigger
