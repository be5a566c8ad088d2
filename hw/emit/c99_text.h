#pragma once
// Pieces of C text: integer types and literals chosen from intervals, functions that convert between formats.

#include "hw/ir/graph.h"

#include <string>
#include <vector>

namespace thimble::hw::c99 {

/// Smallest exact-width type that holds the interval: uint8_t ... int64_t.
std::string storage_type(Interval range);
int bytes_of(const std::string& type);
/// int32_t if every magnitude up to this one fits, else int64_t.
std::string work_type(fixed::Wide magnitude);
/// A literal of the right size.
std::string literal(std::int64_t value);
/// `static const TYPE NAME[N] = {...};` with lines of at most 120 columns.
std::string array(const std::string& type, const std::string& name, const std::vector<std::int64_t>& values);

/// `static int32_t asr(int32_t x, int k)`: floor division by 2^k without shifting a negative number.
std::string floor_shift_functions(bool narrow, bool wide);
/// Name of the shift function of a working type.
std::string floor_shift(const std::string& type);

/// A function `static T NAME(T v)` that converts integers of `in` with fraction f_in.
struct Conversion {
  Interval in;
  int f_in = 0;
  FxType to;
  fixed::Round round = fixed::Round::trn;
  fixed::Overflow overflow = fixed::Overflow::wrap;

  /// Type of argument and result; wide enough for the constant that rounding adds.
  std::string type() const;
  bool needs_shift() const;
  std::string function(const std::string& name) const;
};

/// The test program of a design.
std::string test_program(const Graph& graph, const std::string& name);

}  // namespace thimble::hw::c99
