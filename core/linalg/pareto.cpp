#include "core/linalg/pareto.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>

namespace thimble::linalg {
namespace {

bool has_nan(const Objectives& point) {
  return std::any_of(point.begin(), point.end(), [](double v) { return std::isnan(v); });
}

void check_lengths(const std::vector<Objectives>& points, std::size_t length) {
  for (const Objectives& point : points)
    THIMBLE_CHECK(point.size() == length, shape, "Pareto front: points of ", length, " and of ", point.size(),
                  " objectives");
}

/// The points that lie below the reference in every objective.
std::vector<Objectives> inside(const std::vector<Objectives>& points, const Objectives& reference) {
  std::vector<Objectives> kept;
  for (const Objectives& point : points) {
    bool below = true;
    for (std::size_t i = 0; i < point.size(); ++i) below = below && point[i] < reference[i];
    if (below) kept.push_back(point);
  }
  return kept;
}

double area(std::vector<Objectives> points, double x_end, double y_end) {
  std::sort(points.begin(), points.end());
  double sum = 0, y = y_end;
  for (const Objectives& point : points) {
    if (point[1] >= y) continue;
    sum += (x_end - point[0]) * (y - point[1]);
    y = point[1];
  }
  return sum;
}

/// Sum of slices: between two heights of the last objective the dominated area does not change.
double volume(std::vector<Objectives> points, const Objectives& reference) {
  std::sort(points.begin(), points.end(), [](const Objectives& a, const Objectives& b) { return a[2] < b[2]; });
  double sum = 0;
  std::vector<Objectives> below;
  for (std::size_t i = 0; i < points.size(); ++i) {
    below.push_back(points[i]);
    const double top = i + 1 < points.size() ? points[i + 1][2] : reference[2];
    if (top > points[i][2]) sum += area(below, reference[0], reference[1]) * (top - points[i][2]);
  }
  return sum;
}

}  // namespace

bool dominates(const Objectives& a, const Objectives& b) {
  bool better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] <= b[i])) return false;  // worse, or NaN on one side
    better = better || a[i] < b[i];
  }
  return better;
}

std::vector<std::size_t> pareto_front(const std::vector<Objectives>& points) {
  if (!points.empty()) check_lengths(points, points.front().size());
  std::vector<std::size_t> front;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (has_nan(points[i])) continue;
    bool beaten = false;
    for (std::size_t k = 0; k < points.size() && !beaten; ++k)
      beaten = dominates(points[k], points[i]) || (k < i && points[k] == points[i]);
    if (!beaten) front.push_back(i);
  }
  return front;
}

double hypervolume(const std::vector<Objectives>& points, const Objectives& reference) {
  THIMBLE_CHECK(reference.size() == 2 || reference.size() == 3, shape, "hypervolume: ", reference.size(),
                " objectives, two or three are built");
  check_lengths(points, reference.size());
  const std::vector<Objectives> kept = inside(points, reference);
  return reference.size() == 2 ? area(kept, reference[0], reference[1]) : volume(kept, reference);
}

}  // namespace thimble::linalg
