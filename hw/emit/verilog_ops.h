#pragma once
// The operators of FXIR on scalar values of a Verilog netlist. Each returns the value for one element; `result` is the
// exact range of that element in the graph. Names are wishes.

#include "core/fixed/mulshift.h"

#include "hw/emit/verilog_netlist.h"
#include "hw/ir/graph.h"

namespace thimble::hw::rtl {

/// coefficient * a, or coefficient * a * b for two run-time values.
struct Term {
  Wide coefficient = 1;
  Ref a = -1;
  Ref b = -1;
};

/// Operand `index` of a text, sign- or zero-extended or cut to `width` bits by concatenation.
std::string extended(const Netlist& net, Ref ref, std::size_t index, int width);

/// Sum of the terms plus a constant, as a tree of sums of at most four products. Modulo 2^width(result) every partial
/// sum is exact, so none is wider than the result.
Ref sum(Netlist& net, const std::string& name, const std::vector<Term>& terms, Wide constant, Interval result);

Ref relu(Netlist& net, const std::string& name, Ref x, Interval result);
Ref absolute(Netlist& net, const std::string& name, Ref x, Interval result);
Ref negate(Netlist& net, const std::string& name, Ref x, Interval result);
Ref leaky_shift(Netlist& net, const std::string& name, Ref x, const op::LeakyShift& op, Interval result);

/// x with f_in fraction bits in another type: all rounding and overflow modes.
Ref requant(Netlist& net, const std::string& name, Ref x, int f_in, const FxType& to, fixed::Round round,
            fixed::Overflow overflow, Interval result);

/// clamp(zero + M(x), act_min, act_max) of one channel.
Ref mulshift(Netlist& net, const std::string& name, Ref x, const fixed::MulShift& rule, std::size_t channel,
             Interval result);

/// Look-up in a memory that holds the table; `in` is the format of x.
Ref lookup(Netlist& net, const std::string& name, Ref x, const FxType& in, const op::Lut& op, const Table& table,
           const std::string& memory, Interval result);

/// Range of all entries: decides the width of the memory.
Interval range_of_table(const Table& table);

}  // namespace thimble::hw::rtl
