#pragma once
// Which settings to try next. A strategy is a pure function of the arms committed so far, so that nothing but them
// decides: not the number of threads, not which arm ended first, not how often the search was killed and resumed.

#include "nn/search/space.h"
#include "nn/train/metrics.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace thimble::nn::search {

/// An arm whose result is known, as strategies see it.
struct Tried {
  Assignment values;
  std::optional<double> objective;  // nothing: it failed
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string name() const = 0;
  /// All it will ever propose; nothing when there is no end.
  virtual std::optional<std::uint64_t> size() const = 0;
  /// The next arms behind `tried`, at most `count`; fewer when the space is exhausted.
  virtual std::vector<Assignment> propose(std::span<const Tried> tried, std::size_t count) const = 0;
  /// A proposal takes long enough that a resumed search reads it from its journal.
  virtual bool laborious() const { return false; }
};

/// Every combination once, the last parameter fastest; `shuffled`: in a random order drawn from `seed`. The
/// enumeration of the grid method of W&B sweeps when the parameters are sorted by name. Throws Error(value) naming a
/// parameter with infinitely many values.
std::unique_ptr<Strategy> grid_search(Space space, bool shuffled = false, std::uint64_t seed = 1);

/// Independent draws of all parameters. Without replacement no settings come twice, and the search ends when a finite
/// space is exhausted.
std::unique_ptr<Strategy> random_search(Space space, std::uint64_t seed, bool replacement);

/// Where a Gaussian process of the arms so far (linalg::gp_preset "default", failed arms count as the worst one)
/// expects the greatest improvement: the logarithm of the expected improvement at 1024 Sobol points and around the best
/// ten of them. The first arms, one more than coordinates of the model, at least 5 and at most 20, are Sobol points. No
/// settings come twice; several arms of one batch are chosen one after the other, each expecting what the model expects
/// of those before. Jones, Schonlau and Welch, "Efficient global optimization of expensive black-box functions",
/// Journal of Global Optimization 13 (1998); Ginsbourger, Le Riche and Carraro, "Kriging is well-suited to parallelize
/// optimization" (2010).
std::unique_ptr<Strategy> bayes_search(Space space, Goal goal, std::uint64_t seed);

}  // namespace thimble::nn::search
