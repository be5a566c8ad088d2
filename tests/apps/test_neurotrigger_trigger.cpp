// What the trigger asks: efficiency against rejection, feed-down, events. Golden numbers: section 3.6 of the
// application's specification, computed on the recorded test file by another program.

#include "core/base/error.h"
#include "core/linalg/stats.h"

#include "apps/neurotrigger/data/kinematics.h"
#include "apps/neurotrigger/data/simulator.h"
#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/look/metrics.h"
#include "apps/neurotrigger/look/trigger_view.h"
#include "apps/neurotrigger/study/feed_study.h"
#include "apps/neurotrigger/study/trigger_study.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;

namespace {

/// The row of the group named so.
const GroupView& named(const std::vector<GroupView>& views, const std::string& name) {
  for (const GroupView& v : views)
    if (v.name == name) return v;
  FAIL("no group " << name);
  return views.front();
}

std::vector<GroupView> views_of(const std::vector<TriggerTrack>& tracks) {
  std::vector<GroupView> views;
  for (const TrackGroup& group : trigger_groups(tracks)) views.push_back(view_of(group, tracks));
  return views;
}

TriggerTrack track_at(std::int64_t event, std::int64_t tracks, double reco_z, double z, double momentum) {
  TriggerTrack t;
  t.origin.event = event;
  t.origin.tracks = tracks;
  t.reco_z = reco_z;
  t.z = z;
  t.momentum = momentum;
  return t;
}

struct RowOf36 {
  std::int64_t rows;
  double mse, mean, std, trimmed, theta_std, theta_trimmed;
};

/// One line of the table of section 3.6: numbers as printed there, half of the last digit as tolerance.
void check_row(const Dataset& data, const std::vector<std::int64_t>& ids, const RowOf36& expected) {
  const Dataset own = data.select(ids);
  const Merit m = merit_of({own.targets, own.old, own.old, true});
  const std::vector<double> z = differences(own.targets, own.old), theta = differences(own.targets, own.old, 1);
  const auto close = [](double value, double printed, double unit) {
    CHECK(std::abs(value - printed) <= 0.5 * unit + 1e-9);
  };
  CHECK(m.rows == expected.rows);
  close(*m.loss, expected.mse, 1e-6);
  close(*m.z_mean_cm, expected.mean, 0.01);
  close(linalg::standard_deviation(z, linalg::Divisor::n), expected.std, 0.01);
  close(*m.z_trimmed_cm, expected.trimmed, 0.01);
  close(linalg::standard_deviation(theta, linalg::Divisor::n), expected.theta_std, 0.01);
  close(*m.theta_trimmed_deg, expected.theta_trimmed, 0.01);
}

}  // namespace

TEST_CASE("A working point is the widest cut that rejects the wanted share [NT N08]") {
  const std::vector<double> far{40, 10, 30, 20}, near{1, 2, 10, 25};
  const WorkingPoint three_of_four = working_point(far, near, 0.75);
  CHECK(*three_of_four.cut_cm == 20.0);  // keeps 10 alone: one of four
  CHECK(*three_of_four.efficiency == 0.75);
  const WorkingPoint all = working_point(far, near, 1.0);
  CHECK(*all.cut_cm == 10.0);
  CHECK(*all.efficiency == 0.5);
  CHECK(*working_point(far, near, 0.5).cut_cm == 30.0);
  CHECK(*working_point(far, near, 0.6).cut_cm == 20.0);  // 0.5 would not be enough
  CHECK_FALSE(working_point({}, near, 0.8).cut_cm);
  CHECK_FALSE(working_point(far, {}, 0.8).efficiency);
  CHECK(test::says(test::error_of([&] { working_point(far, near, 0.0); }), "more than 0"));
}

