#include "apps/fenet/data/stored_samples.h"

#include "core/base/error.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <numbers>
#include <vector>

namespace thimble::fenet {
namespace {

constexpr std::int64_t kTaps = 32;       // points of the resampling filter at the lower rate
constexpr std::int64_t kPhases = 1024;   // table entries between two points
constexpr std::int64_t kPieces = 65536;  // frames read at once

template <class T>
void widen(std::string_view bytes, float* to) {
  for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    *to++ = static_cast<float>(value);
  }
}

/// Interleaved frames to [C, T] of one segment.
void turn_segment(const float* frames, std::int64_t channels, std::int64_t samples, float* to) {
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t t = 0; t < samples; ++t) to[c * samples + t] = frames[t * channels + c];
}

/// Frames of a recording as they are.
class CutSegments : public SegmentSource {
 public:
  CutSegments(std::shared_ptr<const SampleSource> source, std::int64_t first, std::int64_t segments,
              std::int64_t samples)
      : source_(std::move(source)), first_(first), segments_(segments), samples_(samples) {}
  std::int64_t segments() const override { return segments_; }
  std::int64_t channels() const override { return source_->channels(); }
  std::int64_t samples() const override { return samples_; }
  void read(std::int64_t first, const Tensor& block) const override {
    const std::int64_t count = block.size(0) * samples_;
    std::vector<float> frames(static_cast<std::size_t>(count * channels()));
    read_frames(first * samples_, count, frames.data());
    for (std::int64_t b = 0; b < block.size(0); ++b)
      turn_segment(frames.data() + b * samples_ * channels(), channels(), samples_,
                   block.mut<float>() + b * samples_ * channels());
  }

 protected:
  virtual void read_frames(std::int64_t first, std::int64_t count, float* to) const {
    source_->read(first_ + first, count, to);
  }
  std::shared_ptr<const SampleSource> source_;
  std::int64_t first_;

 private:
  std::int64_t segments_, samples_;
};

/// Hann-windowed sinc at distances of 0 to kTaps / 2 points, for a cut-off at half the rate of the points.
std::vector<double> sinc_table() {
  std::vector<double> out;
  for (std::int64_t i = 0; i <= kTaps / 2 * kPhases + 1; ++i) {
    const double x = static_cast<double>(i) / double{kPhases}, pi_x = std::numbers::pi * x;
    const double window = x < kTaps / 2 ? 0.5 + 0.5 * std::cos(pi_x / double{kTaps / 2}) : 0.0;
    out.push_back(i == 0 ? 1.0 : window * std::sin(pi_x) / pi_x);
  }
  return out;
}

/// Frames at another rate, between those of the recording.
class Resampled : public CutSegments {
 public:
  Resampled(std::shared_ptr<const SampleSource> source, std::int64_t first, std::int64_t frames, double step,
            std::int64_t segments, std::int64_t samples)
      : CutSegments(std::move(source), first, segments, samples),
        frames_(frames),
        step_(step),
        shrink_(std::min(1.0, 1.0 / step)),
        table_(sinc_table()) {}

 protected:
  void read_frames(std::int64_t first, std::int64_t count, float* to) const override {
    const auto reach = static_cast<std::int64_t>(std::ceil(double{kTaps / 2} / shrink_));
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t some = std::min<std::int64_t>(count - done, kPieces);
      const double begin = static_cast<double>(first + done) * step_;
      const double end = static_cast<double>(first + done + some - 1) * step_;
      const std::int64_t from = std::max<std::int64_t>(0, static_cast<std::int64_t>(begin) - reach);
      const std::int64_t until = std::min(frames_, static_cast<std::int64_t>(end) + reach + 2);
      std::vector<float> near(static_cast<std::size_t>((until - from) * channels()));
      source_->read(first_ + from, until - from, near.data());
      for (std::int64_t i = 0; i < some; ++i)
        frame_at(static_cast<double>(first + done + i) * step_, near, from, until, to + (done + i) * channels());
      done += some;
    }
  }

 private:
  double weight(double distance) const {
    const double place = distance * shrink_ * double{kPhases};
    if (place >= double{kTaps / 2 * kPhases}) return 0.0;
    const auto at = static_cast<std::size_t>(place);
    return table_[at] + (place - static_cast<double>(at)) * (table_[at + 1] - table_[at]);
  }
  /// The weights are divided by their sum, so that a constant stays one, at the ends of the recording too.
  void frame_at(double place, const std::vector<float>& near, std::int64_t from, std::int64_t until, float* to) const {
    const double reach = double{kTaps / 2} / shrink_;
    const std::int64_t low = std::max(from, static_cast<std::int64_t>(std::ceil(place - reach)));
    const std::int64_t high = std::min(until - 1, static_cast<std::int64_t>(std::floor(place + reach)));
    std::vector<double> sums(static_cast<std::size_t>(channels()), 0.0);
    double total = 0.0;
    for (std::int64_t i = low; i <= high; ++i) {
      const double w = weight(std::abs(place - static_cast<double>(i)));
      total += w;
      const float* frame = near.data() + (i - from) * channels();
      for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += w * static_cast<double>(frame[c]);
    }
    for (std::size_t c = 0; c < sums.size(); ++c) to[c] = static_cast<float>(sums[c] / total);
  }

  std::int64_t frames_;
  double step_;    // frames of the recording for each of ours
  double shrink_;  // of the filter's cut-off
  std::vector<double> table_;
};

}  // namespace

