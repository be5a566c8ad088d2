// Recordings as triplets of NumPy files.

#include "core/io/npy.h"

#include "apps/fenet/data/recorded.h"
#include "apps/fenet/data/stored_samples.h"

namespace thimble::fenet {
namespace {

constexpr std::string_view kSignalEnd = "_broadband.npy";

[[noreturn]] void refuse_npy(const std::filesystem::path& path, const std::string& message,
                             const std::string& hint = {}) {
  throw Error(ErrorKind::data, message, Place{io::shown(path), 0, 0, {}}, hint);
}

/// [B, C, T] in a file.
class NpySegments : public SegmentSource {
 public:
  NpySegments(const std::filesystem::path& path, const io::NpyLayout& layout)
      : dims_(layout.dims), numbers_(path, layout.element, layout.begin, dims_[0] * dims_[1] * dims_[2]) {}
  std::int64_t segments() const override { return dims_[0]; }
  std::int64_t channels() const override { return dims_[1]; }
  std::int64_t samples() const override { return dims_[2]; }
  void read(std::int64_t first, const Tensor& block) const override {
    const std::int64_t each = dims_[1] * dims_[2];
    numbers_.read(first * each, block.size(0) * each, block.mut<float>());
  }

 private:
  std::vector<std::int64_t> dims_;
  StoredNumbers numbers_;
};

}  // namespace

RecordedDay read_npy_day(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (name.size() <= kSignalEnd.size() || name.substr(name.size() - kSignalEnd.size()) != kSignalEnd)
    refuse_npy(path, "is not named NAME_broadband.npy",
               "a recording in NumPy files is NAME_broadband.npy, NAME_labels.npy and perhaps NAME_cvr2.npy");
  RecordedDay day;
  day.name = name.substr(0, name.size() - kSignalEnd.size());
  const io::NpyLayout layout = io::read_npy_layout(path);
  if (layout.dims.size() != 3 || layout.dims[0] < 1 || layout.dims[1] < 1 || layout.dims[2] < 1)
    refuse_npy(path, text::cat("rank ", layout.dims.size(), " where [segments, channels, samples] is needed"));
  const auto source = std::make_shared<NpySegments>(path, layout);
  const auto labels_path = path.parent_path() / (day.name + "_labels.npy");
  const Tensor labels = io::read_npy(labels_path).tensor(DType::f32);
  if (labels.rank() != 2 || labels.size(0) != source->segments() || labels.size(1) < 1)
    refuse_npy(labels_path, text::cat("labels ", labels.shape(), " where [", source->segments(), ", axes] is needed"));
  day.sessions.push_back({source, labels});
  day.files = {path, labels_path};
  const auto scores_path = path.parent_path() / (day.name + "_cvr2.npy");
  if (!std::filesystem::exists(scores_path)) return day;
  day.channel_r2 = io::read_npy(scores_path).tensor(DType::f64);
  if (day.channel_r2.rank() != 2 || day.channel_r2.size(0) != source->channels())
    refuse_npy(scores_path,
               text::cat("R2 ", day.channel_r2.shape(), " where [", source->channels(), ", axes] is needed"));
  day.files.push_back(scores_path);
  return day;
}

}  // namespace thimble::fenet
