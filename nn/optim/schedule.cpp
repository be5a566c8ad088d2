#include "nn/optim/schedule.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thimble::nn {
namespace {

double cosine_between(double from, double to, double share) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

}  // namespace

Schedule constant_rate(double rate) {
  return [rate](const Progress&) { return rate; };
}

Schedule step_per_iteration(double rate, double gamma, std::int64_t every) {
  THIMBLE_CHECK(every > 0, value, "schedule: the rate must be changed every 1 or more steps, not ", every);
  return [=](const Progress& at) {
    const std::int64_t times = at.step / every;
    return rate * std::pow(gamma, static_cast<double>(times));
  };
}

Schedule step_per_epoch(double rate, double gamma, std::int64_t every) {
  THIMBLE_CHECK(every > 0, value, "schedule: the rate must be changed every 1 or more epochs, not ", every);
  return [=](const Progress& at) {
    const std::int64_t times = at.epoch / every;
    return rate * std::pow(gamma, static_cast<double>(times));
  };
}

Schedule epoch_stages(std::vector<std::pair<std::int64_t, double>> stages) {
  THIMBLE_CHECK(!stages.empty() && stages.front().first == 0, value, "schedule: the first stage must begin at epoch 0");
  THIMBLE_CHECK(std::is_sorted(stages.begin(), stages.end()), value, "schedule: stages must be in order of epochs");
  return [stages = std::move(stages)](const Progress& at) {
    double rate = stages.front().second;
    for (const auto& [first, stage_rate] : stages)
      if (at.epoch >= first) rate = stage_rate;
    return rate;
  };
}

Schedule one_cycle(double peak, std::int64_t steps) {
  THIMBLE_CHECK(steps >= 4, value, "schedule: one cycle needs 4 or more steps, not ", steps);
  const double last = static_cast<double>(steps - 1);
  const double top = 0.3 * static_cast<double>(steps) - 1;
  const double start = peak / 25, end = start / 1e4;
  return [=](const Progress& at) {
    const double step = std::min(static_cast<double>(at.step), last);
    return step < top ? cosine_between(start, peak, step / top)
                      : cosine_between(peak, end, (step - top) / (last - top));
  };
}

}  // namespace thimble::nn
