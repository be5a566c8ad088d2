#include "core/io/table.h"

#include "core/io/gzip.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>

namespace thimble::io {
namespace {

constexpr double kExactInteger = 9007199254740992.0;  // 2^53
constexpr double kFloatMax = static_cast<double>(std::numeric_limits<float>::max());

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view strip(std::string_view field) {
  while (!field.empty() && is_blank(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_blank(field.back())) field.remove_suffix(1);
  return field;
}

/// Fields of a line, one after the other.
class Fields {
 public:
  Fields(std::string_view line, Delimiter delimiter) : rest_(line), delimiter_(delimiter) {
    if (delimiter_ == Delimiter::blanks) rest_ = strip(rest_);
    more_ = !rest_.empty();
  }

  bool next(std::string_view& field) {
    if (!more_) return false;
    const char* begin = rest_.data();
    const char* end = begin + rest_.size();
    const char* at = begin;
    if (delimiter_ == Delimiter::blanks) {
      while (at != end && !is_blank(*at)) ++at;
      field = {begin, static_cast<std::size_t>(at - begin)};
      while (at != end && is_blank(*at)) ++at;
      more_ = at != end;
    } else {
      at = std::find(begin, end, delimiter_ == Delimiter::comma ? ',' : '\t');
      field = strip({begin, static_cast<std::size_t>(at - begin)});
      more_ = at != end;
      if (more_) ++at;
    }
    rest_ = {at, static_cast<std::size_t>(end - at)};
    return true;
  }

 private:
  std::string_view rest_;
  Delimiter delimiter_;
  bool more_;
};

enum class Reading { number, out_of_range, none };

/// Whole field as a decimal number, also "nan" and "inf", which the caller refuses by their value.
Reading read_number(std::string_view field, double& value) {
  if (field.size() > 1 && field.front() == '+' && field[1] != '-') field.remove_prefix(1);
  const char* end = field.data() + field.size();
  const auto result = std::from_chars(field.data(), end, value);
  if (result.ec == std::errc::result_out_of_range && result.ptr == end) return Reading::out_of_range;
  return result.ec == std::errc{} && result.ptr == end ? Reading::number : Reading::none;
}

}  // namespace

class TableReader::Parser {
 public:
  Parser(ByteSource& source, const std::string& name, TableOptions options)
      : lines_(source, name), options_(std::move(options)), delimiter_(options_.delimiter) {}

  Table next(std::int64_t rows) {
    if (names_.empty()) begin();
    Table table(lines_.name(), kept_names());
    std::string_view line;
    while (table.rows() < rows && next_row(line)) add(table, line);
    if (rows_ == 0 && !options_.allow_empty) refuse("no rows behind the header", {}, 0);
    return table;
  }

 private:
  /// Reads as far as the columns are known.
  void begin() {
    std::string_view line;
    if (!first_line(line)) refuse("the file is empty", {}, 0);
    if (delimiter_ == Delimiter::automatic)
      delimiter_ = line.find(',') != std::string_view::npos ? Delimiter::comma : Delimiter::blanks;
    const bool header = is_header(line);
    name_columns(line, header);
    if (!header) pending_ = line;
  }

  /// The line that turned out to be no header, then the lines after it.
  bool next_row(std::string_view& line) {
    if (pending_.empty()) return next_filled(line);
    line = std::exchange(pending_, {});
    return true;
  }

  [[noreturn]] void refuse(const std::string& message, const std::string& column, std::size_t at,
                           const std::string& hint = {}) const {
    throw Error(ErrorKind::data, message, Place{lines_.name(), lines_.number(), static_cast<long>(at), column}, hint);
  }

  bool first_line(std::string_view& line) {
    bool first = true;
    for (int skipped = 0; skipped < options_.skip_lines; ++skipped, first = false)
      if (!lines_.next(line)) return false;
    if (!next_filled(line)) return false;
    if (first && line.substr(0, 3) == "\xEF\xBB\xBF") line.remove_prefix(3);
    if (first && (line.substr(0, 2) == "\xFF\xFE" || line.substr(0, 2) == "\xFE\xFF"))
      refuse("the file is UTF-16", {}, 0, "save it as UTF-8 or plain text");
    return true;
  }

