#pragma once
// What a trigger physicist asks of a network: how many tracks from the collision point survive when the cut |z| < d
// rejects a given share of the background, and which way the network pulls far tracks. All numbers are missing where
// there is no row to form them.

#include "apps/neurotrigger/look/compared.h"

#include <array>
#include <vector>

namespace thimble::neurotrigger {

/// Which tracks are signal, which background, and the cut of the present trigger. cm.
struct TriggerRegions {
  double near = 1.0;   // |reco z| below: from the collision point
  double far = 20.0;   // |reco z| above: background
  double feed = 15.0;  // reco z above (below minus this): where the mean error is feed-down (feed-up)
  double cut = 15.0;   // |network z| below: kept
};

/// The cut on |network z| that rejects at least `rejection` of the far tracks.
struct WorkingPoint {
  double rejection = 0;  // wanted
  Maybe cut_cm;          // the widest such cut: kept is |network z| < cut
  Maybe efficiency;      // share of near tracks that it keeps
};

/// Rejections of background at which networks are compared.
inline constexpr std::array<double, 3> kRejections{0.75, 0.80, 0.90};

struct TriggerNumbers {
  std::int64_t near_rows = 0, far_rows = 0;
  std::array<WorkingPoint, kRejections.size()> at{};  // in the order of kRejections
  Maybe efficiency;                                   // share of near tracks that the cut of the regions keeps
  Maybe far_kept;                                     // share of far tracks that it keeps, both sides
  Maybe far_kept_plus;  // share of tracks with reco z > far that it keeps: pulled into the cut
  Maybe resolution_cm;  // of near tracks: 5 % of the differences dropped at each end, divisor n
  Maybe feed_down_cm;   // mean of reco - network for reco z > feed: positive = pulled towards the collision point
  Maybe feed_up_cm;     // mean of reco - network for reco z < -feed: negative = pulled towards the collision point
};

/// z in cm, rows of both in the same order.
TriggerNumbers trigger_numbers(const std::vector<double>& reco_cm, const std::vector<double>& network_cm,
                               const TriggerRegions& regions = {});
/// Of the network of `compared`.
TriggerNumbers trigger_numbers(const Compared& compared, const TriggerRegions& regions = {});

/// Widest cut that keeps at most the share 1 - rejection of `far` (absolute values of network z of background
/// tracks, any order), and its efficiency on `near`. Throws Error(value) unless 0 < rejection <= 1.
WorkingPoint working_point(std::vector<double> far, const std::vector<double>& near, double rejection);

/// Share of values below the cut; missing for no values.
Maybe share_below(const std::vector<double>& values, double cut);

}  // namespace thimble::neurotrigger
