#include "hw/emit/verilog_netlist.h"

#include "core/base/error.h"

#include <algorithm>

namespace thimble::hw::rtl {

std::string Names::unique(const std::string& wish) {
  std::string name = wish;
  for (int i = 2; !used_.insert(name).second; ++i) name = text::cat(wish, "_", i);
  return name;
}

std::string hex_word(Wide value, int width) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const int digits = (width + 3) / 4;
  std::string out(static_cast<std::size_t>(digits), '0');
  for (int i = 0; i < digits; ++i) {
    const int kept = std::min(4, width - 4 * i);
    const auto nibble = static_cast<unsigned>(value >> (4 * i)) & ((1u << kept) - 1);
    out[static_cast<std::size_t>(digits - 1 - i)] = kDigits[nibble];
  }
  return out;
}

std::string literal(Wide value, int width) {
  return text::cat(width, "'h", hex_word(value, width));
}

std::string bus(int width) {
  return text::cat("[", width - 1, ":0]");
}

Ref Netlist::add(Value value) {
  last_stage_.push_back(value.stage);
  values_.push_back(std::move(value));
  return static_cast<Ref>(values_.size()) - 1;
}

Ref Netlist::port(const std::string& name, Interval range) {
  Value value;
  value.kind = Value::Kind::port;
  value.name = name;
  value.range = range;
  value.width = fixed::width_of(range);
  value.is_signed = range.lo < 0;
  return add(std::move(value));
}

Ref Netlist::constant(Wide number) {
  const std::string key = fixed::to_string(number);
  if (const auto found = constants_.find(key); found != constants_.end()) return found->second;
  Value value;
  value.kind = Value::Kind::constant;
  value.name = names_->unique(number < 0 ? text::cat("k_m", key.substr(1)) : text::cat("k_", key));
  value.range = {number, number};
  value.width = fixed::width_of(value.range);
  value.is_signed = number < 0;
  value.text = literal(number, value.width);
  return constants_[key] = add(std::move(value));
}

Netlist::Place Netlist::place(const std::vector<Ref>& operands, int levels) const {
  Place at{0, 0};
  for (const Ref ref : operands) at.stage = std::max(at.stage, (*this)[ref].stage);
  for (const Ref ref : operands) {
    if ((*this)[ref].stage == at.stage) at.level = std::max(at.level, (*this)[ref].level);
  }
  const bool full = levels_per_stage_ > 0 && at.level > 0 && at.level + levels > levels_per_stage_;
  return full ? Place{at.stage + 1, levels} : Place{at.stage, at.level + levels};
}

Ref Netlist::logic(const std::string& wish, Interval range, std::string text, std::vector<Ref> operands, int levels,
                   int cap) {
  if (range.lo == range.hi && cap == 0) return constant(range.lo);
  Value value;
  value.name = names_->unique(wish);
  value.range = range;
  value.width = fixed::width_of(range);
  if (cap > 0) value.width = std::min(value.width, cap);
  value.is_signed = range.lo < 0;
  value.text = std::move(text);
  const Place at = place(operands, levels);
  value.stage = at.stage;
  value.level = at.level;
  value.operands = std::move(operands);
  for (const Ref ref : value.operands) name_in(ref, at.stage);
  return add(std::move(value));
}

Ref Netlist::rom(const std::string& wish, Interval range, const std::string& memory, Ref address) {
  Value value;
  value.kind = Value::Kind::rom;
  value.name = names_->unique(wish);
  value.range = range;
  value.width = fixed::width_of(range);
  value.is_signed = range.lo < 0;
  value.text = memory;
  const Place at = place({address}, 1);
  value.stage = at.stage + 1;
  value.level = 0;
  value.operands = {address};
  name_in(address, at.stage);
  return add(std::move(value));
}

std::string Netlist::stage_name(const Value& value, int stage) const {
  if (value.kind == Value::Kind::constant || stage == value.stage) return value.name;
  return text::cat(value.name, "__d", stage - value.stage);
}

std::string Netlist::name_in(Ref ref, int stage) {
  int& last = last_stage_[static_cast<std::size_t>(ref)];
  last = std::max(last, stage);
  return stage_name((*this)[ref], stage);
}

int Netlist::finish(const std::vector<Ref>& outputs) {
  int depth = 1;
  for (const Ref ref : outputs) {
    const Value& value = (*this)[ref];
    depth = std::max(depth, value.level > 0 ? value.stage + 1 : value.stage);
  }
  for (const Ref ref : outputs) name_in(ref, depth);
  return depth;
}

std::int64_t Netlist::register_bits() const {
  std::int64_t bits = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Value& value = values_[i];
    if (value.kind == Value::Kind::constant) continue;
    bits += static_cast<std::int64_t>(value.width) * (last_stage_[i] - value.stage);
    if (value.kind == Value::Kind::rom) bits += value.width;
  }
  return bits;
}

std::string Netlist::expression(const Value& value) const {
  std::string out;
  for (std::size_t i = 0; i < value.text.size(); ++i) {
    if (value.text[i] != '@') {
      out += value.text[i];
      continue;
    }
    const std::size_t end = value.text.find(';', i);
    const auto operand = static_cast<std::size_t>(std::stoul(value.text.substr(i + 1, end - i - 1)));
    out += stage_name((*this)[value.operands[operand]], value.stage);
    i = end;
  }
  return out;
}

// One block per stage: a simulator then evaluates each sum once per clock instead of once per changed operand.
void Netlist::print_logic(std::string& declarations, std::string& out) const {
  std::map<int, std::string> blocks;
  for (const Value& value : values_) {
    if (value.kind == Value::Kind::constant) {
      declarations += text::cat("  wire ", bus(value.width), " ", value.name, " = ", value.text, ";\n");
    } else if (value.kind == Value::Kind::logic) {
      declarations += text::cat("  reg ", bus(value.width), " ", value.name, ";\n");
      blocks[value.stage] += text::cat("    ", value.name, " = ", expression(value), ";\n");
    }
  }
  for (const auto& [stage, lines] : blocks) {
    out += text::cat("  // logic of stage ", stage, "\n  always @* begin\n", lines, "  end\n");
  }
}

void Netlist::print_registers(std::string& declarations, std::string& out) const {
  std::map<int, std::string> blocks;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Value& value = values_[i];
    if (value.kind == Value::Kind::constant) continue;
    if (value.kind == Value::Kind::rom) {
      declarations += text::cat("  reg ", bus(value.width), " ", value.name, ";\n");
      blocks[value.stage] += text::cat("    ", value.name, " <= ", value.text, "[",
                                       stage_name((*this)[value.operands[0]], value.stage - 1), "];\n");
    }
    for (int stage = value.stage + 1; stage <= last_stage_[i]; ++stage) {
      declarations += text::cat("  reg ", bus(value.width), " ", stage_name(value, stage), ";\n");
      blocks[stage] += text::cat("    ", stage_name(value, stage), " <= ", stage_name(value, stage - 1), ";\n");
    }
  }
  for (const auto& [stage, lines] : blocks) {
    out += text::cat("  // registers into stage ", stage, "\n  always @(posedge clk) begin\n", lines, "  end\n");
  }
}

std::string Netlist::print() const {
  std::string declarations, out;  // declarations first: a name must not be read before it is declared
  print_logic(declarations, out);
  print_registers(declarations, out);
  return declarations + out;
}

}  // namespace thimble::hw::rtl
