#pragma once
// Contents of activation tables. They are made once, from the C library's double functions, and are data from then on.

#include "core/fixed/type.h"

#include <functional>
#include <optional>
#include <vector>

namespace thimble::fixed {

/// Where in its bin of 2^drop inputs an entry samples the function.
enum class Sample : std::uint8_t {
  edge,    // i * 2^drop
  middle,  // (i + 1/2) * 2^drop
  mean,    // mean of the integers of the bin: (i + 1/2) * 2^drop - 1/2
};

/// Entries first, first+1, ...: value = round(F(sample * 2^-f_in) * 2^out.f), cut to the range of `out`.
struct TableSpec {
  int f_in = 0;            // fraction bits of the table's input
  int drop = 0;            // low bits of the input that do not address
  std::int64_t first = 0;  // index of the first entry; negative for tables without fold
  std::size_t count = 0;
  Sample sample = Sample::edge;
  FxType out = {};
  Round round = Round::rnd_conv;
  std::optional<std::int64_t> saturated = {};  // one more entry, for everything beyond
};

/// Throws Error(value) for a count of 0 or above 2^20, or a function value that is not finite.
std::vector<std::int64_t> make_table(const std::function<double(double)>& function, const TableSpec& spec);

/// Belle II, model A: tanh(x/2), odd fold, bins sampled at the mean, ties away from zero, as long as rounding stays
/// below one, then 2^f_out for all beyond. (f_in 22, drop 12, f_out 12): 9,938 entries.
std::vector<std::int64_t> saturating_tanh_half(int f_in, int drop, int f_out);

/// Belle II, model B: tanh(x) on [0, range), odd fold, left edges, ties away from zero, never above 2^f_out - 1, and
/// that for all beyond. (f_in 12, drop 2, f_out 12, range 4): 4,097 entries.
std::vector<std::int64_t> capped_tanh(int f_in, int drop, int f_out, int range);

}  // namespace thimble::fixed
