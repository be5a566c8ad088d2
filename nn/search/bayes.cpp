#include "core/linalg/gp.h"
#include "core/linalg/stats.h"
#include "core/random/philox.h"

#include "nn/search/acquisition.h"
#include "nn/search/encoding.h"
#include "nn/search/fit.h"
#include "nn/search/sobol.h"
#include "nn/search/strategy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace thimble::nn::search {
namespace {

constexpr std::size_t kCandidates = 1024, kRefined = 10;
constexpr std::size_t kLeastFirst = 5, kMostFirst = 20;  // arms before there is a model
constexpr std::size_t kFitEvery = 5, kFitAlways = 200;   // lengths are fitted again for every arm up to so many
constexpr int kMostSteps = 30;                           // of a walk from neighbour to neighbour
constexpr std::size_t kClimbEvaluations = 50;
constexpr std::size_t kMostDraws = 20'000;  // all seen before: the space holds nothing new

/// Targets with mean 0 and deviation 1, small ones good. A failed arm counts as the worst one, so that the search keeps
/// away from it.
std::vector<double> standardised(std::span<const Tried> tried, Goal goal) {
  const double sign = goal == Goal::min ? 1 : -1;
  std::optional<double> worst;
  for (const Tried& one : tried)
    if (one.objective) worst = std::max(worst.value_or(sign * *one.objective), sign * *one.objective);
  std::vector<double> y;
  for (const Tried& one : tried) y.push_back(one.objective ? sign * *one.objective : worst.value_or(0));
  const double mean = linalg::mean(y), deviation = linalg::standard_deviation(y, linalg::Divisor::n);
  for (double& value : y) value = (value - mean) / (deviation < 1e-8 ? 1 : deviation);
  return y;
}

bool any_known(std::span<const Tried> tried) {
  return std::any_of(tried.begin(), tried.end(), [](const Tried& one) { return one.objective.has_value(); });
}

/// Settings that are not among `seen`; nothing when the space holds none.
std::optional<Assignment> unseen(const Space& space, const Stream& stream, std::uint64_t step,
                                 const std::set<std::string>& seen) {
  std::vector<double> point(space.parameters().size());
  for (std::size_t draw = 0; draw < kMostDraws; ++draw) {
    for (std::size_t k = 0; k < point.size(); ++k) point[k] = stream.uniform64(step, draw * point.size() + k);
    Assignment values = space.at(point);
    if (seen.count(str(values)) == 0) return values;
  }
  return std::nullopt;
}

/// A model of the arms so far and the settings it expects most of.
class Proposer {
 public:
  Proposer(const Space& space, const Encoding& encoding, std::span<const Tried> tried, Goal goal, const Stream& stream)
      : space_(space),
        encoding_(encoding),
        stream_(stream),
        step_(tried.size()),
        model_(fitted(encoding, tried, goal)) {
    for (const Tried& one : tried) seen_.insert(str(one.values));
  }

  /// Nothing when all was tried. The proposal joins the model with the value expected of it, so that the next one of
  /// the same batch goes elsewhere.
  std::optional<Assignment> next() {
    best_ = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < points_.count(); ++i) best_ = std::min(best_, model_.predict(points_.row(i)).mean);
    std::optional<Scored> found;
    for (Scored& start : candidates()) {
      Scored refined = refine(std::move(start));
      if (!found || refined.score > found->score) found = std::move(refined);
    }
    if (!found) return std::nullopt;
    const std::vector<double> point = encoding_.of(found->values);
    model_.add(point, model_.predict(point).mean);
    points_.add(point);
    seen_.insert(str(found->values));
    ++step_;
    return found->values;
  }

 private:
  struct Scored {
    Assignment values;
    double score = 0;
  };

  linalg::GaussianProcess fitted(const Encoding& encoding, std::span<const Tried> tried, Goal goal) {
    const std::vector<double> y = standardised(tried, goal);
    for (const Tried& one : tried) points_.add(encoding.of(one.values));
    const std::size_t n = y.size(), used = n <= kFitAlways ? n : n / kFitEvery * kFitEvery;
    linalg::Points first = points_;
    first.values.resize(used * points_.dims);
    const linalg::GpSettings settings = linalg::gp_preset("default", encoding.dims());
    const GpFit fit = fit_gp(first, std::span(y).first(used), settings);
    return {points_, y, fit.parameters};
  }

  double score(const linalg::GpPrediction& p) const { return log_expected_improvement(p.mean, p.deviation, best_); }
  double score(const Assignment& values) const { return score(model_.predict(encoding_.of(values))); }
  bool fresh(const Assignment& values) const { return seen_.count(str(values)) == 0; }

  /// The best few of many settings spread over the space that nobody tried, best first.
  std::vector<Scored> candidates() const {
    std::vector<Scored> all;
    std::set<std::string> drawn;
    const auto take = [&](Assignment values) {
      if (fresh(values) && drawn.insert(str(values)).second) all.push_back({std::move(values), 0});
    };
    const linalg::Points cube = sobol_points(kCandidates, space_.parameters().size(), stream_, step_);
    for (std::size_t i = 0; i < kCandidates; ++i) take(space_.at(cube.row(i)));
    if (all.empty())  // a small space, nearly used up
      if (auto values = unseen(space_, stream_.stream("rest"), step_, seen_)) take(std::move(*values));
    linalg::Points points;
    for (const Scored& one : all) points.add(encoding_.of(one.values));
    const auto predicted = model_.predict(points);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].score = score(predicted[i]);
    std::stable_sort(all.begin(), all.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
    if (all.size() > kRefined) all.resize(kRefined);
    return all;
  }

