#pragma once
// Learning rates as pure functions of where a training stands: no state, nothing to save, nothing to restore.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace thimble::nn {

/// Where a training stands: optimiser steps done before this one, and full epochs done.
struct Progress {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
};

/// Learning rate of the step at `progress`.
using Schedule = std::function<double(const Progress&)>;

Schedule constant_rate(double rate);
/// rate * gamma^(step / every), integer division: once per `every` optimiser steps.
Schedule step_per_iteration(double rate, double gamma, std::int64_t every);
/// rate * gamma^(epoch / every).
Schedule step_per_epoch(double rate, double gamma, std::int64_t every);
/// The rate of the last stage whose first epoch has come: {{0, 5e-3}, {10, 1e-3}}.
Schedule epoch_stages(std::vector<std::pair<std::int64_t, double>> stages);
/// Cosine from peak/25 up to `peak` during the first 30 % of `steps`, then down to peak/250000; momentum is untouched.
/// Smith and Topin, "Super-convergence", 2018.
Schedule one_cycle(double peak, std::int64_t steps);

}  // namespace thimble::nn
