#pragma once
// Ending trials that fall behind, as hyperband does: at some iterations only a share of the trials goes on. Compared is
// with arms that are committed, never with those under way, so that neither threads nor kills decide.
// Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband", JMLR 18 (2018).

#include "nn/train/metrics.h"

#include <cstddef>
#include <span>
#include <vector>

namespace thimble::nn::search {

struct EarlyStop {
  std::vector<std::size_t> rungs;  // iterations at which trials are compared, ascending
  double eta = 3;                  // one in so many goes on
  bool strict = false;             // judged by the value of that iteration in place of the best one up to it
};

/// least, least eta, least eta^2, ... below 10^9, rounded down. Throws Error(value) unless least >= 1 and eta > 1.
std::vector<std::size_t> rungs_from(std::size_t least, double eta);
/// most / eta, most / eta^2, ..., most / eta^count, rounded down, ascending, those of at least one iteration.
std::vector<std::size_t> rungs_below(std::size_t most, std::size_t count, double eta);

/// What one trial must reach.
struct Hurdles {
  struct Hurdle {
    std::size_t iteration = 0;  // values seen, from 1
    double value = 0;
    bool operator==(const Hurdle&) const = default;
  };
  std::vector<Hurdle> list;
  Goal goal = Goal::min;
  bool strict = false;

  /// The trial with these values so far, one per iteration, ends now: it stands at a hurdle and misses it.
  bool stops(std::span<const double> curve) const;
};

/// Hurdles from the curves of committed trials: at every rung the value that ceil(n / eta) of the n trials that got
/// there reached, counting their best value up to it. A rung that fewer than eta trials reached is none.
Hurdles hurdles_of(const EarlyStop& rule, Goal goal, const std::vector<std::span<const double>>& curves);

}  // namespace thimble::nn::search
