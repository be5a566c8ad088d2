#pragma once
// Predicates and formulas over the columns of a table: "loss <= 1.5 and age > 0", "loss > quantile(loss, 0.9)".
//
// Arithmetic in double. NaN makes every comparison but != false and goes through functions, min and max included; a
// number is true when it is neither 0 nor NaN. `%` takes the sign of the divisor; division and % by 0 give NaN.
// Functions: abs min max log sqrt exp floor isnan; over the rows that have a value: quantile(column, p), mean(column),
// std(column) with divisor n; count(expression); tag("name").

#include "core/text/expr.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::expr {

/// The table an expression sees. Every column has `rows` entries; one that holds no value is NaN.
struct Columns {
  std::size_t rows = 0;
  std::map<std::string, std::vector<double>> numbers;
  std::map<std::string, std::vector<std::string>> texts;
  /// 0 or 1 per row for tag("name"); empty when the table has no tags.
  std::function<std::vector<double>(const std::string&)> tag;
};

/// A checked expression; holds no reference to the table it was checked against.
class Formula {
 public:
  /// Throws Error(config) naming the column of the text: unknown names with a suggestion, text where a number belongs,
  /// wrong arguments, more than 8 functions over all rows, one of them inside another.
  Formula(std::string_view text, const Columns& table, const std::string& name = "expression");

  /// One value per row; predicates give 0 and 1. The table must have the columns the formula was checked with.
  std::vector<double> values(const Columns& table) const;
  /// values() as truth.
  std::vector<bool> mask(const Columns& table) const;
  const Node& tree() const { return tree_; }

 private:
  std::string text_, name_;
  Node tree_;
};

}  // namespace thimble::expr
