#include "core/linalg/pareto.h"
#include "core/random/philox.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/error_of.h"

using namespace thimble;
using linalg::Objectives;

namespace {

/// Whole numbers 0..levels-1 in every objective, so that ties and equal points occur.
std::vector<Objectives> some_points(const Stream& stream, std::uint64_t set, std::size_t count, std::size_t objectives,
                                    std::uint64_t levels) {
  std::vector<Objectives> points(count, Objectives(objectives));
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < objectives; ++k)
      points[i][k] = static_cast<double>(stream.below(levels, set, i * objectives + k));
  return points;
}

bool worse(const Objectives& point, const Objectives& other) {
  bool nowhere_better = true, differs = false;
  for (std::size_t k = 0; k < point.size(); ++k) {
    nowhere_better = nowhere_better && other[k] <= point[k];
    differs = differs || other[k] != point[k];
  }
  return nowhere_better && differs;
}

/// The definition, word for word.
std::vector<std::size_t> front_by_definition(const std::vector<Objectives>& points) {
  std::vector<std::size_t> front;
  for (std::size_t i = 0; i < points.size(); ++i) {
    bool keep = true;
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (worse(points[i], points[k])) keep = false;
      if (k < i && points[k] == points[i]) keep = false;
    }
    if (keep) front.push_back(i);
  }
  return front;
}

/// Unit cells of the box below the reference that some point dominates, counted one by one.
double cells_dominated(const std::vector<Objectives>& points, const std::vector<int>& box) {
  int count = 0;
  const int depth = box.size() > 2 ? box[2] : 1;
  for (int x = 0; x < box[0]; ++x)
    for (int y = 0; y < box[1]; ++y)
      for (int z = 0; z < depth; ++z) {
        bool covered = false;
        for (const Objectives& p : points)
          covered = covered || (p[0] <= x && p[1] <= y && (box.size() < 3 || p[2] <= z));
        count += covered ? 1 : 0;
      }
  return count;
}

}  // namespace

TEST_CASE("The Pareto front is the set of points no other dominates, by brute force on random whole numbers [D38]") {
  constexpr std::uint64_t kFrontSeed = 7;
  MESSAGE("seed ", kFrontSeed);
  const Stream stream = Rng(kFrontSeed).stream("pareto");
  for (std::uint64_t set = 0; set < 60; ++set) {
    const std::size_t objectives = 1 + set % 4;
    const auto points = some_points(stream, set, 40, objectives, 3 + set % 9);
    CHECK(linalg::pareto_front(points) == front_by_definition(points));
  }
}

TEST_CASE("Of equal points the first survives, and a point with a NaN is never on the front [D38]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Objectives> points{{2, 1}, {nan, 0}, {1, 2}, {2, 1}, {1, 2}, {3, 3}};
  CHECK(linalg::pareto_front(points) == std::vector<std::size_t>{0, 2});
  CHECK(linalg::pareto_front({}).empty());
  CHECK(linalg::pareto_front({{nan}}).empty());
}

TEST_CASE(
    "The hypervolume equals the number of unit cells dominated below the reference, in two and three objectives "
    "[D38]") {
  constexpr std::uint64_t kVolumeSeed = 11;
  MESSAGE("seed ", kVolumeSeed);
  const Stream stream = Rng(kVolumeSeed).stream("hypervolume");
  for (std::uint64_t set = 0; set < 40; ++set) {
    const auto flat = some_points(stream, set, 1 + set % 12, 2, 9);
    CHECK(linalg::hypervolume(flat, {7, 6}) == cells_dominated(flat, {7, 6}));
    const auto solid = some_points(stream, 100 + set, 1 + set % 12, 3, 9);
    CHECK(linalg::hypervolume(solid, {7, 6, 8}) == cells_dominated(solid, {7, 6, 8}));
  }
  CHECK(linalg::hypervolume({}, {1, 1}) == 0);
}

TEST_CASE("Points of different length and four objectives are refused") {
  CHECK(test::says(test::error_of([] { linalg::pareto_front({{1, 2}, {1}}); }), "objectives"));
  CHECK(test::says(test::error_of([] { linalg::hypervolume({}, {1, 1, 1, 1}); }), "two or three"));
}
