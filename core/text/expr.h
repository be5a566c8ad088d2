#pragma once
// One parser for everything a user may write as a formula: predicates over columns, constraints, filters written as
// constructor calls. Text becomes a tree; nothing is evaluated here and nothing is ever run as code.
//
//   or      := and (("or" | "||") and)*             and   := not (("and" | "&&") not)*
//   not     := ("not" | "!") not | compare
//   compare := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)* | sum ["not"] "in" list      chains: a < x <= b
//   sum     := product (("+" | "-") product)*       product := unary (("*" | "/" | "%") unary)*
//   unary   := "-" unary | atom
//   atom    := number | string | name | name "(" [argument ("," argument)*] ")" | "(" or ")" | list
//   argument:= [name "="] or                        list  := "[" [or ("," or)*] "]"
// Names may hold dots.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::expr {

enum class Kind {
  number,
  text,
  name,
  list,
  call,
  negate,
  logical_not,
  logical_and,
  logical_or,
  arithmetic,
  compare,
  in
};

struct Node {
  Kind kind = Kind::number;
  std::size_t position = 0;            // byte offset in the text
  double number = 0;                   // number
  bool integer = false;                // number written as digits only and within 64 bits
  std::int64_t whole = 0;              // its value
  std::string text;                    // name, text, call; operator of arithmetic ("+"); "in" or "not in"
  std::vector<Node> children;          // operands, elements, arguments
  std::vector<std::string> operators;  // compare: one less than children
  std::vector<std::string> keywords;   // call: one per argument, "" where there is none
};

struct Limits {
  std::size_t bytes = 4096;
  int depth = 64;
  std::size_t list = 1024;
};

/// Parses the whole text. Throws Error(config) with the column and the text as excerpt; `name` says where the text
/// comes from ("filter", "--where").
Node parse(std::string_view text, const std::string& name = "expression", const Limits& limits = {});

/// The error a front end throws at a node of a parsed text.
[[noreturn]] void fail_at(const Node& node, std::string_view text, const std::string& name, const std::string& message,
                          const std::string& hint = {});

/// The tree as text that parses to the same tree.
std::string print(const Node& node);

}  // namespace thimble::expr
