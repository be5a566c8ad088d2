#pragma once
// The order in which an epoch visits the rows. A sampler is a pure function of (stream, epoch): threads, resume and
// replay cannot change it. A walk goes through one plan and can be filtered while it is under way.

#include "core/random/philox.h"

#include "nn/data/dataset.h"

#include <functional>
#include <string>
#include <variant>

namespace thimble::nn {

/// The rows as they stand.
struct InOrder {};
/// A permutation of the rows, drawn for every epoch (Fisher-Yates).
struct Shuffle {};
/// Bucket from its probability, then a row of that bucket with equal chance, with replacement; as many draws as rows.
struct Buckets {
  std::vector<double> probability;  // of each bucket; sums to 1, 0 for an empty bucket
  std::vector<Rows> rows;           // members of each bucket
};

using Sampler = std::variant<InOrder, Shuffle, Buckets>;

/// Visiting order of one epoch. `rows` are the rows of the view; Buckets bring their own and draw rows.size() times.
Rows epoch_plan(const Sampler& sampler, const Rows& rows, const Stream& stream, std::uint64_t epoch);

/// Wanted distribution of a target in [-1, 1], cut into buckets of equal width.
struct BucketTarget {
  std::int64_t buckets = 11;
  bool inf_bounds = false;  // outer buckets reach to infinity; else the masses are normalised
  struct Norm {
    double mean = 0, std = 0.4;
  };
  struct Uniform {
    double lower = -1, upper = 1;
  };
  std::variant<Norm, Uniform> shape = Norm{};
};

/// floor((z/2 + 0.5) * n), in double; z = 1 belongs to the last bucket. Throws Error(data) if z is not in [-1, 1].
std::int64_t bucket_of(double z, std::int64_t buckets);
/// Mass of the wanted distribution in each bucket (before empty buckets are taken out). Throws Error(config) for fewer
/// than one bucket or a width that is not positive.
std::vector<double> bucket_probabilities(const BucketTarget& target);

/// Sampler for `rows` whose targets are z[i] (one per row). The probability of empty buckets goes to the others;
/// `warn` is told which they are. Throws Error(data) if all buckets with a probability are empty.
Buckets make_buckets(const BucketTarget& target, const Rows& rows, std::span<const float> z,
                     const std::function<void(const std::string&)>& warn = {});

/// What to do with an epoch whose filter changed while it was under way.
enum class OnFilter { finish, restart };

/// Position inside one epoch's plan.
class EpochWalk {
 public:
  EpochWalk() = default;
  explicit EpochWalk(Rows plan, std::int64_t position = 0) : plan_(std::move(plan)), position_(position) {}

  /// The next `batch` rows, fewer at the end, none when the epoch is over.
  std::span<const std::int64_t> next(std::int64_t batch);
  std::int64_t position() const { return position_; }
  std::int64_t size() const { return static_cast<std::int64_t>(plan_.size()); }
  bool done() const { return position_ >= size(); }
  const Rows& plan() const { return plan_; }

  /// Drops the rows that `keep` refuses: from the rest of the epoch (finish), or from all of it, which then begins anew
  /// (restart).
  void filter(const std::function<bool(std::int64_t row)>& keep, OnFilter policy);

 private:
  Rows plan_;
  std::int64_t position_ = 0;
};

}  // namespace thimble::nn