  Scored refine(Scored at) const {
    walk(at);
    if (slide(at)) walk(at);
    return at;
  }

  /// From neighbour to the best better neighbour.
  void walk(Scored& at) const {
    for (int step = 0; step < kMostSteps; ++step) {
      std::vector<Assignment> beside = encoding_.neighbours(at.values);
      linalg::Points points;
      for (Assignment& values : beside) {
        values = space_.canonical(std::move(values));
        points.add(encoding_.of(values));
      }
      const auto predicted = model_.predict(points);
      std::size_t best = beside.size();
      double most = at.score;
      for (std::size_t i = 0; i < beside.size(); ++i) {
        if (score(predicted[i]) <= most || !fresh(beside[i])) continue;
        best = i;
        most = score(predicted[i]);
      }
      if (best == beside.size()) return;
      at = {std::move(beside[best]), most};
    }
  }

  /// Climbs along the continuous parameters; true when that helped.
  bool slide(Scored& at) const {
    const auto& axes = encoding_.continuous();
    if (axes.empty()) return false;
    std::vector<double> point = encoding_.of(at.values), start;
    for (const auto& axis : axes) start.push_back(point[axis.first]);
    const Smooth value = [&](std::span<const double> where, std::span<double> gradient) {
      for (std::size_t k = 0; k < axes.size(); ++k) point[axes[k].first] = where[k];
      linalg::GpSlope slope;
      const linalg::GpPrediction p = model_.predict(point, &slope);
      double by_mean = 0, by_deviation = 0;
      const double log_ei = log_expected_improvement(p.mean, p.deviation, best_, &by_mean, &by_deviation);
      for (std::size_t k = 0; k < axes.size(); ++k)
        gradient[k] = by_mean * slope.mean[axes[k].first] + by_deviation * slope.deviation[axes[k].first];
      return log_ei;
    };
    const std::vector<double> zeros(axes.size(), 0.0), ones(axes.size(), 1.0);
    const Maximum top = climb(value, start, zeros, ones, kClimbEvaluations);
    Scored moved{space_.canonical(encoding_.with(at.values, top.at)), 0};
    moved.score = score(moved.values);
    if (moved.score <= at.score || !fresh(moved.values)) return false;
    at = std::move(moved);
    return true;
  }

  const Space& space_;
  const Encoding& encoding_;
  const Stream& stream_;
  std::uint64_t step_;
  linalg::Points points_;
  linalg::GaussianProcess model_;
  std::set<std::string> seen_;
  double best_ = 0;
};

class Bayes : public Strategy {
 public:
  Bayes(Space space, Goal goal, std::uint64_t seed)
      : space_(std::move(space)), encoding_(space_), goal_(goal), stream_(Rng(seed).stream("search/bayes")) {
    first_ = std::clamp(encoding_.dims() + 1, kLeastFirst, kMostFirst);
  }
  std::string name() const override { return "bayes"; }
  bool laborious() const override { return true; }
  std::optional<std::uint64_t> size() const override {
    for (const Parameter& parameter : space_.parameters())
      if (std::holds_alternative<Real>(parameter.domain)) return std::nullopt;
    return space_.combinations();
  }

  std::vector<Assignment> propose(std::span<const Tried> tried, std::size_t count) const override {
    std::vector<Assignment> next = begin(tried, count);
    if (!next.empty() || !any_known(tried)) return next;
    Proposer proposer(space_, encoding_, tried, goal_, stream_);
    while (next.size() < count) {
      auto settings = proposer.next();
      if (!settings) break;
      next.push_back(std::move(*settings));
    }
    return next;
  }

 private:
  /// The first arms spread evenly, and whole batches of them until one gives a value.
  std::vector<Assignment> begin(std::span<const Tried> tried, std::size_t count) const {
    std::vector<Assignment> next;
    if (tried.size() >= first_ && any_known(tried)) return next;
    std::set<std::string> seen;
    for (const Tried& one : tried) seen.insert(str(one.values));
    const linalg::Points cube = sobol_points(kCandidates, space_.parameters().size(), stream_);
    for (std::size_t i = 0; i < kCandidates && next.size() < count; ++i) {
      Assignment settings = space_.at(cube.row(i));
      if (seen.insert(str(settings)).second) next.push_back(std::move(settings));
    }
    while (next.size() < count) {  // a small space: Sobol points fall on the same settings
      auto settings = unseen(space_, stream_.stream("begin"), tried.size() + next.size(), seen);
      if (!settings) break;
      seen.insert(str(*settings));
      next.push_back(std::move(*settings));
    }
    return next;
  }

  Space space_;
  Encoding encoding_;
  Goal goal_;
  Stream stream_;
  std::size_t first_ = kLeastFirst;
};

}  // namespace

std::unique_ptr<Strategy> bayes_search(Space space, Goal goal, std::uint64_t seed) {
  return std::make_unique<Bayes>(std::move(space), goal, seed);
}

}  // namespace thimble::nn::search
