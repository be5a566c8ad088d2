// What trigger_study shows: sentences, tables, figures, files.

#include "core/io/json.h"
#include "core/report/table.h"

#include "apps/neurotrigger/look/figure_parts.h"
#include "apps/neurotrigger/study/trigger_study.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

using TriggerJson = nlohmann::ordered_json;

constexpr std::array<double, 4> kEventCuts{10, 15, 20, 30};
constexpr std::size_t kQuotedRejection = 1;  // 80 %: what a resolution of 1 to 2 cm should reject

std::string percent(Maybe share) {
  return share ? text::cat(text::fixed(100 * *share, 1), " %") : "no";
}

std::string with_interval(const Share& s) {
  if (s.of == 0) return "-";
  return text::cat(text::fixed(100 * *s.value(), 1), " (", text::fixed(100 * s.low(), 1), " to ",
                   text::fixed(100 * s.high(), 1), ")");
}

std::vector<double> all_cuts() {
  std::vector<double> cuts;
  for (int cut = 0; cut <= 100; ++cut) cuts.push_back(cut);
  return cuts;
}

std::vector<std::string> trigger_text(const GroupView& all, const GroupView* old) {
  const auto sentence = [](const std::string& name, const GroupView& v) {
    const WorkingPoint& p = v.numbers.at[kQuotedRejection];
    std::string out = text::cat("The cut |z| < 15 cm of ", name, " keeps ", percent(v.kept_near.value()),
                                " of the tracks from the collision point (|reco z| < 1 cm) and ",
                                percent(v.kept_far.value()), " of the background (|reco z| > 20 cm).");
    if (p.cut_cm && p.efficiency)
      out += text::cat(" To reject 80 % of the background the cut has to be at ", text::fixed(*p.cut_cm, 1),
                       " cm; it then keeps ", percent(p.efficiency), " of the collision tracks.");
    return out;
  };
  std::vector<std::string> out{sentence("this training", all)};
  if (old != nullptr) out.push_back(sentence("the old network", *old));
  out.emplace_back(
      "Efficiency is what physics loses, rejection is what the trigger rate gains: of two networks with the same "
      "rejection the one with the higher efficiency is better. Low momentum and steep angles are hardest, because the "
      "tracks curl or leave the chamber early. Intervals are 68 % (Wilson); tracks of one event are not independent, "
      "so "
      "real intervals are somewhat wider.");
  return out;
}

report::Column right(const char* name, const char* unit, bool reference = false) {
  return {name, unit, false, reference};
}

report::Table group_table(const std::vector<GroupView>& views, const std::vector<GroupView>& old) {
  report::Table table;
  table.title = "Tracks by network, transverse momentum and polar angle";
  table.note =
      "near: |reco z| < 1 cm, far: |reco z| > 20 cm; resolution: of near tracks, 5 % dropped at each end; pT from the "
      "crossing angles of the 2D track, straight = its curvature is 0";
  table.columns = {{"tracks of", "", true, false},
                   right("near", ""),
                   right("far", ""),
                   right("resolution", "cm"),
                   right("|z| < 15 cm keeps of near", "%"),
                   right("of far", "%"),
                   right("cut rejecting 80 %", "cm"),
                   right("keeps", "%")};
  if (!old.empty()) table.columns.push_back(right("old keeps", "%", true));
  for (std::size_t i = 0; i < views.size(); ++i) {
    const GroupView& v = views[i];
    const WorkingPoint& p = v.numbers.at[kQuotedRejection];
    table.rows.push_back({v.name, report::number(static_cast<double>(v.numbers.near_rows), 0),
                          report::number(static_cast<double>(v.numbers.far_rows), 0),
                          maybe_cell(v.numbers.resolution_cm, 2), with_interval(v.kept_near), with_interval(v.kept_far),
                          maybe_cell(p.cut_cm, 1), maybe_cell(p.efficiency, 1, 100)});
    if (!old.empty()) table.rows.back().push_back(maybe_cell(old[i].numbers.at[kQuotedRejection].efficiency, 1, 100));
  }
  return table;
}

