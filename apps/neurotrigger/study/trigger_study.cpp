#include "apps/neurotrigger/study/trigger_study.h"

#include "core/linalg/stats.h"

#include "apps/neurotrigger/data/kinematics.h"
#include "apps/neurotrigger/data/scaling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <tuple>

namespace thimble::neurotrigger {
namespace {

constexpr std::array<double, 7> kPtEdges{0.3, 0.4, 0.5, 0.7, 1.0, 2.0, std::numeric_limits<double>::infinity()};
constexpr std::array<double, 6> kThetaEdges{10, 35, 60, 90, 120, 170};
/// The 2D finder's cells fall on bin edges (0.3 GeV); inputs are rounded to six digits.
constexpr double kEdgeSlack = 1e-4;

double momentum_of(double pt, double theta_deg) {
  return pt / std::sin(theta_deg * std::numbers::pi / 180.0);
}

/// Of ascending values.
Share share_of(const std::vector<double>& sizes, double cut) {
  return {std::lower_bound(sizes.begin(), sizes.end(), cut) - sizes.begin(), static_cast<std::int64_t>(sizes.size())};
}

/// |z| of the network for near and far tracks of a group, ascending.
struct Sizes {
  std::vector<double> near, far;
};

Sizes sizes_of(const TrackGroup& group, const std::vector<TriggerTrack>& tracks, const TriggerRegions& regions) {
  Sizes out;
  for (const TriggerTrack& t : tracks) {
    if (!group.holds(t)) continue;
    if (std::abs(t.reco_z) < regions.near) out.near.push_back(std::abs(t.z));
    if (std::abs(t.reco_z) > regions.far) out.far.push_back(std::abs(t.z));
  }
  std::sort(out.near.begin(), out.near.end());
  std::sort(out.far.begin(), out.far.end());
  return out;
}

using EventKey = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

EventKey event_key(const Origin& o) {
  return {o.experiment, o.run, o.subrun, o.event};
}

std::string bin_name(const char* quantity, double low, double high, const char* unit) {
  const auto plain = [](double v) { return text::shortest(v); };
  if (std::isinf(high)) return text::cat(quantity, " above ", plain(low), " ", unit);
  return text::cat(quantity, " ", plain(low), " to ", plain(high), " ", unit);
}

}  // namespace

Maybe Share::value() const {
  return of == 0 ? Maybe() : Maybe(static_cast<double>(passed) / static_cast<double>(of));
}
double Share::low() const {
  return of == 0 ? 0.0 : linalg::wilson_interval(passed, of).low;
}
double Share::high() const {
  return of == 0 ? 1.0 : linalg::wilson_interval(passed, of).high;
}

std::vector<TriggerTrack> trigger_tracks(const Dataset& data, const Tensor& outputs) {
  const std::vector<double> reco = physical_column(data.targets), reco_theta = physical_column(data.targets, 1),
                            z = physical_column(outputs), pt = transverse_momenta(data);
  const std::vector<double> theta = outputs.size(1) > 1 ? physical_column(outputs, 1) : reco_theta;
  std::vector<TriggerTrack> tracks(z.size());
  for (std::size_t i = 0; i < tracks.size(); ++i)
    tracks[i] = {data.origins[i], data.experts[i], reco[i], z[i], reco_theta[i], pt[i], momentum_of(pt[i], theta[i])};
  return tracks;
}

std::vector<TriggerTrack> trigger_tracks(const RunResult& run, const Splits& splits, Split split, bool old) {
  const StudyRows rows = study_rows(run, split);
  const Dataset own = splits[split].select(rows.rows);
  std::vector<TriggerTrack> tracks = trigger_tracks(own, old ? own.old : rows.y_hat);
  for (std::size_t i = 0; i < tracks.size(); ++i) tracks[i].network = rows.networks[i];
  return tracks;
}

std::vector<TrackGroup> trigger_groups(const std::vector<TriggerTrack>& tracks) {
  std::vector<TrackGroup> groups{{"all tracks", [](const TriggerTrack&) { return true; }}};
  std::set<int> networks;
  for (const TriggerTrack& t : tracks) networks.insert(t.network);
  for (const int n : networks)
    if (n >= 0) groups.push_back({network_name(n), [n](const TriggerTrack& t) { return t.network == n; }});
  for (std::size_t b = 0; b + 1 < kPtEdges.size(); ++b) {
    const double low = kPtEdges[b] - kEdgeSlack, high = kPtEdges[b + 1] - kEdgeSlack;
    groups.push_back({bin_name("pT", kPtEdges[b], kPtEdges[b + 1], "GeV"),
                      [low, high](const TriggerTrack& t) { return t.pt >= low && t.pt < high; }});
  }
  groups.push_back({"straight (no pT)", [](const TriggerTrack& t) { return std::isinf(t.pt); }});
  for (std::size_t b = 0; b + 1 < kThetaEdges.size(); ++b) {
    const double low = kThetaEdges[b], high = kThetaEdges[b + 1];
    groups.push_back({bin_name("theta", low, high, "deg"),
                      [low, high](const TriggerTrack& t) { return t.reco_theta >= low && t.reco_theta < high; }});
  }
  return groups;
}

GroupView view_of(const TrackGroup& group, const std::vector<TriggerTrack>& tracks, const TriggerRegions& regions) {
  GroupView view;
  view.name = group.name;
  std::vector<double> reco, z;
  for (const TriggerTrack& t : tracks) {
    if (!group.holds(t)) continue;
    reco.push_back(t.reco_z);
    z.push_back(t.z);
  }
  view.tracks = static_cast<std::int64_t>(z.size());
  view.numbers = trigger_numbers(reco, z, regions);
  const Sizes sizes = sizes_of(group, tracks, regions);
  view.kept_near = share_of(sizes.near, regions.cut);
  view.kept_far = share_of(sizes.far, regions.cut);
  return view;
}

std::vector<CutShares> cut_shares(const TrackGroup& group, const std::vector<TriggerTrack>& tracks,
                                  const std::vector<double>& cuts, const TriggerRegions& regions) {
  const Sizes sizes = sizes_of(group, tracks, regions);
  std::vector<CutShares> out;
  for (const double cut : cuts) out.push_back({cut, share_of(sizes.near, cut), share_of(sizes.far, cut)});
  return out;
}

EventTable::EventTable(const std::vector<TriggerTrack>& tracks, const TriggerRegions& regions) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  std::map<EventKey, std::size_t> places;
  for (const TriggerTrack& t : tracks) {
    const auto [place, fresh] = places.emplace(event_key(t.origin), events_.size());
    if (fresh) events_.push_back({false, false, kNever, kNever, 0});
    Event& e = events_[place->second];
    e.near = e.near || std::abs(t.reco_z) < regions.near;
    e.not_far = e.not_far || std::abs(t.reco_z) <= regions.far;
    e.least = std::min(e.least, std::abs(t.z));
    if (t.momentum > kSingleTrackMomentum) e.least_fast = std::min(e.least_fast, std::abs(t.z));
    e.tracks = std::max(e.tracks, t.origin.tracks);
  }
}

void EventTable::count(EventShares::Decision& decision, const Event& event, bool accepted) {
  Share* share = event.near ? &decision.signal : event.not_far ? nullptr : &decision.background;
  if (share == nullptr) return;
  ++share->of;
  if (accepted) ++share->passed;
}

EventShares EventTable::shares(double cut) const {
  EventShares out;
  out.cut_cm = cut;
  for (const Event& e : events_) {
    const bool any = e.least < cut, two = any && e.tracks >= 2, single = e.least_fast < cut;
    count(out.any, e, any);
    count(out.two, e, two);
    count(out.single, e, single);
    count(out.either, e, two || single);
  }
  return out;
}

}  // namespace thimble::neurotrigger