TEST_CASE("Trigger numbers of six tracks are those worked out by hand [NT N08]") {
  //                                 signal        | +far far pulled | -far     | between
  const std::vector<double> reco{0.5, -0.5, 0.9, 30, 50, -40, 10};
  const std::vector<double> network{1.5, -20, 0.9, 10, 50, -30, 40};
  const TriggerNumbers t = trigger_numbers(reco, network);
  CHECK(t.near_rows == 3);
  CHECK(t.far_rows == 3);
  CHECK(*t.efficiency == doctest::Approx(2.0 / 3));
  CHECK(*t.far_kept == doctest::Approx(1.0 / 3));
  CHECK(*t.far_kept_plus == 0.5);
  CHECK(*t.feed_down_cm == 10.0);  // (20 + 0) / 2
  CHECK(*t.feed_up_cm == -10.0);
  CHECK(*t.at[0].cut_cm == 10.0);  // rejects all three: two of three would be less than 75 %
  const TriggerNumbers none = trigger_numbers(Compared{});
  CHECK(none.near_rows == 0);
  CHECK_FALSE(none.efficiency);
  CHECK_FALSE(none.feed_down_cm);
  CHECK_FALSE(none.resolution_cm);
}

TEST_CASE("The old network keeps 87.1 % of collision tracks with a cut of 15 cm and is fed down by 15 cm [NT N08]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  const Compared old{data.targets, data.old, data.old, true};
  const TriggerNumbers t = trigger_numbers(old);
  CHECK(t.near_rows == 2197);
  CHECK(*t.resolution_cm == doctest::Approx(6.90).epsilon(1e-3));
  CHECK(*t.feed_down_cm == doctest::Approx(15.05).epsilon(1e-3));
  CHECK(*t.efficiency == doctest::Approx(0.871).epsilon(6e-4));
  CHECK(*t.far_kept == doctest::Approx(0.220).epsilon(2e-3));
  TriggerRegions wider;
  wider.cut = 20;
  const TriggerNumbers at_20 = trigger_numbers(old, wider);
  CHECK(*at_20.efficiency == doctest::Approx(0.924).epsilon(6e-4));
  CHECK(*at_20.far_kept == doctest::Approx(0.298).epsilon(2e-3));
  // the cut of a working point rejects what it promises, and the next wider one would not
  for (const WorkingPoint& point : t.at) {
    TriggerRegions there;
    there.cut = *point.cut_cm;
    const TriggerNumbers again = trigger_numbers(old, there);
    CHECK(1.0 - *again.far_kept >= point.rejection);
    CHECK(*again.efficiency == *point.efficiency);
    CHECK(1.0 - *again.far_kept < point.rejection + 0.01);
  }
}

TEST_CASE("Every line of the old network's table is reproduced on the recorded tracks [NT N08]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  check_row(data, data.rows_of(-1), {4998, 0.033802, 3.54, 18.66, 11.31, 13.96, 8.80});
  check_row(data, data.rows_of(0), {3362, 0.025557, 3.08, 16.12, 9.77, 12.27, 7.50});
  check_row(data, data.rows_of(1), {481, 0.050375, 2.79, 20.67, 13.48, 18.61, 13.06});
  check_row(data, data.rows_of(2), {193, 0.035976, 4.42, 16.94, 12.49, 15.95, 10.75});
  check_row(data, data.rows_of(3), {638, 0.038674, 3.95, 21.23, 12.27, 13.79, 8.49});
  check_row(data, data.rows_of(4), {324, 0.083869, 8.08, 30.96, 22.63, 19.73, 15.11});
  std::vector<std::int64_t> near, plus;
  const std::vector<double> reco = physical_column(data.targets);
  for (std::int64_t i = 0; i < data.rows(); ++i) {
    if (std::abs(reco[static_cast<std::size_t>(i)]) < 1) near.push_back(i);
    if (reco[static_cast<std::size_t>(i)] > 15) plus.push_back(i);
  }
  check_row(data, near, {2197, 0.014888, -2.06, 10.96, 6.90, 10.42, 5.84});
  check_row(data, plus, {1821, 0.059124, 15.05, 20.88, 15.29, 14.93, 10.74});
}

