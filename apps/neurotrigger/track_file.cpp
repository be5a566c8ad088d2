#include "apps/neurotrigger/track_file.h"

#include "core/base/error.h"
#include "core/io/table.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

constexpr std::size_t kFirstInput = 9, kFirstTarget = kFirstInput + kInputs;  // positions in column_names()
constexpr int kExpertColumn = 6, kInputCount = 7, kOutputCount = 8;

void require(const io::Table& table, std::int64_t row, int column, double low, double high, const std::string& rule) {
  const double value = table.at(row, column);
  if (value < low || value > high) throw table.error(row, column, text::cat(rule, ", this is ", value));
}

/// What only track files know about their columns.
void check_rows(const io::Table& table) {
  constexpr double kInputsWanted = kInputs;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    require(table, row, kExpertColumn, 0, kExperts - 1, "an expert is a number from 0 to 4");
    require(table, row, kInputCount, kInputsWanted, kInputsWanted, "a track has 27 inputs");
    require(table, row, kOutputCount, 2, 2, "a track has 2 targets");
  }
}

Tensor pick(const io::Table& table, std::vector<std::size_t> columns) {
  std::vector<int> list;
  for (const std::size_t c : columns) list.push_back(static_cast<int>(c));
  return table.tensor(list);
}

std::vector<Origin> origins_of(const io::Table& table) {
  std::vector<Origin> origins(static_cast<std::size_t>(table.rows()));
  const auto whole = [&](std::int64_t row, int column) { return static_cast<std::int64_t>(table.at(row, column)); };
  for (std::int64_t row = 0; row < table.rows(); ++row)
    origins[static_cast<std::size_t>(row)] = {whole(row, 0), whole(row, 1), whole(row, 2),
                                              whole(row, 3), whole(row, 4), whole(row, 5)};
  return origins;
}

}  // namespace

Dataset read_tracks(const std::filesystem::path& path) {
  io::TableOptions options;
  options.delimiter = io::Delimiter::blanks;
  options.header = io::Header::required;
  options.columns = column_names();
  options.integers.assign(column_names().begin(), column_names().begin() + kFirstInput);
  const io::Table table = io::read_table(path, options);
  check_rows(table);
  Dataset data;
  std::vector<std::size_t> inputs;
  for (std::size_t i = 0; i < kInputs; ++i) inputs.push_back(kFirstInput + i);
  data.inputs = pick(table, inputs);
  data.targets = pick(table, {kFirstTarget, kFirstTarget + 1});
  data.old = pick(table, {kFirstTarget + 2, kFirstTarget + 4});
  data.words = pick(table, {kFirstTarget + 3, kFirstTarget + 5});
  data.origins = origins_of(table);
  for (std::int64_t row = 0; row < table.rows(); ++row)
    data.experts.push_back(static_cast<std::int8_t>(table.at(row, kExpertColumn)));
  // a hardware word is never 0 when scaled, so zeros throughout mean that no network stood behind these tracks
  const float* old = data.old.data<float>();
  data.has_old = std::any_of(old, old + data.old.numel(), [](float value) { return value != 0.0f; });
  return data;
}

Dataset read_tracks(const std::vector<std::string>& paths) {
  std::vector<Dataset> parts;
  for (const std::string& path : paths) parts.push_back(read_tracks(std::filesystem::path(path)));
  return concatenate(parts);
}

}  // namespace thimble::neurotrigger
