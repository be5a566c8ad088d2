// Day files of MATLAB 7.3, which are HDF5 with dimensions in reverse order.

#include "core/io/file.h"
#include "core/io/hdf5_foreign.h"

#include "apps/fenet/data/recorded.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace thimble::fenet {
namespace {

constexpr const char* kSignalSet = "/neural_cell";
constexpr const char* kTargetSet = "/targets";
constexpr const char* kScoreSet = "/CVR2";
constexpr std::int64_t kSlabBytes = 32 << 20;

[[noreturn]] void refuse_day(const std::filesystem::path& path, const std::string& dataset, const std::string& message,
                             const std::string& hint = {}) {
  throw Error(ErrorKind::data, message, Place{io::shown(path), 0, 0, dataset}, hint);
}

/// A cell [C, T, B]; boxes of it are read and turned round. The last box stays, since neighbouring segments lie side by
/// side in the file and are asked for soon.
class MatlabCell : public SegmentSource {
 public:
  MatlabCell(std::filesystem::path path, std::string dataset, const std::vector<std::int64_t>& dims)
      : path_(std::move(path)), dataset_(std::move(dataset)), rank_(dims.size()) {
    segments_ = dims.back();
    samples_ = dims[rank_ - 2];
    channels_ = rank_ == 3 ? dims[0] : 1;
  }
  std::int64_t segments() const override { return segments_; }
  std::int64_t channels() const override { return channels_; }
  std::int64_t samples() const override { return samples_; }
  void read(std::int64_t first, const Tensor& block) const override {
    const std::int64_t rows = channels_ * samples_;
    for (std::int64_t done = 0; done < block.size(0);) {
      fetch(first + done);
      const std::int64_t from = first + done - box_first_;
      const std::int64_t count = std::min(block.size(0) - done, box_.size(1) - from);
      float* to = block.mut<float>() + done * rows;
      const float* stored = box_.data<float>();
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t b = 0; b < count; ++b) to[b * rows + r] = stored[r * box_.size(1) + from + b];
      done += count;
    }
  }

 private:
  /// Makes the box hold segment `wanted`.
  void fetch(std::int64_t wanted) const {
    if (box_.defined() && wanted >= box_first_ && wanted < box_first_ + box_.size(1)) return;
    const std::int64_t rows = channels_ * samples_;
    const std::int64_t each = std::max<std::int64_t>(1, kSlabBytes / (rows * std::int64_t{sizeof(float)}));
    const std::int64_t begin = wanted / each * each, count = std::min(each, segments_ - begin);
    std::vector<std::int64_t> offset{0, 0, begin}, size{channels_, samples_, count};
    if (rank_ == 2) offset.erase(offset.begin()), size.erase(size.begin());
    box_ = io::read_foreign_slab(path_, {dataset_, offset, size}).tensor(DType::f32).reshape({rows, count});
    box_first_ = begin;
  }

  std::filesystem::path path_;
  std::string dataset_;
  std::size_t rank_;
  std::int64_t segments_ = 0, channels_ = 0, samples_ = 0;
  mutable Tensor box_;  // [C * T, n]
  mutable std::int64_t box_first_ = 0;
};

std::string day_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  for (std::size_t i = 0; i + 8 <= stem.size(); ++i) {
    const std::string digits = stem.substr(i, 8);
    if (std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) return digits;
  }
  return stem;
}

/// Rows and columns exchanged.
Tensor turned(const Tensor& x) {
  std::vector<double> out;
  const std::vector<double> values = x.to_vector();
  const auto rows = static_cast<std::size_t>(x.size(0)), columns = static_cast<std::size_t>(x.size(1));
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t r = 0; r < rows; ++r) out.push_back(values[r * columns + c]);
  return Tensor::from(out, {x.size(1), x.size(0)});
}

std::string sizes_text(const std::vector<std::int64_t>& dims) {
  std::vector<std::string> parts;
  for (const std::int64_t size : dims) parts.push_back(std::to_string(size));
  return text::cat("[", text::join(parts, ", "), "]");
}

