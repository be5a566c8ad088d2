#include "apps/fenet/data/movement.h"

#include "apps/fenet/data/draws.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace thimble::fenet {
namespace {

constexpr std::uint64_t kTargets = 8;

/// Speed of a minimum-jerk reach of unit length after the share `tau` of its time, in reaches per duration.
double reach_speed(double tau) {
  return tau <= 0.0 || tau >= 1.0 ? 0.0 : tau * tau * (30.0 + tau * (-60.0 + tau * 30.0));
}

/// The reach that is under way or was last begun.
struct Reach {
  Vector2 direction;
  double begin = 0, duration = 1, end_of_pause = 0;
  Vector2 velocity(double time) const {
    const double speed = reach_speed((time - begin) / duration) / duration;
    return {speed * direction.x, speed * direction.y};
  }
};

class Task {
 public:
  Task(const Stream& stream, double segment_seconds) : stream_(stream), segment_(segment_seconds) { next(); }
  /// Times must not go back.
  Vector2 velocity(double time) {
    while (time >= reach_.end_of_pause) next();
    return reach_.velocity(time);
  }

 private:
  void shuffle(Draws& draws) {
    for (std::uint64_t i = 0; i < kTargets; ++i) order_[i] = i;
    for (std::uint64_t i = kTargets - 1; i > 0; --i) std::swap(order_[i], order_[draws.below(i + 1)]);
  }
  /// Out to the next target, or back from it.
  void next() {
    Draws draws(stream_, count_);
    const std::uint64_t trial = count_ / 2 % kTargets;
    const bool out = count_ % 2 == 0;
    if (out && trial == 0) shuffle(draws);
    const double angle = 2.0 * std::numbers::pi * (static_cast<double>(order_[trial]) + 0.5) / double{kTargets};
    const double sign = out ? 1.0 : -1.0;
    const double begin = reach_.end_of_pause;
    reach_ = {{sign * std::cos(angle), sign * std::sin(angle)}, begin, draws.uniform(0.7, 1.1), 0.0};
    const auto pause = static_cast<double>(6 + draws.below(8));
    reach_.end_of_pause = begin + reach_.duration + pause * segment_;
    ++count_;
  }

  Stream stream_;
  double segment_;
  std::uint64_t count_ = 0;
  std::array<std::uint64_t, kTargets> order_{};
  Reach reach_;
};

}  // namespace

double length(Vector2 v) {
  return std::hypot(v.x, v.y);
}

Movement simulate_movement(const Stream& stream, std::int64_t segments, double segment_seconds) {
  Task task(stream, segment_seconds);
  Movement out;
  for (std::int64_t b = 0; b < segments; ++b) {
    const auto begin = static_cast<double>(b);
    out.edge_speed.push_back(length(task.velocity(begin * segment_seconds)));
    out.centre.push_back(task.velocity((begin + 0.5) * segment_seconds));
  }
  out.edge_speed.push_back(length(task.velocity(static_cast<double>(segments) * segment_seconds)));
  return out;
}

}  // namespace thimble::fenet
