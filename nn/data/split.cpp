#include "nn/data/split.h"

#include "core/base/error.h"

#include <cmath>
#include <map>

namespace thimble::nn {
namespace {

template <class IsValid>
Split part(const Rows& rows, const IsValid& is_valid) {
  Split split;
  for (std::size_t i = 0; i < rows.size(); ++i) (is_valid(i) ? split.valid : split.train).push_back(rows[i]);
  return split;
}

void check_fold(std::int64_t folds, std::int64_t fold) {
  THIMBLE_CHECK(folds >= 2, config, "split: ", folds, " folds, at least 2 are needed");
  THIMBLE_CHECK(fold >= 0 && fold < folds, value, "split: fold ", fold, " of ", folds);
}

void check_one_per_row(const Rows& rows, std::size_t given, const char* what) {
  THIMBLE_CHECK(rows.size() == given, shape, "split: ", rows.size(), " rows, ", given, " ", what);
}

/// Fold of position i among n.
std::int64_t fold_of(std::int64_t i, std::int64_t n, std::int64_t folds) {
  const std::int64_t size = n / folds, larger = n % folds;
  return i < larger * (size + 1) ? i / (size + 1) : larger + (i - larger * (size + 1)) / size;
}

}  // namespace

Split contiguous_fold(const Rows& rows, std::int64_t folds, std::int64_t fold) {
  check_fold(folds, fold);
  const auto n = static_cast<std::int64_t>(rows.size());
  return part(rows, [&](std::size_t i) { return fold_of(static_cast<std::int64_t>(i), n, folds) == fold; });
}

Split stratified_fold(const Rows& rows, std::span<const std::int64_t> label, std::int64_t folds, std::int64_t fold) {
  check_fold(folds, fold);
  check_one_per_row(rows, label.size(), "labels");
  std::map<std::int64_t, std::int64_t> members, seen;
  for (const std::int64_t l : label) ++members[l];
  return part(rows, [&](std::size_t i) { return fold_of(seen[label[i]]++, members[label[i]], folds) == fold; });
}

Split leave_group_out(const Rows& rows, std::span<const std::int64_t> group, std::int64_t left_out) {
  check_one_per_row(rows, group.size(), "groups");
  return part(rows, [&](std::size_t i) { return group[i] == left_out; });
}

Split first_per_class(const Rows& rows, std::span<const std::int64_t> label, std::int64_t count) {
  check_one_per_row(rows, label.size(), "labels");
  std::map<std::int64_t, std::int64_t> seen;
  return part(rows, [&](std::size_t i) { return seen[label[i]]++ >= count; });
}

Split head_fraction(const Rows& rows, double valid_share) {
  THIMBLE_CHECK(valid_share >= 0 && valid_share <= 1, config, "split: share ", valid_share, " lies outside [0, 1]");
  const double first = std::nearbyint(valid_share * static_cast<double>(rows.size()));
  return part(rows, [&](std::size_t i) { return static_cast<double>(i) < first; });
}

Split by_group(const Rows& rows, std::span<const std::int64_t> group, double valid_share, const Stream& stream) {
  check_one_per_row(rows, group.size(), "groups");
  THIMBLE_CHECK(valid_share >= 0 && valid_share <= 1, config, "split: share ", valid_share, " lies outside [0, 1]");
  return part(rows,
              [&](std::size_t i) { return stream.uniform64(0, static_cast<std::uint64_t>(group[i])) < valid_share; });
}

}  // namespace thimble::nn
