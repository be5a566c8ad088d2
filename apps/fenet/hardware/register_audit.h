#pragma once
// Which registers hold the sums of a network: seen on data, possible for any input, and what a narrower one would do.

#include "core/report/table.h"

#include "hw/ir/graph.h"
#include "hw/ir/vectors.h"

#include "apps/fenet/hardware/hardware_keys.h"

#include <optional>
#include <string>
#include <vector>

namespace thimble::fenet {

/// One register of one level, in stored integers of its sums.
struct RegisterRange {
  std::string name;  // "level 1 feature filter", "level 1 pool"
  bool pool = false;
  int fraction = 0;                         // fraction bits of the sums
  std::int64_t seen_lo = 0, seen_hi = 0;    // on the vectors; a pool register also on its way
  std::int64_t worst_lo = 0, worst_hi = 0;  // over all inputs that the level before can produce
  int given_bits = 0;                       // width of the chip's register
  std::int64_t beyond = 0;                  // vectors in which it does not fit

  int seen_bits() const;
  /// The smallest width that is safe whatever the input.
  int safe_bits() const;
  bool safe() const { return safe_bits() <= given_bits; }
};

/// All registers of a graph of lower_wavelet on the given windows. The pool registers of the chip keep the fraction of
/// the products, so `relu_power` more bits are cut before they are compared.
std::vector<RegisterRange> register_ranges(const hw::Graph& graph, const hw::Vectors& windows,
                                           const HardwareKeys& keys);

report::Table register_table(const std::vector<RegisterRange>& ranges, std::size_t windows);
/// Sentences of what does not fit, seen or possible; empty when every register is safe.
std::vector<std::string> register_warnings(const std::vector<RegisterRange>& ranges);

/// An input window that brings a filter sum of the first level as far as it can go.
struct OverflowInput {
  std::string name;  // tensor: "feat0" or "pass0"
  std::size_t position = 0;
  std::int64_t sum = 0;      // exact
  std::int64_t wrapped = 0;  // what a register of `bits` would hold
  int bits = 0;
  std::vector<std::int64_t> window;
};
/// The window that overflows an accumulator of `bits` furthest; nothing if none of the first level's can.
std::optional<OverflowInput> overflow_input(const hw::Graph& graph, int bits);

}  // namespace thimble::fenet
