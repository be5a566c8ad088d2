#pragma once
// Constructor calls from a fixed list: "Outer([Inner(), Other(3)], flag=true)". What is not on the list is refused.

#include "core/text/expr.h"

#include <optional>

namespace thimble::expr {

enum class ArgumentType { integer, boolean, range, calls, call };

struct Parameter {
  std::string name;
  ArgumentType type = ArgumentType::integer;
  bool required = true;
};

/// A constructor that may be called.
struct Signature {
  std::string name;
  std::vector<Parameter> parameters;
};

/// Whole numbers start, start + step, ... before stop, as in range(start, stop, step), or the elements of a list.
struct Integers {
  std::int64_t start = 0, stop = 0, step = 1;
  std::vector<std::int64_t> listed;
  bool is_list = false;
  std::int64_t count() const;
  std::vector<std::int64_t> values() const;
};

struct Argument {
  std::int64_t integer = 0;
  bool boolean = false;
  Integers range;
  std::vector<struct Call> calls;  // one for ArgumentType::call
};

/// A checked call: arguments in the order of the signature, nullopt where one was left out.
struct Call {
  std::string name;
  std::size_t position = 0;
  std::vector<std::optional<Argument>> arguments;
};

struct CallRules {
  std::vector<Signature> signatures;
  std::string prefix;                        // may stand before a name: "dataset_filters."
  int depth = 32;                            // calls inside calls
  std::int64_t longest_range = 100'000'000;  // numbers of one range
};

/// Throws Error(config) with the column of the first fault and a suggestion for an unknown name.
Call parse_call(std::string_view text, const CallRules& rules, const std::string& name);

}  // namespace thimble::expr
