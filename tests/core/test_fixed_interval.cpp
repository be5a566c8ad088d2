#include "core/fixed/convert.h"
#include "core/fixed/interval.h"

#include <doctest/doctest.h>

#include <optional>

#include "tests/support/error_of.h"

using namespace thimble;
using namespace thimble::fixed;
using test::error_of;
using test::says;

namespace {

/// Hull of f over every integer of the interval.
template <class F>
Interval by_force(Interval a, F f) {
  std::optional<Interval> out;
  for (Wide x = a.lo; x <= a.hi; ++x) {
    const Wide y = f(static_cast<std::int64_t>(x));
    out = out ? hull(*out, {y, y}) : Interval{y, y};
  }
  return *out;
}

/// Every interval with ends in -12..12.
template <class Visit>
void each_interval(Visit visit) {
  for (int lo = -12; lo <= 12; ++lo)
    for (int hi = lo; hi <= 12; ++hi) visit(Interval{lo, hi});
}

}  // namespace

TEST_CASE("[HW-03] interval rules are sound and tight for every small interval") {
  int wrong = 0;
  each_interval([&](Interval a) {
    wrong += abs(a) != by_force(a, [](std::int64_t x) { return x < 0 ? -x : x; });
    wrong += relu(a) != by_force(a, [](std::int64_t x) { return x < 0 ? 0 : x; });
    wrong += -a != by_force(a, [](std::int64_t x) { return -x; });
    wrong += a * -3 != by_force(a, [](std::int64_t x) { return -3 * x; });
    for (const int sign : {-1, 1})
      for (int n = 0; n < 3; ++n)
        wrong += leaky_shift(a, n, sign) != by_force(a, [&](std::int64_t x) { return x < 0 ? sign * x : x << n; });
  });
  CHECK(wrong == 0);
}

TEST_CASE("[HW-03] the image of a conversion contains every result, and is tight where nothing wraps") {
  int outside = 0, loose = 0;
  for (int mode = 0; mode < 7; ++mode)
    for (int over = 0; over < 5; ++over)
      for (const bool s : {true, false})
        for (int f = -1; f <= 2; ++f)
          each_interval([&](Interval a) {
            const FxType to{3, s, f};
            const auto q = static_cast<Round>(mode);
            const auto o = static_cast<Overflow>(over);
            if (o == Overflow::wrap_mag && !s) return;
            const Interval image = converted(a, 1, to, q, o);
            const Interval exact = by_force(a, [&](std::int64_t x) { return convert(x, 1, to, q, o); });
            outside += !image.contains(exact);
            loose += (o == Overflow::sat || o == Overflow::sat_sym) && image != exact;
          });
  CHECK(outside == 0);
  CHECK(loose == 0);
}

TEST_CASE("the smallest type of an interval is unsigned when nothing is negative, and at most 62 bits") {
  CHECK(type_of({0, 0}, 3, "t") == FxType{1, false, 3});
  CHECK(type_of({0, 255}, 0, "t") == FxType{8, false, 0});
  CHECK(type_of({-128, 127}, 0, "t") == FxType{8, true, 0});
  CHECK(type_of({-129, 0}, 0, "t") == FxType{9, true, 0});
  CHECK(type_of({-1, -1}, 0, "t") == FxType{1, true, 0});
  const Wide big = Wide{1} << 61;
  CHECK(type_of({-big, big - 1}, 0, "t").w == 62);
  CHECK(says(error_of([&] { type_of({-big, big}, 0, "sum"); }), "sum: values reach"));
}

TEST_CASE("128-bit integers print in full") {
  CHECK(to_string(0) == "0");
  CHECK(to_string((Wide{1} << 100)) == "1267650600228229401496703205376");
  CHECK(to_string(-(Wide{1} << 64)) == "-18446744073709551616");
}