TEST_CASE("Resolution by transverse momentum is that of the specification [NT N08]") {
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  const std::vector<TriggerTrack> tracks = trigger_tracks(data, data.old);
  const std::vector<GroupView> views = views_of(tracks);
  const std::map<std::string, double> expected{{"pT 0.3 to 0.4 GeV", 9.9}, {"pT 0.4 to 0.5 GeV", 10.7},
                                               {"pT 0.5 to 0.7 GeV", 7.6}, {"pT 0.7 to 1 GeV", 8.6},
                                               {"pT 1 to 2 GeV", 6.4},     {"pT above 2 GeV", 4.9}};
  std::int64_t near = 0;
  for (const auto& bin : expected) {
    CAPTURE(bin.first);
    const GroupView& v = named(views, bin.first);
    CHECK(std::abs(*v.numbers.resolution_cm - bin.second) <= 0.05 + 1e-9);
    near += v.numbers.near_rows;
  }
  // every track lies in one momentum bin, in one angle bin, with one network
  CHECK(near + named(views, "straight (no pT)").numbers.near_rows == named(views, "all tracks").numbers.near_rows);
  std::int64_t by_angle = 0, by_network = 0;
  for (const GroupView& v : views) {
    if (v.name.starts_with("theta")) by_angle += v.tracks;
    if (v.name.starts_with("expert")) by_network += v.tracks;
  }
  CHECK(by_angle == 4998);
  CHECK(by_network == 4998);
  CHECK(named(views, "all tracks").kept_near.passed == 1913);  // 87.1 % of 2197
  CHECK(EventTable(tracks).size() == 1582);                    // README of the file: distinct (run, event) pairs
}

TEST_CASE("Curvature comes out of the crossing angles for either priority layer [NT N08]") {
  std::vector<float> inputs(kInputs, 0.0f);
  constexpr double kOmega = 0.0044;
  for (std::size_t s = 0; s < kSuperLayers; ++s) {
    if (s == 3) continue;  // no hit there
    const double radius = s % 2 == 0 ? kChamber[s].radius : kChamber[s].radius2;
    inputs[3 * s] = 0.5f;
    inputs[3 * s + 2] = static_cast<float>(-std::asin(radius * kOmega / 2) / 2);
  }
  CHECK(curvature_of(inputs.data()) == doctest::Approx(-kOmega).epsilon(1e-6));
  CHECK(transverse_momentum(-kOmega) == doctest::Approx(0.299792458e-2 * 1.5 / kOmega));
  CHECK(layers_hit(inputs.data()) == 0b111110111u);
  CHECK(expert_of_stereo(layers_hit(inputs.data())) == 3);
  CHECK(expert_of_stereo(0b111110101u & ~(1u << 1)) == -1);
  CHECK(expert_of_stereo(0b010101010u) == 0);  // axial hits do not matter to the choice
  CHECK(std::isinf(transverse_momentum(0.0)));
  // simulated tracks, finder without cells: the curvature that the finder was given
  SimulationOptions options = simulation_preset("clean");
  for (std::int64_t i = 0; i < 50; ++i) {
    const SimulatedTrack track = simulate(options, 7, "kinematics", i);
    if (track.expert < 0) continue;
    std::vector<float> row(track.inputs.begin(), track.inputs.end());
    CHECK(curvature_of(row.data()) == doctest::Approx(track.finder.omega).epsilon(1e-5));
  }
}