void floats_of(std::string_view bytes, io::Element element, float* to) {
  if (element == io::Element::f32) widen<float>(bytes, to);
  if (element == io::Element::f64) widen<double>(bytes, to);
  if (element == io::Element::i16) widen<std::int16_t>(bytes, to);
  if (element == io::Element::i32) widen<std::int32_t>(bytes, to);
}

StoredNumbers::StoredNumbers(const std::filesystem::path& path, io::Element element, std::uint64_t begin,
                             std::int64_t count)
    : file_(io::open_regular(path)), element_(element), begin_(begin), count_(count) {
  const bool known = element == io::Element::f32 || element == io::Element::f64 || element == io::Element::i16 ||
                     element == io::Element::i32;
  if (!known)
    throw Error(ErrorKind::data,
                text::cat("numbers of type ", io::name_of(element), ": i16, i32, f32 or f64 is needed"),
                Place{io::shown(path), 0, 0, {}});
  const std::uint64_t each = io::size_of(element);
  const std::uint64_t there = file_.bytes > begin ? (file_.bytes - begin) / each : 0;
  if (count < 0 || static_cast<std::uint64_t>(count) > there)
    throw Error(ErrorKind::data, text::cat("holds ", there, " numbers where ", count, " are needed; is it cut off?"),
                Place{io::shown(path), 0, 0, {}});
}

void StoredNumbers::read(std::int64_t first, std::int64_t count, float* to) const {
  THIMBLE_CHECK(first >= 0 && count >= 0 && first <= count_ - count, value, "numbers ", first, " to ", first + count,
                " of ", count_);
  const std::size_t each = io::size_of(element_);
  std::string bytes(static_cast<std::size_t>(count) * each, '\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const auto place = static_cast<off_t>(begin_ + static_cast<std::uint64_t>(first) * each + at);
    const ssize_t got = ::pread(file_.descriptor.get(), bytes.data() + at, bytes.size() - at, place);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io::system_error(errno, "cannot read", file_.path);
    if (got == 0)
      throw Error(ErrorKind::data, "became shorter while it was read", Place{io::shown(file_.path), 0, 0, {}});
    at += static_cast<std::size_t>(got);
  }
  floats_of(bytes, element_, to);
  const float* bad = std::find_if(to, to + count, [](float v) { return !std::isfinite(v); });
  if (bad != to + count)
    throw Error(ErrorKind::data, text::cat("number ", first + (bad - to), " is not finite"),
                Place{io::shown(file_.path), 0, 0, {}}, "remove the damaged stretch from the recording");
}

std::shared_ptr<const SegmentSource> cut_segments(std::shared_ptr<const SampleSource> source, std::int64_t first,
                                                  std::int64_t frames, double rate, double target,
                                                  std::int64_t samples) {
  const double step = rate / target;
  if (std::abs(step - 1.0) < 1e-9)
    return std::make_shared<CutSegments>(std::move(source), first, frames / samples, samples);
  const auto segments = static_cast<std::int64_t>(std::floor(static_cast<double>(frames) / step)) / samples;
  return std::make_shared<Resampled>(std::move(source), first, frames, step, segments, samples);
}

}  // namespace thimble::fenet
