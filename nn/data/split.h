#pragma once
// Ways to part rows into training and validation. All return row lists; rows keep their order.

#include "core/random/philox.h"

#include "nn/data/dataset.h"

namespace thimble::nn {

struct Split {
  Rows train, valid;
};

/// Fold k of n contiguous folds: rows k is validation, the rest is training. The first (rows mod n) folds have one row
/// more.
Split contiguous_fold(const Rows& rows, std::int64_t folds, std::int64_t fold);
/// As contiguous_fold within every class, so that each fold has the shares of the whole. `label` has one per row.
Split stratified_fold(const Rows& rows, std::span<const std::int64_t> label, std::int64_t folds, std::int64_t fold);
/// Validation = the rows of one group.
Split leave_group_out(const Rows& rows, std::span<const std::int64_t> group, std::int64_t left_out);
/// The first `count` rows of every class are training, the rest is validation.
Split first_per_class(const Rows& rows, std::span<const std::int64_t> label, std::int64_t count);
/// The first share of the rows is validation; a half is rounded to even.
Split head_fraction(const Rows& rows, double valid_share);
/// Whole groups (events) go to validation with the given chance, drawn from the stream by group number.
Split by_group(const Rows& rows, std::span<const std::int64_t> group, double valid_share, const Stream& stream);

}  // namespace thimble::nn
