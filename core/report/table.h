#pragma once
// A result table: the same rows as aligned text on stdout, as csv and in the report.

#include <string>
#include <vector>

namespace thimble::report {

struct Column {
  std::string name;
  std::string unit;
  bool left = false;       // text columns; numbers stand right
  bool reference = false;  // what the result is compared with, shown quieter
};

struct Cell {
  std::string text;
  bool best = false;  // bold in the report, * in plain text
  Cell() = default;
  Cell(std::string value, bool is_best = false) : text(std::move(value)), best(is_best) {}
  Cell(const char* value) : text(value) {}
};
/// Fixed decimals; NaN and infinity become "-".
Cell number(double value, int decimals, bool best = false);
/// "5.92 ± 0.08".
Cell number(double value, int decimals, double half_width, bool best = false);

struct Table {
  std::string title;
  std::string note;  // one line under the table: divisors, cuts, number of rows
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // short rows are filled with empty cells
  bool last_is_total = false;           // the last row is a mean or sum: set apart
};

/// Aligned columns with a rule under the head; `unicode` false writes +- for ± and - for lines. Ends with a newline.
std::string plain_text(const Table& table, bool unicode = true);
/// Head "name [unit]", comma separated, quoted where needed; text cells that begin with = + - @ and are no numbers get
/// a leading apostrophe, so that no spreadsheet runs them.
std::string csv(const Table& table);

/// Columns a text takes on a terminal (UTF-8 code points, combining and zero-width ones not counted).
std::size_t display_width(const std::string& text);
/// Cut to that many columns, the last one then being an ellipsis.
std::string shortened(std::string text, std::size_t columns);

}  // namespace thimble::report
