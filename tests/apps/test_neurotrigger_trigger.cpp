// What the trigger asks: efficiency against rejection, feed-down, events. Golden numbers: section 3.6 of the
// application's specification, computed on the recorded test file by another program.

#include "core/base/error.h"

#include "apps/neurotrigger/metrics.h"
#include "apps/neurotrigger/track_file.h"
#include "apps/neurotrigger/trigger_view.h"

#include <doctest/doctest.h>

#include "tests/support/error_of.h"
#include "tests/support/shared_data.h"

using namespace thimble;
using namespace thimble::neurotrigger;

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