  bool next_filled(std::string_view& line) {
    for (int empty = 0; lines_.next(line); ++empty) {
      if (!strip(line).empty()) return true;
      if (empty >= limits::kEmptyLines) refuse(text::cat("more than ", limits::kEmptyLines, " empty lines"), {}, 0);
    }
    return false;
  }

  bool is_header(std::string_view line) const {
    if (options_.header == Header::none) return false;
    Fields fields(line, delimiter_);
    std::string_view field;
    double value = 0;
    while (fields.next(field))
      if (read_number(field, value) == Reading::none) return true;
    if (options_.header == Header::required) refuse("header missing: the first line holds numbers, not names", {}, 0);
    return false;
  }

  void name_columns(std::string_view line, bool header) {
    Fields fields(line, delimiter_);
    std::string_view field;
    std::unordered_set<std::string> seen;
    while (fields.next(field)) {
      if (names_.size() == limits::kTableColumns)
        refuse(text::cat("more than ", limits::kTableColumns, " columns"), {}, 0);
      names_.push_back(header ? std::string(field) : text::cat("column_", names_.size() + 1));
      if (text::printable(names_.back()) != names_.back())
        refuse("column name is too long or has odd characters", text::printable(names_.back()), 0);
      if (!seen.insert(names_.back()).second) refuse("column named twice", names_.back(), 0);
    }
    choose_columns();
  }

  void choose_columns() {
    target_.assign(names_.size(), -1);
    integer_.assign(names_.size(), false);
    for (std::size_t i = 0; i < names_.size() && options_.columns.empty(); ++i) target_[i] = static_cast<int>(i);
    for (std::size_t wanted = 0; wanted < options_.columns.size(); ++wanted) {
      const auto found = std::find(names_.begin(), names_.end(), options_.columns[wanted]);
      if (found == names_.end()) refuse("no such column", options_.columns[wanted], 0, near(options_.columns[wanted]));
      target_[static_cast<std::size_t>(found - names_.begin())] = static_cast<int>(wanted);
    }
    for (const std::string& name : options_.integers) {
      const auto found = std::find(names_.begin(), names_.end(), name);
      if (found != names_.end()) integer_[static_cast<std::size_t>(found - names_.begin())] = true;
    }
    row_.resize(kept_names().size());
  }

  std::string near(const std::string& name) const {
    const std::string nearest = text::nearest(name, names_);
    return nearest.empty()
               ? text::cat("the file has ", names_.size(), " columns: ", text::printable(text::join(names_, " ")))
               : "did you mean " + nearest + "?";
  }

  std::vector<std::string> kept_names() const { return options_.columns.empty() ? names_ : options_.columns; }

  void add(Table& table, std::string_view line) {
    Fields fields(line, delimiter_);
    std::string_view field;
    std::size_t count = 0;
    for (; fields.next(field); ++count) {
      if (count >= names_.size()) continue;
      const auto position = static_cast<std::size_t>(field.data() - line.data()) + 1;
      if (target_[count] >= 0) row_[static_cast<std::size_t>(target_[count])] = value_of(field, count, position);
    }
    if (count != names_.size())
      refuse(text::cat(count, " values where ", names_.size(), " columns are expected"),
             count < names_.size() ? names_[count] : std::string(), 0,
             count < names_.size() ? "if this is the last line, the file was cut off" : "");
    const std::uint64_t bytes = ++rows_ * (row_.size() + 1) * sizeof(double);
    if (bytes > options_.max_bytes)
      refuse(text::cat("the table exceeds the limit of ", size_text(options_.max_bytes), " in memory"), {}, 0);
    table.add(row_, lines_.number());
  }