TEST_CASE("Event decisions of five events are those worked out by hand [NT N08]") {
  const std::vector<TriggerTrack> tracks{
      track_at(1, 2, 0.2, 3, 0.5),  track_at(1, 2, 60, 50, 2.0),  // signal: taken by two tracks, not by a single one
      track_at(2, 1, 0.1, -4, 0.9),                               // signal: one fast track
      track_at(3, 3, 0.5, 40, 5.0),                               // signal, missed by every decision
      track_at(4, 2, 30, 10, 0.6),  track_at(4, 2, -50, 90, 3),   // background that two tracks take
      track_at(5, 1, 10, 1, 9.0),                                 // neither signal nor background
  };
  const EventTable table(tracks);
  const EventShares e = table.shares(15);
  CHECK(e.any.signal.passed == 2);
  CHECK(e.any.signal.of == 3);
  CHECK(e.any.background.passed == 1);
  CHECK(e.any.background.of == 1);
  CHECK(e.two.signal.passed == 1);
  CHECK(e.two.background.passed == 1);
  CHECK(e.single.signal.passed == 1);
  CHECK(e.single.background.passed == 0);
  CHECK(e.either.signal.passed == 2);
  CHECK(table.shares(3).any.signal.passed == 0);  // kept is strictly below the cut
  CHECK(table.size() == 5);
  CHECK(e.any.signal.low() < 2.0 / 3);
  CHECK(e.any.signal.high() > 2.0 / 3);
  CHECK_FALSE(EventTable({}).shares(15).any.signal.value());
}

TEST_CASE("Feed-down buckets count every track once and show which way it moved [NT N09]") {
  //                              bucket 10 |   bucket 5 (-9.1 to 9.1)  | bucket 0
  const std::vector<double> reco{95, 100, 0, 5, -5, -100}, network{60, 90, 0, -20, -8, -130};
  const std::vector<FeedBucket> buckets = feed_buckets(reco, network, 11);
  REQUIRE(buckets.size() == 11);
  CHECK(buckets[10].tracks == 2);
  CHECK(*buckets[10].mean_cm == doctest::Approx(22.5));
  CHECK(*buckets[10].towards_10cm == 0.5);  // 35 cm and 10 cm: more than 10 is asked
  CHECK(*buckets[10].beyond_20cm == 0.5);
  CHECK(*buckets[10].inside_cut == 0.0);
  CHECK(buckets[10].network[8] == 1);
  CHECK(buckets[10].network[10] == 1);
  CHECK(buckets[5].tracks == 3);
  CHECK(*buckets[5].towards_10cm == doctest::Approx(1.0 / 3));  // 5 -> -20 counts along the sign of reco z
  CHECK(*buckets[5].inside_cut == doctest::Approx(2.0 / 3));
  CHECK(*buckets[0].away_10cm == 1.0);
  CHECK(buckets[0].network[0] == 1);  // beyond the range: the outermost bucket
  CHECK_FALSE(buckets[3].mean_cm);
}

TEST_CASE("Buckets of the recorded tracks hold what the specification counts, and their means add up [NT N09]") {
  // Golden counts: section 9.3.
  THIMBLE_SHARED(folder, "data/neurotrigger");
  const Dataset data = read_tracks(folder / "test_data.csv.gz");
  const std::vector<double> reco = physical_column(data.targets), old = physical_column(data.old);
  const std::vector<FeedBucket> buckets = feed_buckets(reco, old, 11);
  const std::vector<std::int64_t> counts{1, 8, 37, 44, 327, 2668, 459, 279, 895, 208, 72};
  double sum = 0;
  for (std::size_t b = 0; b < 11; ++b) {
    CHECK(buckets[b].tracks == counts[b]);
    std::int64_t moved = 0;
    for (const std::int64_t n : buckets[b].network) moved += n;
    CHECK(moved == counts[b]);
    sum += *buckets[b].mean_cm * static_cast<double>(counts[b]);
  }
  CHECK(sum / 4998 == doctest::Approx(3.54).epsilon(2e-3));  // section 3.6: mean over all rows
  CHECK(*buckets[10].mean_cm > *buckets[8].mean_cm);         // the further away, the more is fed down
}