report::Table event_table(const std::vector<EventShares>& events) {
  report::Table table;
  table.title = "Events that the trigger takes";
  table.note =
      "signal: an event with a track from the collision point; background: an event whose tracks all come from beyond "
      "20 cm; two: a neural track inside the cut and at least two 2D tracks; single: a neural track inside the cut "
      "with "
      "p = pT / sin(theta) above 0.7 GeV; trigger: two or single. Simulated events have one track, so two is 0 there";
  table.columns = {right("cut", "cm"),        right("any track: signal", "%"), right("background", "%"),
                   right("two: signal", "%"), right("background", "%"),        right("single: signal", "%"),
                   right("background", "%"),  right("trigger: signal", "%"),   right("background", "%")};
  for (const EventShares& e : events) {
    std::vector<report::Cell> row{report::number(e.cut_cm, 0)};
    for (const EventShares::Decision* d : {&e.any, &e.two, &e.single, &e.either}) {
      row.push_back(maybe_cell(d->signal.value(), 1, 100));
      row.push_back(maybe_cell(d->background.value(), 1, 100));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

report::Figure roc_figure(const std::vector<TrackGroup>& groups, const std::vector<TriggerTrack>& tracks,
                          const std::vector<TriggerTrack>& old) {
  report::Figure f = plain_figure(
      "trigger-roc", "Efficiency against background rejection",
      "Along the cut on |z|, which opens from right to left. Up and to the right is better; the line of an expert "
      "that lies low needs a wider cut of its own.",
      figure_axis("rejected of |reco z| > 20 cm", "", 0, 1), figure_axis("kept of |reco z| < 1 cm", "", 0, 1));
  const auto add = [&](const std::string& name, const TrackGroup& group, const std::vector<TriggerTrack>& from) {
    report::Series s = line_series(name, {}, {});
    for (const CutShares& c : cut_shares(group, from, all_cuts()))
      if (c.near.of > 0 && c.far.of > 0) {
        s.x.insert(s.x.begin(), 1.0 - *c.far.value());
        s.y.insert(s.y.begin(), *c.near.value());
      }
    if (!s.x.empty()) f.series.push_back(std::move(s));
  };
  for (const TrackGroup& group : groups)
    if (group.name == "all tracks" || group.name.starts_with("expert")) add(group.name, group, tracks);
  if (!old.empty()) add("old network", groups.front(), old);
  return f;
}

report::Figure momentum_figure(const std::vector<GroupView>& views, const std::vector<GroupView>& old) {
  report::Figure f = plain_figure(
      "trigger-pt", "Efficiency of |z| < 15 cm along transverse momentum",
      "Share of collision tracks (|reco z| < 1 cm) that the cut keeps, with 68 % intervals; bins of pT at 0.3, 0.4, "
      "0.5, 0.7, 1, 2 GeV, the last point: above 2 GeV.",
      figure_axis("transverse momentum", "GeV"), figure_axis("kept of |reco z| < 1 cm"));
  const auto add = [&](const char* name, const std::vector<GroupView>& from, double shift) {
    report::Series s;
    s.mark = report::Mark::error_bars;
    s.name = name;
    constexpr std::array<double, 6> middle{0.35, 0.45, 0.6, 0.85, 1.5, 3.0};
    std::size_t bin = 0;
    for (const GroupView& v : from) {
      if (!v.name.starts_with("pT")) continue;
      const double at = middle[bin++] * (1 + shift);
      if (v.kept_near.of == 0) continue;
      s.x.push_back(at);
      s.y.push_back(*v.kept_near.value());
      s.low.push_back(v.kept_near.low());
      s.high.push_back(v.kept_near.high());
    }
    if (!s.x.empty()) f.series.push_back(std::move(s));
  };
  add("network", views, 0);
  if (!old.empty()) add("old network", old, 0.02);
  f.x.log = true;
  f.y.high = 1.0;
  return f;
}

report::Figure event_figure(const EventTable& table) {
  report::Figure f = plain_figure(
      "trigger-events", "Events taken along the cut",
      "Solid: events with a track from the collision point; points: events whose tracks all come from beyond 20 cm. "
      "The distance between the two is what the trigger can use.",
      figure_axis("cut on |z|", "cm"), figure_axis("share of events taken", "", 0, 1));
  struct Curve {
    const char* name;
    EventShares::Decision EventShares::*decision;
  };
  int style = 0;
  std::vector<EventShares> shares;
  for (double cut = 2; cut <= 60; cut += 2) shares.push_back(table.shares(cut));
  for (const Curve& curve : {Curve{"any track", &EventShares::any}, Curve{"two or single", &EventShares::either}}) {
    report::Series signal = line_series(text::cat(curve.name, ", signal"), {}, {});
    report::Series background = line_series(text::cat(curve.name, ", background"), {}, {});
    background.mark = report::Mark::points;
    signal.style = background.style = style++;
    for (const EventShares& s : shares) {
      const EventShares::Decision& d = s.*curve.decision;
      if (d.signal.of > 0) signal.x.push_back(s.cut_cm), signal.y.push_back(*d.signal.value());
      if (d.background.of > 0) background.x.push_back(s.cut_cm), background.y.push_back(*d.background.value());
    }
    if (!signal.x.empty()) f.series.push_back(std::move(signal));
    if (!background.x.empty()) f.series.push_back(std::move(background));
  }
  return f;
}

TriggerJson json_of(Maybe value) {
  return value ? TriggerJson(*value) : TriggerJson(nullptr);
}

TriggerJson json_of(const Share& s) {
  return {{"passed", s.passed}, {"of", s.of}, {"share", json_of(s.value())}, {"low", s.low()}, {"high", s.high()}};
}

TriggerJson json_of(const GroupView& v) {
  TriggerJson out = {{"name", v.name},
                     {"tracks", v.tracks},
                     {"resolution_cm", json_of(v.numbers.resolution_cm)},
                     {"feed_down_cm", json_of(v.numbers.feed_down_cm)},
                     {"feed_up_cm", json_of(v.numbers.feed_up_cm)},
                     {"near_kept_15cm", json_of(v.kept_near)},
                     {"far_kept_15cm", json_of(v.kept_far)}};
  for (const WorkingPoint& p : v.numbers.at)
    out[text::cat("rejecting_", text::fixed(100 * p.rejection, 0))] = {{"cut_cm", json_of(p.cut_cm)},
                                                                       {"efficiency", json_of(p.efficiency)}};
  return out;
}

TriggerJson json_of(const EventShares& e) {
  TriggerJson out = {{"cut_cm", e.cut_cm}};
  const auto add = [&out](const char* name, const EventShares::Decision& d) {
    out[name] = {{"signal", json_of(d.signal)}, {"background", json_of(d.background)}};
  };
  add("any", e.any);
  add("two", e.two);
  add("single", e.single);
  add("either", e.either);
  return out;
}

std::string cut_csv(const std::vector<TrackGroup>& groups, const std::vector<TriggerTrack>& tracks) {
  std::string out = "tracks_of,cut_cm,near,near_kept,near_low,near_high,far,far_kept,far_low,far_high\n";
  for (const TrackGroup& group : groups)
    for (const CutShares& c : cut_shares(group, tracks, all_cuts()))
      if (c.near.of + c.far.of > 0)
        out += text::cat(group.name, ',', text::shortest(c.cut_cm), ',', c.near.of, ',', c.near.passed, ',',
                         text::fixed(c.near.low(), 6), ',', text::fixed(c.near.high(), 6), ',', c.far.of, ',',
                         c.far.passed, ',', text::fixed(c.far.low(), 6), ',', text::fixed(c.far.high(), 6), '\n');
  return out;
}

}  // namespace

Study trigger_study(const RunResult& run, const Splits& splits, Split split) {
  Study study;
  const std::vector<TriggerTrack> tracks = trigger_tracks(run, splits, split);
  if (tracks.empty()) return study;
  const std::vector<TriggerTrack> old_tracks =
      splits[split].has_old ? trigger_tracks(run, splits, split, true) : std::vector<TriggerTrack>();
  const std::vector<TrackGroup> groups = trigger_groups(tracks);
  std::vector<GroupView> views, old_views;
  for (const TrackGroup& group : groups) {
    views.push_back(view_of(group, tracks));
    if (!old_tracks.empty()) old_views.push_back(view_of(group, old_tracks));
  }
  const EventTable table(tracks);
  std::vector<EventShares> events;
  for (const double cut : kEventCuts) events.push_back(table.shares(cut));
  study.section.heading = text::cat("Trigger view, ", name_of(split), " tracks");
  study.section.text = trigger_text(views.front(), old_views.empty() ? nullptr : &old_views.front());
  study.section.tables = {group_table(views, old_views), event_table(events)};
  study.section.figures = {roc_figure(groups, tracks, old_tracks), momentum_figure(views, old_views),
                           event_figure(table)};
  std::erase_if(study.section.figures, [](const report::Figure& f) { return f.series.empty(); });
  TriggerJson json = {{"split", name_of(split)}, {"tracks", tracks.size()}, {"events", table.size()}};
  for (const GroupView& v : views) json["groups"].push_back(json_of(v));
  for (const GroupView& v : old_views) json["old_groups"].push_back(json_of(v));
  for (const EventShares& e : events) json["event_cuts"].push_back(json_of(e));
  study.files = {{"trigger.json", io::json_text(json, 2) + "\n"},
                 {"trigger_groups.csv", report::csv(study.section.tables[0])},
                 {"trigger_cuts.csv", cut_csv(groups, tracks)},
                 {"trigger_events.csv", report::csv(study.section.tables[1])}};
  return study;
}

}  // namespace thimble::neurotrigger
