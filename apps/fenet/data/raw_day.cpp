// Interleaved samples without structure, described by a JSON file.

#include "core/io/json.h"
#include "core/io/npy.h"
#include "core/io/table.h"

#include "apps/fenet/data/raw_description.h"
#include "apps/fenet/data/recorded.h"
#include "apps/fenet/data/stored_samples.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace thimble::fenet {
namespace {

/// Samples of all channels side by side, times a factor, plus an offset.
class RawFrames : public SampleSource {
 public:
  RawFrames(const std::filesystem::path& path, const RawDescription& about)
      : about_(about), numbers_(path, about.element, about.header_bytes, whole_frames(path, about) * about.channels) {}
  std::int64_t frames() const override { return numbers_.count() / about_.channels; }
  std::int64_t channels() const override { return about_.channels; }
  void read(std::int64_t first, std::int64_t count, float* to) const override {
    numbers_.read(first * about_.channels, count * about_.channels, to);
    for (std::int64_t i = 0; i < count; ++i)
      for (const double factor : about_.scale) *to = static_cast<float>(factor * static_cast<double>(*to)), ++to;
  }

 private:
  static std::int64_t whole_frames(const std::filesystem::path& path, const RawDescription& about) {
    const std::uint64_t bytes = io::open_regular(path).bytes;
    const std::uint64_t frame = static_cast<std::uint64_t>(about.channels) * io::size_of(about.element);
    const std::uint64_t body = bytes > about.header_bytes ? bytes - about.header_bytes : 0;
    if (body == 0 || body % frame != 0)
      throw Error(ErrorKind::data,
                  text::cat(body, " bytes of samples, which is no multiple of the ", frame, " bytes of ",
                            about.channels, " channels"),
                  Place{io::shown(path), 0, 0, {}}, "the file is cut off, or its JSON names other channels or types");
    return static_cast<std::int64_t>(body / frame);
  }

  RawDescription about_;
  StoredNumbers numbers_;
};

Tensor read_labels(const std::filesystem::path& path, std::int64_t segments) {
  const Tensor labels =
      path.extension() == ".npy" ? io::read_npy(path).tensor(DType::f32) : io::read_table(path).tensor(DType::f32);
  if (labels.rank() != 2 || labels.size(0) != segments)
    throw Error(ErrorKind::data,
                text::cat("labels ", labels.shape(), " where [", segments, ", axes] is needed: one row per segment"),
                Place{io::shown(path), 0, 0, {}});
  return labels;
}

}  // namespace

RecordedDay read_raw_day(const std::filesystem::path& path, const DataKeys& keys) {
  const RawDescription about = read_raw_description(path);
  RecordedDay day;
  day.name = path.stem().string();
  day.files = {path};
  day.rate_hz = keys.rate_hz > 0 ? keys.rate_hz : about.rate_hz;
  std::int64_t samples = about.samples;
  if (samples == 0 || std::abs(day.rate_hz / about.rate_hz - 1.0) > 1e-9)
    samples = std::lround(keys.segment_ms * 1e-3 * day.rate_hz);
  for (const RawDescription::Session& session : about.sessions) {
    auto frames = std::make_shared<RawFrames>(session.data, about);
    const std::int64_t count = frames->frames();
    auto segments = cut_segments(std::move(frames), 0, count, about.rate_hz, day.rate_hz, samples);
    if (segments->segments() < 1)
      throw Error(ErrorKind::data, text::cat("shorter than one segment of ", samples, " samples"),
                  Place{io::shown(session.data), 0, 0, {}});
    const Tensor labels = session.labels.empty() ? Tensor() : read_labels(session.labels, segments->segments());
    day.files.push_back(session.data);
    if (!session.labels.empty()) day.files.push_back(session.labels);
    day.sessions.push_back({std::move(segments), labels});
  }
  if (!about.channel_r2.empty()) {
    day.channel_r2 = io::read_npy(about.channel_r2).tensor(DType::f64);
    day.files.push_back(about.channel_r2);
  }
  return day;
}

}  // namespace thimble::fenet