  double value_of(std::string_view field, std::size_t column, std::size_t at) const {
    double value = 0;
    const Reading reading = read_number(field, value);
    const auto bad = [&](const std::string& what, const std::string& hint = {}) {
      refuse(what + ": \"" + text::printable(field) + "\"", names_[column], at, hint);
    };
    if (field.empty()) bad("value missing");
    if (reading == Reading::none)
      bad("not a number", field.find(',') != std::string_view::npos ? "decimals are written with a point" : "");
    if (reading == Reading::out_of_range) bad("number out of range");
    if (!std::isfinite(value)) bad("not a finite number");
    if (options_.float_range && std::fabs(value) > kFloatMax) bad("number beyond a 32-bit float");
    if (integer_[column] && value != std::nearbyint(value)) bad("not an integer");
    if (integer_[column] && std::fabs(value) > kExactInteger) bad("integer beyond 2^53, not exact");
    return value;
  }

  LineReader lines_;
  TableOptions options_;
  Delimiter delimiter_;
  std::string_view pending_;  // first row of a table without header, in the line buffer until the next line is read
  std::uint64_t rows_ = 0;    // handed out so far
  std::vector<std::string> names_;
  std::vector<int> target_;    // place of each column of the file in a row of the table, -1: not kept
  std::vector<bool> integer_;  // by column of the file
  std::vector<double> row_;
};

std::optional<int> Table::find(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) return std::nullopt;
  return static_cast<int>(found - names_.begin());
}

int Table::column(std::string_view name) const {
  if (const auto found = find(name)) return *found;
  const std::string nearest = text::nearest(name, names_);
  throw Error(ErrorKind::data, "no such column", Place{file_, 0, 0, std::string(name)},
              nearest.empty() ? std::string() : "did you mean " + nearest + "?");
}

void Table::add(std::span<const double> row, long line) {
  THIMBLE_CHECK(row.size() == names_.size(), internal, "a row of ", row.size(), " values for ", names_.size(),
                " columns");
  values_.insert(values_.end(), row.begin(), row.end());
  lines_.push_back(line);
}

Error Table::error(std::int64_t row, int column, const std::string& message) const {
  return {ErrorKind::data, message, Place{file_, line(row), 0, names_[static_cast<std::size_t>(column)]}};
}

namespace {

template <class T>
void copy_columns(const Table& table, std::span<const int> columns, T* to) {
  for (std::int64_t row = 0; row < table.rows(); ++row)
    for (const int column : columns) *to++ = static_cast<T>(table.at(row, column));
}

}  // namespace

Tensor Table::tensor(std::span<const int> columns, DType dtype) const {
  THIMBLE_CHECK(dtype == DType::f32 || dtype == DType::f64, dtype, "a table gives f32 or f64, not ", name_of(dtype));
  Tensor out = Tensor::empty(Shape{rows(), static_cast<std::int64_t>(columns.size())}, dtype);
  if (dtype == DType::f32)
    copy_columns(*this, columns, out.mut<float>());
  else
    copy_columns(*this, columns, out.mut<double>());
  return out;
}

Tensor Table::tensor(DType dtype) const {
  std::vector<int> all(names_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
  return tensor(all, dtype);
}

std::vector<std::int64_t> Table::integers(int column) const {
  std::vector<std::int64_t> out(lines_.size());
  for (std::int64_t row = 0; row < rows(); ++row) {
    const double value = at(row, column);
    if (value != std::nearbyint(value) || std::fabs(value) > kExactInteger)
      throw error(row, column, "not an integer of at most 2^53: " + text::shortest(value));
    out[static_cast<std::size_t>(row)] = static_cast<std::int64_t>(value);
  }
  return out;
}

TableReader::TableReader(const std::filesystem::path& path, TableOptions options)
    : source_(open_source(path)), parser_(std::make_unique<Parser>(*source_, shown(path), std::move(options))) {}
TableReader::TableReader(ByteSource& source, const std::string& name, TableOptions options)
    : parser_(std::make_unique<Parser>(source, name, std::move(options))) {}
TableReader::~TableReader() = default;
TableReader::TableReader(TableReader&&) noexcept = default;

Table TableReader::next(std::int64_t rows) {
  return parser_->next(rows);
}

Table read_table(ByteSource& source, const std::string& name, const TableOptions& options) {
  return TableReader(source, name, options).next(std::numeric_limits<std::int64_t>::max());
}

Table read_table(const std::filesystem::path& path, const TableOptions& options) {
  return TableReader(path, options).next(std::numeric_limits<std::int64_t>::max());
}

}  // namespace thimble::io
