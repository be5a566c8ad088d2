#pragma once
// Resident data: a data set holds tensors of N rows, a view names some of its rows. Views are what splits, filters and
// experts produce; nothing is copied.

#include "core/tensor/tensor.h"

#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

namespace thimble::nn {

/// Row numbers of a data set; 64 bits everywhere.
using Rows = std::vector<std::int64_t>;

inline Rows all_rows(std::int64_t count) {
  Rows rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

struct Dataset {
  Tensor x;       // [N, I] inputs
  Tensor y;       // [N, O] targets
  Tensor weight;  // [N] weight of each row in the loss; undefined = 1

  std::int64_t size() const { return x.defined() ? x.size(0) : 0; }
};

/// Some rows of a data set, in the order in which they are visited when nothing shuffles them.
struct View {
  std::shared_ptr<const Dataset> data;
  Rows rows;

  View() = default;
  explicit View(std::shared_ptr<const Dataset> whole) : data(std::move(whole)), rows(all_rows(data->size())) {}
  View(std::shared_ptr<const Dataset> whole, Rows some) : data(std::move(whole)), rows(std::move(some)) {}
  std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }
  bool empty() const { return rows.empty(); }
};

/// Copies the named rows of `source` [N, ...] (rows layout) into `target` [rows.size(), ...], in either layout; the
/// padding lanes of the last group become zero. Dtypes must agree. Throws Error(shape).
void gather_rows(const Tensor& source, std::span<const std::int64_t> rows, const Tensor& target);

/// Checks that every element is finite; throws Error(data) naming `what`, the row and the column of the first that is
/// not.
void check_finite(const Tensor& table, const char* what);

}  // namespace thimble::nn
