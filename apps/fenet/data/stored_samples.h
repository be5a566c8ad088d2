#pragma once
// Numbers in files without structure, read where they are wanted.

#include "core/io/array.h"
#include "core/io/file.h"

#include "apps/fenet/data/session.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace thimble::fenet {

/// Little-endian i16, i32, f32 or f64 as floats; whole elements only.
void floats_of(std::string_view bytes, io::Element element, float* to);

/// Little-endian numbers behind each other from byte `begin` on. Throws Error(io); Error(data) if the file is shorter
/// than `count` numbers need.
class StoredNumbers {
 public:
  StoredNumbers(const std::filesystem::path& path, io::Element element, std::uint64_t begin, std::int64_t count);
  /// Numbers first .. first + count - 1 as floats; f32, f64, i16 and i32 are possible. Throws Error(data) naming the
  /// first one that is not finite.
  void read(std::int64_t first, std::int64_t count, float* to) const;
  std::int64_t count() const { return count_; }
  const std::filesystem::path& path() const { return file_.path; }

 private:
  io::InputFile file_;
  io::Element element_;
  std::uint64_t begin_;
  std::int64_t count_;
};

/// A recording that has not been cut into segments: `frames` moments of `channels` numbers.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual std::int64_t frames() const = 0;
  virtual std::int64_t channels() const = 0;
  /// Frames first .. first + count - 1, [count, C] f32, one thread at a time.
  virtual void read(std::int64_t first, std::int64_t count, float* to) const = 0;
};

/// Frames first .. first + frames - 1 of a recording at `rate`, cut into segments of `samples` at `target` samples per
/// second; if the rates differ, resampled with a windowed sinc of 32 points (cut off at the lower of the two halves).
std::shared_ptr<const SegmentSource> cut_segments(std::shared_ptr<const SampleSource> source, std::int64_t first,
                                                  std::int64_t frames, double rate, double target,
                                                  std::int64_t samples);

}  // namespace thimble::fenet
