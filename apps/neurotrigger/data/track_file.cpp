#include "apps/neurotrigger/data/track_file.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/cache.h"
#include "core/io/table.h"

#include <algorithm>
#include <optional>

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

constexpr std::int64_t kOriginFields = 6;

void pack(const Dataset& data, io::SealedWriter& out) {
  out.dataset("/inputs", data.inputs);
  out.dataset("/targets", data.targets);
  out.dataset("/old", data.old);
  out.dataset("/words", data.words);
  std::vector<std::int64_t> origins, experts(data.experts.begin(), data.experts.end());
  for (const Origin& o : data.origins)
    origins.insert(origins.end(), {o.experiment, o.run, o.subrun, o.event, o.track, o.tracks});
  out.dataset("/origins", origins);
  out.dataset("/experts", experts);
  out.attribute("/", "has_old", data.has_old ? 1 : 0);
}

Dataset unpack(const io::SealedFile& file) {
  const std::vector<std::int64_t> experts = file.array("/experts").integers(),
                                  origins = file.array("/origins").integers();
  const auto rows = static_cast<std::int64_t>(experts.size());
  Dataset data;
  data.inputs = file.read("/inputs", Shape{rows, static_cast<std::int64_t>(kInputs)});
  data.targets = file.read("/targets", Shape{rows, 2});
  data.old = file.read("/old", Shape{rows, 2});
  data.words = file.read("/words", Shape{rows, 2});
  data.has_old = file.integer_attribute("/", "has_old") != 0;
  for (const std::int64_t expert : experts) data.experts.push_back(static_cast<std::int8_t>(expert));
  THIMBLE_CHECK(static_cast<std::int64_t>(origins.size()) == kOriginFields * rows, data, "cache entry with ",
                origins.size(), " origin numbers for ", rows, " tracks");
  for (std::size_t i = 0; i < origins.size(); i += kOriginFields)
    data.origins.push_back(
        {origins[i], origins[i + 1], origins[i + 2], origins[i + 3], origins[i + 4], origins[i + 5]});
  return data;
}

Dataset dataset_of(const io::Table& table) {
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

/// A track file in blocks: the text is never in memory as a whole, a table of doubles only for one block.
class TrackBlocks {
 public:
  static constexpr std::int64_t kRows = 32768;  // of a block; fewer mean that it is the last one

  explicit TrackBlocks(std::filesystem::path path) : path_(std::move(path)) {}

  /// Block `number`; cheap in ascending order.
  Dataset block(std::int64_t number) {
    if (!reader_ || number < next_) {
      reader_.emplace(path_, options());
      next_ = 0;
    }
    for (; next_ < number; ++next_) reader_->next(kRows);
    ++next_;
    return dataset_of(reader_->next(kRows));
  }

 private:
  static io::TableOptions options() {
    io::TableOptions options;
    options.delimiter = io::Delimiter::blanks;
    options.header = io::Header::required;
    options.columns = column_names();
    options.integers.assign(column_names().begin(), column_names().begin() + kFirstInput);
    return options;
  }

  std::filesystem::path path_;
  std::optional<io::TableReader> reader_;
  std::int64_t next_ = 0;
};

/// Appends the blocks of a file, each from the cache if it is there.
void read_blocks(const std::string& path, io::Cache& cache, std::vector<Dataset>& blocks) {
  TrackBlocks source(path);
  for (std::int64_t number = 0;; ++number) {
    const io::SealedFile entry = cache.get({path}, text::cat("block ", number), "tracks-2",
                                           [&](io::SealedWriter& out) { pack(source.block(number), out); });
    blocks.push_back(unpack(entry));
    if (blocks.back().rows() < TrackBlocks::kRows) return;
  }
}

}  // namespace

Dataset read_tracks(const std::filesystem::path& path) {
  TrackBlocks source(path);
  std::vector<Dataset> blocks;
  while (blocks.empty() || blocks.back().rows() == TrackBlocks::kRows)
    blocks.push_back(source.block(static_cast<std::int64_t>(blocks.size())));
  return concatenate(std::move(blocks));
}

Dataset read_tracks(const std::vector<std::string>& paths, const std::filesystem::path& folder) {
  std::vector<Dataset> parts;
  io::Cache cache(folder);
  for (const std::string& path : paths)
    if (folder.empty())
      parts.push_back(read_tracks(std::filesystem::path(path)));
    else
      read_blocks(path, cache, parts);
  for (const std::string& warning : cache.warnings()) log::warning(warning);
  return concatenate(std::move(parts));
}

}  // namespace thimble::neurotrigger
