#include "core/report/table.h"

#include "core/base/text.h"

#include <algorithm>
#include <cmath>

namespace thimble::report {
namespace {

std::string head(const Column& column) {
  return column.unit.empty() ? column.name : column.name + " [" + column.unit + "]";
}

const Cell& cell_of(const std::vector<Cell>& row, std::size_t column) {
  static const Cell empty;
  return column < row.size() ? row[column] : empty;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string for_terminal(const std::string& text, bool unicode) {
  const std::string clean = text::printable(text, 400);
  if (unicode) return clean;
  std::string out = replaced(replaced(clean, "±", "+-"), "σ", "sigma ");
  return replaced(replaced(replaced(out, "·", ","), "→", "->"), "−", "-");
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::size_t used = display_width(text);
  const std::string blanks(width > used ? width - used : 0, ' ');
  return left ? text + blanks : blanks + text;
}

void trim_right(std::string& line) {
  line.erase(line.find_last_not_of(' ') + 1);
}

using Lines = std::vector<std::vector<std::string>>;

std::vector<std::size_t> widths_of(const Lines& lines, std::size_t columns) {
  std::vector<std::size_t> widths(columns, 0);
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < columns; ++c) widths[c] = std::max(widths[c], display_width(line[c]));
  }
  return widths;
}

Lines texts_of(const Table& table, bool unicode) {
  const bool any_best = std::any_of(table.rows.begin(), table.rows.end(), [](const auto& row) {
    return std::any_of(row.begin(), row.end(), [](const Cell& cell) { return cell.best; });
  });
  Lines lines(1);
  for (const Column& column : table.columns) lines[0].push_back(for_terminal(head(column), unicode));
  for (const auto& row : table.rows) {
    lines.emplace_back();
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const Cell& cell = cell_of(row, c);
      const std::string mark = !any_best || table.columns[c].left ? "" : cell.best ? "*" : " ";
      lines.back().push_back(for_terminal(cell.text, unicode) + mark);
    }
  }
  return lines;
}

/// A number, alone or with its interval: "-6.50 ± 0.25".
bool is_number(const std::string& text) {
  double value = 0;
  return text::parse(text.substr(0, text.find(" ± ")), value);
}

std::string csv_field(std::string text) {
  if (text == "-") return {};  // number() without a value
  constexpr std::string_view formula = "=+-@\t\r";
  if (!text.empty() && formula.find(text.front()) != std::string_view::npos && !is_number(text)) text.insert(0, "'");
  if (text.find_first_of(",\"\n\r;\t") == std::string::npos) return text;
  return "\"" + replaced(text, "\"", "\"\"") + "\"";
}

}  // namespace

std::size_t display_width(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte & 0xC0) == 0x80) continue;
    const unsigned next = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0;
    const bool combining = byte == 0xCC || (byte == 0xCD && next < 0xB0);  // U+0300 .. U+036F
    width += combining ? 0 : 1;
  }
  return width;
}

std::string shortened(std::string text, std::size_t columns) {
  if (display_width(text) <= columns) return text;
  std::size_t end = 0, width = 0;
  for (; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts && ++width == columns) break;
  }
  return text.substr(0, end) + "…";
}

Cell number(double value, int decimals, bool best) {
  return {std::isfinite(value) ? text::fixed(value, decimals) : "-", best && std::isfinite(value)};
}

Cell number(double value, int decimals, double half_width, bool best) {
  Cell cell = number(value, decimals, best);
  if (std::isfinite(value) && std::isfinite(half_width)) cell.text += " ± " + text::fixed(half_width, decimals);
  return cell;
}

std::string plain_text(const Table& table, bool unicode) {
  const std::size_t columns = table.columns.size();
  const Lines lines = texts_of(table, unicode);
  const auto widths = widths_of(lines, columns);
  std::string rule;
  for (std::size_t c = 0; c < columns; ++c) {
    if (c > 0) rule += "  ";
    for (std::size_t i = 0; i < widths[c]; ++i) rule += unicode ? "─" : "-";
  }
  std::string out = table.title.empty() ? "" : for_terminal(table.title, unicode) + "\n";
  for (std::size_t r = 0; r < lines.size(); ++r) {
    if (table.last_is_total && r > 1 && r + 1 == lines.size()) out += rule + "\n";
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      line += (c > 0 ? "  " : "") + padded(lines[r][c], widths[c], table.columns[c].left);
    }
    trim_right(line);
    out += line + "\n";
    if (r == 0) out += rule + "\n";
  }
  if (!table.note.empty()) out += for_terminal(table.note, unicode) + "\n";
  return out;
}

std::string csv(const Table& table) {
  std::string out;
  for (std::size_t c = 0; c < table.columns.size(); ++c) out += (c > 0 ? "," : "") + csv_field(head(table.columns[c]));
  out += "\n";
  for (const auto& row : table.rows) {
    for (std::size_t c = 0; c < table.columns.size(); ++c) out += (c > 0 ? "," : "") + csv_field(cell_of(row, c).text);
    out += "\n";
  }
  return out;
}

}  // namespace thimble::report
