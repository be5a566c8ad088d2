#pragma once
// The trigger view in full: efficiency and rejection along the cut on |z| for every expert, momentum and angle, and the
// decision per event. Background = |reco z| > 20 cm, signal = |reco z| < 1 cm unless the regions say otherwise.

#include "apps/neurotrigger/look/trigger_view.h"
#include "apps/neurotrigger/study/study.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Momentum from which a single track may trigger, GeV (Belle II single track trigger).
inline constexpr double kSingleTrackMomentum = 0.7;

/// What the trigger and the reconstruction know of one track.
struct TriggerTrack {
  Origin origin;
  int network = 0;           // whose output z and theta are
  double reco_z = 0, z = 0;  // cm
  double reco_theta = 0;     // degrees
  double pt = 0;             // GeV, of the 2D track; infinity for straight ones
  double momentum = 0;       // pt / sin(theta), theta of the network, or reconstructed where the network has none
};

/// Tracks of a run's split; `old`: with the outputs of the old network.
std::vector<TriggerTrack> trigger_tracks(const RunResult& run, const Splits& splits, Split split, bool old = false);
/// One track per row of `data` with the given outputs [N, 1 or 2].
std::vector<TriggerTrack> trigger_tracks(const Dataset& data, const Tensor& outputs);

/// A share with its 68 % interval (Wilson).
struct Share {
  std::int64_t passed = 0, of = 0;
  Maybe value() const;
  double low() const, high() const;  // 0 and 1 without trials
};

/// Tracks that are looked at together.
struct TrackGroup {
  std::string name;  // "expert 3", "pT 0.3 to 0.4 GeV"
  std::function<bool(const TriggerTrack&)> holds;
};
/// All tracks; per network; per momentum: 0.3, 0.4, 0.5, 0.7, 1, 2 GeV and straight; per reconstructed polar angle: 35,
/// 60, 90, 120 degrees.
std::vector<TrackGroup> trigger_groups(const std::vector<TriggerTrack>& tracks);

/// One group seen by the trigger.
struct GroupView {
  std::string name;
  std::int64_t tracks = 0;
  TriggerNumbers numbers;
  Share kept_near, kept_far;  // by the cut of the regions
};
GroupView view_of(const TrackGroup& group, const std::vector<TriggerTrack>& tracks, const TriggerRegions& regions = {});

/// Shares kept along the cut.
struct CutShares {
  double cut_cm = 0;
  Share near, far;
};
std::vector<CutShares> cut_shares(const TrackGroup& group, const std::vector<TriggerTrack>& tracks,
                                  const std::vector<double>& cuts_cm, const TriggerRegions& regions = {});

/// Events, told apart by experiment, run, subrun and number. A signal event has a track with |reco z| < near, in a
/// background event all tracks have |reco z| > far; other events do not count.
struct EventShares {
  double cut_cm = 0;
  struct Decision {
    Share signal, background;
  };
  Decision any;     // some neural track has |z| < cut
  Decision two;     // ... and the event has at least two 2D tracks
  Decision single;  // some neural track has |z| < cut and momentum > kSingleTrackMomentum
  Decision either;  // two or single
};
/// The events of some tracks, ready for any cut.
class EventTable {
 public:
  explicit EventTable(const std::vector<TriggerTrack>& tracks, const TriggerRegions& regions = {});
  std::int64_t size() const { return static_cast<std::int64_t>(events_.size()); }
  EventShares shares(double cut_cm) const;

 private:
  struct Event {
    bool near = false, not_far = false;  // some track of that kind
    double least = 0, least_fast = 0;    // |z| of the network: of all tracks, of those that may trigger alone
    std::int64_t tracks = 0;             // 2D tracks
  };
  static void count(EventShares::Decision& decision, const Event& event, bool accepted);
  std::vector<Event> events_;
};

/// Tables, figures and files of all that.
Study trigger_study(const RunResult& run, const Splits& splits, Split split);

}  // namespace thimble::neurotrigger
