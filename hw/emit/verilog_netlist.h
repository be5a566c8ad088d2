#pragma once
// Scalar netlist of one feed-forward part of a design: every value has an exact range, is placed in a pipeline stage,
// and is printed as Verilog-2005. Registers appear where a value crosses stages, one per value and stage.

#include "core/fixed/interval.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::hw::rtl {

using fixed::Interval;
using fixed::Wide;

/// Index of a value in a Netlist.
using Ref = int;

/// Makes names of one module distinct: "a", "a_2", "a_3".
class Names {
 public:
  std::string unique(const std::string& wish);

 private:
  std::set<std::string> used_;
};

/// `8'h7f`: the low `width` bits of a two's complement value.
std::string literal(Wide value, int width);
/// `[7:0]`
std::string bus(int width);
/// Lower-case hex of the low `width` bits, padded to whole digits: one word of a memory image.
std::string hex_word(Wide value, int width);

/// A scalar value. In `text` operand i is written @i; (its name depends on the stage in which it is read).
struct Value {
  enum class Kind { port, constant, logic, rom } kind = Kind::logic;
  std::string name = {};
  Interval range = {};  // of a truncated partial sum: only the low `width` bits are meant
  int width = 1;
  bool is_signed = false;
  std::string text = {};  // logic: expression, rom: memory
  std::vector<Ref> operands = {};
  int stage = 0;  // in which it can be read without a register
  int level = 0;  // logic levels since the start of that stage
};

/// Values are appended in topological order and placed at once: a value starts a new stage when the levels before it
/// and its own exceed `levels_per_stage` (0: never). Table reads are synchronous and end a stage.
class Netlist {
 public:
  Netlist(Names& names, int levels_per_stage) : names_(&names), levels_per_stage_(levels_per_stage) {}

  const Value& operator[](Ref ref) const { return values_[static_cast<std::size_t>(ref)]; }

  /// A register or wire declared outside, readable in stage 0. Its name must already be unique.
  Ref port(const std::string& name, Interval range);
  Ref constant(Wide value);
  /// A combinational value; a range of one integer makes a constant of it. `cap` > 0 keeps only that many low bits.
  Ref logic(const std::string& wish, Interval range, std::string text, std::vector<Ref> operands, int levels,
            int cap = 0);
  /// Synchronous read of a memory declared outside.
  Ref rom(const std::string& wish, Interval range, const std::string& memory, Ref address);

  /// Brings the outputs to registers of one common stage; returns that stage, at least 1.
  int finish(const std::vector<Ref>& outputs);
  /// Name under which a value is read in a stage, valid for stages requested before print().
  std::string name_in(Ref ref, int stage);
  /// Declarations, combinational blocks and registers.
  std::string print() const;
  /// Flip-flops of the pipeline, without the valid bits.
  std::int64_t register_bits() const;
  int constants() const { return static_cast<int>(constants_.size()); }

 private:
  struct Place {
    int stage, level;
  };
  Place place(const std::vector<Ref>& operands, int levels) const;
  Ref add(Value value);
  std::string expression(const Value& value) const;
  std::string stage_name(const Value& value, int stage) const;
  void print_logic(std::string& declarations, std::string& out) const;
  void print_registers(std::string& declarations, std::string& out) const;

  Names* names_;
  int levels_per_stage_;
  std::vector<Value> values_;
  std::vector<int> last_stage_;  // up to which stage copies of the value are kept
  std::map<std::string, Ref> constants_;
};

}  // namespace thimble::hw::rtl
