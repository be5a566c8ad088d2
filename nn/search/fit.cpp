#include "nn/search/fit.h"

#include "core/base/error.h"
#include "core/random/philox.h"

#include <nlopt.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <optional>

namespace thimble::nn::search {
namespace {

constexpr double kStartSpread = 1.5;  // deviation of the logarithms of random starts
constexpr double kTolerance = 1e-7;   // relative change of the value that ends a climb

/// What the C callback reaches. Exceptions must not cross NLopt; they wait here.
struct Climb {
  const Smooth& function;
  nlopt_opt optimiser;
  Maximum best;
  std::exception_ptr trouble;
};

double ask(unsigned n, const double* at, double* gradient, void* data) {
  Climb& climb = *static_cast<Climb*>(data);
  ++climb.best.evaluations;
  std::vector<double> unused(gradient == nullptr ? n : 0);
  const std::span<double> slopes = gradient == nullptr ? std::span<double>(unused) : std::span<double>(gradient, n);
  double value = -std::numeric_limits<double>::infinity();
  try {
    value = climb.function({at, n}, slopes);
  } catch (...) {
    climb.trouble = std::current_exception();
    nlopt_force_stop(climb.optimiser);
    return value;
  }
  if (std::isfinite(value) && (climb.best.at.empty() || value > climb.best.value)) {
    climb.best.at.assign(at, at + n);
    climb.best.value = value;
  }
  return value;
}

}  // namespace

Maximum climb(const Smooth& function, std::vector<double> start, const std::vector<double>& lower,
              const std::vector<double>& upper, std::size_t evaluations) {
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = std::clamp(start[i], lower[i], upper[i]);
  const std::unique_ptr<nlopt_opt_s, void (*)(nlopt_opt)> optimiser(
      nlopt_create(NLOPT_LD_LBFGS, static_cast<unsigned>(start.size())), nlopt_destroy);
  THIMBLE_CHECK(optimiser != nullptr, internal, "NLopt gave no optimiser");
  Climb state{function, optimiser.get(), {}, nullptr};
  nlopt_set_lower_bounds(optimiser.get(), lower.data());
  nlopt_set_upper_bounds(optimiser.get(), upper.data());
  nlopt_set_max_objective(optimiser.get(), ask, &state);
  nlopt_set_ftol_rel(optimiser.get(), kTolerance);
  nlopt_set_xtol_rel(optimiser.get(), 1e-6);
  nlopt_set_maxeval(optimiser.get(), static_cast<int>(evaluations));
  double value = 0;
  std::vector<double> at = start;
  // its return code tells why it ended; a line search without progress counts as failure and is none here
  static_cast<void>(nlopt_optimize(optimiser.get(), at.data(), &value));
  if (state.trouble) std::rethrow_exception(state.trouble);
  if (state.best.at.empty()) {
    state.best.at = std::move(start);
    state.best.value = -std::numeric_limits<double>::infinity();
  }
  return std::move(state.best);
}

GpFit fit_gp(const linalg::Points& x, std::span<const double> y, const linalg::GpSettings& settings, std::size_t starts,
             std::uint64_t seed) {
  const std::vector<double> first = linalg::gp_packed(settings.start, settings), lower = linalg::gp_lower(settings),
                            upper = linalg::gp_upper(settings);
  const Smooth objective = [&](std::span<const double> at, std::span<double> gradient) {
    return linalg::gp_objective(x, y, settings, at, gradient);
  };
  const Stream stream = Rng(seed).stream("search/gp starts");
  std::optional<Maximum> best;
  std::size_t evaluations = 0;
  for (std::size_t start = 0; start < std::max<std::size_t>(1, starts); ++start) {
    std::vector<double> from = first;
    for (std::size_t k = 0; k < from.size() && start > 0; ++k) from[k] += kStartSpread * stream.normal(start, k);
    Maximum found = climb(objective, std::move(from), lower, upper);
    evaluations += found.evaluations;
    if (!best || found.value > best->value) best = std::move(found);
  }
  return {linalg::gp_unpacked(best->at, settings), best->value, evaluations};
}

}  // namespace thimble::nn::search