/// The sessions' data sets: what the cells refer to, checked against each other.
void open_cells(const std::filesystem::path& path, const io::Hdf5Tree& tree, RecordedDay& day) {
  const auto cells = tree.outlines.find(kSignalSet);
  if (cells == tree.outlines.end())
    refuse_day(path, kSignalSet, "no such data set", "a day file holds neural_cell, targets and perhaps CVR2");
  if (cells->second.references.empty())
    refuse_day(path, kSignalSet, "is no cell array: references to one array per session are needed");
  for (const std::string& reference : cells->second.references) {
    const auto found = tree.outlines.find(reference);
    const std::string place = text::cat(kSignalSet, " -> ", text::printable(reference));
    if (found == tree.outlines.end()) refuse_day(path, place, "refers to no data set");
    const std::vector<std::int64_t>& dims = found->second.dims;
    if (!found->second.is_number || (dims.size() != 3 && dims.size() != 2) ||
        *std::min_element(dims.begin(), dims.end()) < 1)
      refuse_day(path, place, text::cat(sizes_text(dims), " where numbers [channels, samples, segments] are needed"));
    auto source = std::make_shared<MatlabCell>(path, reference, dims);
    if (!day.sessions.empty()) {
      const SegmentSource& one = *day.sessions.front().segments;
      if (one.channels() != source->channels() || one.samples() != source->samples())
        refuse_day(path, place,
                   text::cat(source->channels(), " channels of ", source->samples(),
                             " samples where the first session has ", one.channels(), " of ", one.samples()));
    }
    day.sessions.push_back({std::move(source), {}});
  }
}

/// The outline of a table [rows, columns] of numbers.
void check_table(const std::filesystem::path& path, const std::string& name, const io::Hdf5Outline& outline,
                 std::int64_t columns, const std::string& meaning) {
  if (!outline.is_number || outline.dims.size() != 2 || outline.dims[0] < 1)
    refuse_day(path, name, text::cat(sizes_text(outline.dims), " where numbers ", meaning, " are needed"));
  if (outline.dims[1] != columns)
    refuse_day(path, name, text::cat(outline.dims[1], " columns where ", columns, " are needed: ", meaning));
}

void cut_labels(const Tensor& labels, RecordedDay& day) {
  std::int64_t at = 0;
  for (RecordedSession& session : day.sessions) {
    session.labels = labels.rows(at, session.segments->segments()).clone();
    at += session.segments->segments();
  }
}

}  // namespace

RecordedDay read_matlab_day(const std::filesystem::path& path) {
  const io::Hdf5Tree tree = io::outline_foreign_hdf5(path);
  RecordedDay day;
  day.name = day_name(path);
  day.files = {path};
  open_cells(path, tree, day);
  std::int64_t segments = 0;
  for (const RecordedSession& session : day.sessions) segments += session.segments->segments();
  const auto targets = tree.outlines.find(kTargetSet);
  if (targets == tree.outlines.end())
    refuse_day(path, kTargetSet, "no such data set", "targets [axes, segments of all sessions] holds the labels");
  check_table(path, kTargetSet, targets->second, segments, "[axes, segments of all sessions]");
  io::Hdf5Rules rules;
  rules.numbers = {kTargetSet};
  const auto scores = tree.outlines.find(kScoreSet);
  if (scores != tree.outlines.end()) {
    check_table(path, kScoreSet, scores->second, day.sessions.front().segments->channels(), "[axes, channels]");
    rules.numbers.emplace_back(kScoreSet);
  }
  rules.outlines = true;
  const io::Hdf5Tree tables = io::read_foreign_hdf5(path, rules);
  cut_labels(turned(tables.datasets.at(kTargetSet).numbers.tensor(DType::f64)).to(DType::f32), day);
  if (scores != tree.outlines.end()) day.channel_r2 = turned(tables.datasets.at(kScoreSet).numbers.tensor(DType::f64));
  return day;
}

}  // namespace thimble::fenet
