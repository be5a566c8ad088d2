#include "nn/search/early_stop.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>

namespace thimble::nn::search {
namespace {

constexpr double kMostIterations = 1e9;

double best_of(std::span<const double> curve, Goal goal) {
  return goal == Goal::min ? *std::min_element(curve.begin(), curve.end())
                           : *std::max_element(curve.begin(), curve.end());
}

void check_eta(double eta) {
  THIMBLE_CHECK(eta > 1, value, "eta must be above one, not ", eta);
}

}  // namespace

std::vector<std::size_t> rungs_from(std::size_t least, double eta) {
  check_eta(eta);
  THIMBLE_CHECK(least >= 1, value, "the first comparison needs an iteration of at least one");
  std::vector<std::size_t> rungs;
  for (double at = static_cast<double>(least); at < kMostIterations; at *= eta)
    if (rungs.empty() || static_cast<std::size_t>(at) > rungs.back()) rungs.push_back(static_cast<std::size_t>(at));
  return rungs;
}

std::vector<std::size_t> rungs_below(std::size_t most, std::size_t count, double eta) {
  check_eta(eta);
  std::vector<std::size_t> rungs;
  double at = static_cast<double>(most);
  for (std::size_t i = 0; i < count && at / eta >= 1; ++i) {
    at /= eta;
    rungs.insert(rungs.begin(), static_cast<std::size_t>(at));
  }
  rungs.erase(std::unique(rungs.begin(), rungs.end()), rungs.end());
  return rungs;
}

bool Hurdles::stops(std::span<const double> curve) const {
  for (const Hurdle& hurdle : list) {
    if (hurdle.iteration != curve.size()) continue;
    const double value = strict ? curve.back() : best_of(curve, goal);
    return goal == Goal::min ? !(value <= hurdle.value) : !(value >= hurdle.value);
  }
  return false;
}

Hurdles hurdles_of(const EarlyStop& rule, Goal goal, const std::vector<std::span<const double>>& curves) {
  Hurdles out{{}, goal, rule.strict};
  for (const std::size_t rung : rule.rungs) {
    std::vector<double> values;
    for (const auto& curve : curves)
      if (curve.size() >= rung) values.push_back(best_of(curve.first(rung), goal));
    if (values.empty() || static_cast<double>(values.size()) < rule.eta) continue;
    std::sort(values.begin(), values.end());
    if (goal == Goal::max) std::reverse(values.begin(), values.end());
    const auto kept = static_cast<std::size_t>(std::ceil(static_cast<double>(values.size()) / rule.eta));
    out.list.push_back({rung, values[kept - 1]});
  }
  return out;
}

}  // namespace thimble::nn::search
