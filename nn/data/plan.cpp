#include "nn/data/plan.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace thimble::nn {
namespace {

Rows shuffled(Rows rows, const Stream& stream, std::uint64_t epoch) {
  for (std::size_t i = rows.size(); i > 1; --i)
    std::swap(rows[i - 1], rows[static_cast<std::size_t>(stream.below(i, epoch, i - 1))]);
  return rows;
}

/// Draw 2k chooses the bucket, draw 2k+1 the row in it.
Rows drawn_from(const Buckets& buckets, std::size_t draws, const Stream& stream, std::uint64_t epoch) {
  std::vector<double> upper(buckets.probability.size());
  double sum = 0;
  for (std::size_t b = 0; b < upper.size(); ++b) upper[b] = sum += buckets.probability[b];
  Rows plan(draws);
  for (std::size_t k = 0; k < draws; ++k) {
    const double u = stream.uniform64(epoch, 2 * k) * sum;
    const auto found = std::upper_bound(upper.begin(), upper.end(), u);
    const Rows& rows = buckets.rows[static_cast<std::size_t>(found - upper.begin())];
    plan[k] = rows[static_cast<std::size_t>(stream.below(rows.size(), epoch, 2 * k + 1))];
  }
  return plan;
}

double cumulative(const BucketTarget::Norm& norm, double x) {
  return (1 + std::erf((x - norm.mean) / (norm.std * std::numbers::sqrt2))) / 2;
}

double cumulative(const BucketTarget::Uniform& uniform, double x) {
  return std::clamp((x - uniform.lower) / (uniform.upper - uniform.lower), 0.0, 1.0);
}

void check(const BucketTarget& target) {
  THIMBLE_CHECK(target.buckets >= 1 && target.buckets <= 1'000'000, config, "dist: n_buckets is ", target.buckets,
                ", it must be 1 or more");
  if (const auto* norm = std::get_if<BucketTarget::Norm>(&target.shape))
    THIMBLE_CHECK(norm->std > 0, config, "dist.norm: std is ", norm->std, ", it must be positive");
  if (const auto* uniform = std::get_if<BucketTarget::Uniform>(&target.shape))
    THIMBLE_CHECK(uniform->upper > uniform->lower, config, "dist.uniform: upper is ", uniform->upper,
                  ", it must lie above lower, which is ", uniform->lower);
}

}  // namespace

Rows epoch_plan(const Sampler& sampler, const Rows& rows, const Stream& stream, std::uint64_t epoch) {
  if (std::holds_alternative<Shuffle>(sampler)) return shuffled(rows, stream, epoch);
  if (const auto* buckets = std::get_if<Buckets>(&sampler)) return drawn_from(*buckets, rows.size(), stream, epoch);
  return rows;
}

std::int64_t bucket_of(double z, std::int64_t buckets) {
  THIMBLE_CHECK(z >= -1 && z <= 1, data, "buckets: target ", z, " lies outside [-1, 1]");
  const auto index = static_cast<std::int64_t>(std::floor((z / 2 + 0.5) * static_cast<double>(buckets)));
  return std::min(index, buckets - 1);
}

std::vector<double> bucket_probabilities(const BucketTarget& target) {
  check(target);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::int64_t n = target.buckets;
  const auto bound = [&](std::int64_t b) {
    if (target.inf_bounds && b == 0) return -infinity;
    if (target.inf_bounds && b == n) return infinity;
    return -1 + 2.0 * static_cast<double>(b) / static_cast<double>(n);
  };
  const auto mass_below = [&](double x) {
    return std::visit([x](const auto& shape) { return cumulative(shape, x); }, target.shape);
  };
  std::vector<double> mass;
  double sum = 0;
  for (std::int64_t b = 0; b < n; ++b) {
    mass.push_back(mass_below(bound(b + 1)) - mass_below(bound(b)));
    sum += mass.back();
  }
  THIMBLE_CHECK(sum > 0, config, "dist: the wanted distribution has no mass in [-1, 1]");
  if (!target.inf_bounds)
    for (double& m : mass) m /= sum;
  return mass;
}

Buckets make_buckets(const BucketTarget& target, const Rows& rows, std::span<const float> z,
                     const std::function<void(const std::string&)>& warn) {
  THIMBLE_CHECK(rows.size() == z.size(), shape, "buckets: ", rows.size(), " rows, ", z.size(), " targets");
  Buckets made{bucket_probabilities(target), std::vector<Rows>(static_cast<std::size_t>(target.buckets))};
  for (std::size_t i = 0; i < rows.size(); ++i)
    made.rows[static_cast<std::size_t>(bucket_of(static_cast<double>(z[i]), target.buckets))].push_back(rows[i]);
  std::vector<std::string> empty;
  double sum = 0;
  for (std::size_t b = 0; b < made.rows.size(); ++b) {
    if (made.rows[b].empty()) {
      empty.push_back(std::to_string(b));
      made.probability[b] = 0;
    }
    sum += made.probability[b];
  }
  THIMBLE_CHECK(sum > 0, data, "buckets: no row lies in a bucket that the wanted distribution reaches");
  if (empty.empty()) return made;
  for (double& p : made.probability) p /= sum;
  if (warn) warn(text::cat("buckets without rows get probability 0: ", text::join(empty, ", ")));
  return made;
}

std::span<const std::int64_t> EpochWalk::next(std::int64_t batch) {
  const std::int64_t count = std::min(batch, size() - position_);
  const std::span<const std::int64_t> rows(plan_.data() + position_, static_cast<std::size_t>(count));
  position_ += count;
  return rows;
}

void EpochWalk::filter(const std::function<bool(std::int64_t row)>& keep, OnFilter policy) {
  if (policy == OnFilter::restart) position_ = 0;
  const auto dropped = [&keep](std::int64_t row) { return !keep(row); };
  plan_.erase(std::remove_if(plan_.begin() + position_, plan_.end(), dropped), plan_.end());
}

}  // namespace thimble::nn
