#pragma once
// The one reader of text tables: numbers in rows and named columns, plain or gzip.

#include "core/base/error.h"
#include "core/io/limits.h"
#include "core/io/source.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::io {

/// What stands between two values. `blanks`: any run of spaces and tabs. `automatic`: comma if the first line has one,
/// else blanks.
enum class Delimiter { automatic, comma, tab, blanks };

/// `automatic`: the first line is a header if one of its fields is no number. `required`: refused if it is none.
enum class Header { automatic, none, required };

struct TableOptions {
  Delimiter delimiter = Delimiter::automatic;
  Header header = Header::automatic;
  int skip_lines = 0;                 // lines before the header, or before the data if there is none
  std::vector<std::string> columns;   // keep these, in this order; empty: all. Others are not even parsed
  std::vector<std::string> integers;  // columns that must hold integers of at most 2^53; missing ones are ignored
  bool float_range = true;            // refuse what a 32-bit float cannot hold
  bool allow_empty = false;           // a table without rows is an error otherwise
  std::uint64_t max_bytes = limits::kTableBytes;  // of the values in memory
};

class Table {
 public:
  Table(std::string file, std::vector<std::string> names) : file_(std::move(file)), names_(std::move(names)) {}

  const std::string& file() const { return file_; }
  const std::vector<std::string>& names() const { return names_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(lines_.size()); }
  int columns() const { return static_cast<int>(names_.size()); }
  double at(std::int64_t row, int column) const { return values_[index(row, column)]; }
  /// Number of the column; nothing if there is none of that name.
  std::optional<int> find(std::string_view name) const;
  /// As find, but throws Error(data) with the nearest name.
  int column(std::string_view name) const;
  /// Line of the file that the row came from, from 1.
  long line(std::int64_t row) const { return lines_[static_cast<std::size_t>(row)]; }

  /// [rows, columns.size()] of f32 or f64, row-major.
  Tensor tensor(std::span<const int> columns, DType dtype = DType::f32) const;
  /// All columns: [rows, columns()].
  Tensor tensor(DType dtype = DType::f32) const;
  /// The column as integers. Throws Error(data) with file:line:column name if one is no integer of at most 2^53.
  std::vector<std::int64_t> integers(int column) const;

  /// For checks of the caller: Error(data) at file:line:column name.
  Error error(std::int64_t row, int column, const std::string& message) const;

  /// Adds a row of columns() values.
  void add(std::span<const double> row, long line);

 private:
  std::size_t index(std::int64_t row, int column) const {
    return static_cast<std::size_t>(row) * names_.size() + static_cast<std::size_t>(column);
  }

  std::string file_;
  std::vector<std::string> names_;
  std::vector<double> values_;
  std::vector<long> lines_;
};

/// A table in blocks of rows, for files that are not to be in memory as doubles. Every block is checked; that the file
/// is whole is known only after the last one.
class TableReader {
 public:
  explicit TableReader(const std::filesystem::path& path, TableOptions options = {});
  /// `source` must stay.
  TableReader(ByteSource& source, const std::string& name, TableOptions options = {});
  ~TableReader();
  TableReader(TableReader&&) noexcept;

  /// The next rows, at most `rows` of them; none after the last. Throws as read_table.
  Table next(std::int64_t rows);

 private:
  class Parser;
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<Parser> parser_;
};

/// Reads a file, gzip if its content is. Numbers are decimal, finite and locale independent; every row has as many
/// fields as the header; empty lines are skipped; CR LF ends and a byte order mark are fine. Without a header the
/// columns are named "column_1", ... Nothing is returned before the file was read to its end and its checksums
/// verified. Throws Error(io), or Error(data) with file:line:column name.
Table read_table(const std::filesystem::path& path, const TableOptions& options = {});

/// The same from any source; `name` is the file shown in errors.
Table read_table(ByteSource& source, const std::string& name, const TableOptions& options = {});

}  // namespace thimble::io
