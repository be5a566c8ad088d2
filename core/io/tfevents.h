#pragma once
// TensorBoard event files: scalars, images, histograms and texts (neurotrigger.md 3.8, decisions.md D35).

#include "core/io/atomic_file.h"
#include "core/io/limits.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::io {

/// Counts of values between limits, as TensorBoard draws them.
struct EventHistogram {
  double min = 0, max = 0, count = 0, sum = 0, sum_of_squares = 0;
  std::vector<double> upper;   // upper limit of each bucket, ascending
  std::vector<double> counts;  // values in each bucket
};

/// Histogram of the finite elements of a float tensor in equal buckets from the least to the largest.
EventHistogram histogram_of(const Tensor& values, int buckets = 30);

/// Writes one event file. Records become visible to TensorBoard at flush().
class EventWriter {
 public:
  /// Creates `folder` and in it "events.out.tfevents.<seconds>.<host>.<pid>.<n>". Throws Error(io).
  explicit EventWriter(const std::filesystem::path& folder);
  /// Goes on with a file, cut to `length` first (resume from a checkpoint). Throws Error(io).
  EventWriter(const std::filesystem::path& file, std::uint64_t length);

  /// Wall times are seconds since 1970; without one it is now.
  void scalar(std::string_view tag, std::int64_t step, float value, std::optional<double> wall_time = {});
  /// `png`: a PNG image.
  void image(std::string_view tag, std::int64_t step, std::string_view png, std::optional<double> wall_time = {});
  void histogram(std::string_view tag, std::int64_t step, const EventHistogram& values,
                 std::optional<double> wall_time = {});
  /// Markdown.
  void text(std::string_view tag, std::int64_t step, std::string_view text, std::optional<double> wall_time = {});

  /// Throws Error(io), then the records keep waiting.
  void flush() { file_.flush(); }
  /// Length including what waits; store it in checkpoints.
  std::uint64_t length() const { return file_.length(); }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void value(std::int64_t step, std::string_view value, std::optional<double> wall_time);
  void record(std::string_view payload);

  AppendFile file_;
};

/// One value of an event, as it was written.
struct EventValue {
  std::string tag;
  std::optional<float> scalar;
  std::string png;  // of an image
  std::optional<EventHistogram> histogram;
  std::optional<std::string> text;
};

struct Event {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string file_version;  // first record only
  std::vector<EventValue> values;
};

/// All events of a file's bytes; checksums and structure are verified. Throws Error(data) naming file and byte; a
/// record that is cut off at the end is left out if `cut_end` allows it (a file that is being written).
std::vector<Event> parse_events(std::string_view bytes, const std::string& name, bool cut_end = false);
std::vector<Event> read_events(const std::filesystem::path& path, bool cut_end = false);

}  // namespace thimble::io
