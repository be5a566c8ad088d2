#include "core/io/tfevents.h"

#include "core/io/bytes.h"
#include "core/io/hash.h"
#include "core/io/png.h"
#include "core/io/wire.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

namespace thimble::io {
namespace {

// field numbers of the public message definitions
namespace field {
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5;                                // Event
constexpr int kValue = 1;                                                                              // Summary
constexpr int kTag = 1, kSimpleValue = 2, kImage = 4, kHistogram = 5, kTensor = 8, kMetadata = 9;      // Value
constexpr int kHeight = 1, kWidth = 2, kColours = 3, kEncoded = 4;                                     // Image
constexpr int kMin = 1, kMax = 2, kNum = 3, kSum = 4, kSumSquares = 5, kBucketLimit = 6, kBucket = 7;  // Histogram
constexpr int kType = 1, kShape = 2, kStrings = 8;                                                     // Tensor
}  // namespace field

constexpr std::size_t kRecordFrame = 16;  // length, its checksum, checksum of the payload
constexpr std::uint64_t kStringType = 7;  // DT_STRING

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Host name as it may stand in a file name.
std::string host() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  std::string out = name;
  for (char& c : out)
    if (c == '/' || static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7F) c = '_';
  return out;
}

std::filesystem::path new_file(const std::filesystem::path& folder) {
  static std::atomic<int> counter{0};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw system_error(failed.value(), "cannot create the folder", folder);
  return folder / text::cat("events.out.tfevents.", static_cast<std::int64_t>(now()), ".", host(), ".", ::getpid(), ".",
                            counter++);
}

std::string packed_doubles(const std::vector<double>& values) {
  std::string out;
  for (const double value : values) put(out, value);
  return out;
}

std::vector<double> unpacked_doubles(std::string_view bytes) {
  THIMBLE_CHECK(bytes.size() % sizeof(double) == 0, data, "damaged message: ", bytes.size(), " bytes of doubles");
  std::vector<double> out;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(double)) out.push_back(get<double>(bytes, at));
  return out;
}

}  // namespace

EventHistogram histogram_of(const Tensor& values, int buckets) {
  EventHistogram out;
  std::vector<double> finite = values.to_vector();
  std::erase_if(finite, [](double v) { return !std::isfinite(v); });
  if (finite.empty()) return out;
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  out.min = *low;
  out.max = *high;
  out.count = static_cast<double>(finite.size());
  const double width = out.max > out.min ? (out.max - out.min) / buckets : 1;
  const std::size_t used = out.max > out.min ? static_cast<std::size_t>(buckets) : 1;
  out.counts.assign(used, 0);
  for (std::size_t i = 1; i <= used; ++i)
    out.upper.push_back(i == used && used > 1 ? out.max : out.min + width * static_cast<double>(i));
  for (const double value : finite) {
    out.sum += value;
    out.sum_of_squares += value * value;
    ++out.counts[std::min(used - 1, static_cast<std::size_t>((value - out.min) / width))];
  }
  return out;
}

EventWriter::EventWriter(const std::filesystem::path& folder) : file_(new_file(folder)) {
  record(WireWriter().fixed(field::kWallTime, now()).bytes(field::kFileVersion, "brain.Event:2").message());
}

EventWriter::EventWriter(const std::filesystem::path& file, std::uint64_t length) : file_(file) {
  file_.truncate(length);
}

void EventWriter::record(std::string_view payload) {
  std::string frame;
  put<std::uint64_t>(frame, payload.size());
  put(frame, masked_crc32c(frame));
  frame += payload;
  put(frame, masked_crc32c(payload));
  file_.append(frame);
}

void EventWriter::value(std::int64_t step, std::string_view value, std::optional<double> wall_time) {
  WireWriter event;
  event.fixed(field::kWallTime, wall_time.value_or(now()));
  if (step != 0) event.varint(field::kStep, static_cast<std::uint64_t>(step));  // 0 is left out on the wire
  event.bytes(field::kSummary, WireWriter().bytes(field::kValue, value).message());
  record(event.message());
}

void EventWriter::scalar(std::string_view tag, std::int64_t step, float number, std::optional<double> wall_time) {
  value(step, WireWriter().bytes(field::kTag, tag).fixed(field::kSimpleValue, number).message(), wall_time);
}

void EventWriter::image(std::string_view tag, std::int64_t step, std::string_view png,
                        std::optional<double> wall_time) {
  const PngSize size = png_size(png);
  WireWriter image;
  image.varint(field::kHeight, static_cast<std::uint64_t>(size.height));
  image.varint(field::kWidth, static_cast<std::uint64_t>(size.width));
  image.varint(field::kColours, static_cast<std::uint64_t>(size.channels));
  image.bytes(field::kEncoded, png);
  value(step, WireWriter().bytes(field::kTag, tag).bytes(field::kImage, image.message()).message(), wall_time);
}

void EventWriter::histogram(std::string_view tag, std::int64_t step, const EventHistogram& values,
                            std::optional<double> wall_time) {
  WireWriter histogram;
  histogram.fixed(field::kMin, values.min).fixed(field::kMax, values.max).fixed(field::kNum, values.count);
  histogram.fixed(field::kSum, values.sum).fixed(field::kSumSquares, values.sum_of_squares);
  histogram.bytes(field::kBucketLimit, packed_doubles(values.upper));
  histogram.bytes(field::kBucket, packed_doubles(values.counts));
  value(step, WireWriter().bytes(field::kTag, tag).bytes(field::kHistogram, histogram.message()).message(), wall_time);
}

void EventWriter::text(std::string_view tag, std::int64_t step, std::string_view text,
                       std::optional<double> wall_time) {
  const std::string one = WireWriter().bytes(2, WireWriter().varint(1, 1).message()).message();  // shape [1]
  WireWriter tensor;
  tensor.varint(field::kType, kStringType).bytes(field::kShape, one).bytes(field::kStrings, text);
  const std::string plugin = WireWriter().bytes(1, WireWriter().bytes(1, "text").message()).message();
  WireWriter message;
  message.bytes(field::kTag, tag).bytes(field::kTensor, tensor.message()).bytes(field::kMetadata, plugin);
  value(step, message.message(), wall_time);
}

// ---- reading

namespace {

EventHistogram parse_histogram(std::string_view message) {
  EventHistogram out;
  for (WireReader in(message); in.next();) {
    if (in.field == field::kMin) out.min = in.as_double();
    if (in.field == field::kMax) out.max = in.as_double();
    if (in.field == field::kNum) out.count = in.as_double();
    if (in.field == field::kSum) out.sum = in.as_double();
    if (in.field == field::kSumSquares) out.sum_of_squares = in.as_double();
    if (in.field == field::kBucketLimit) out.upper = unpacked_doubles(in.bytes);
    if (in.field == field::kBucket) out.counts = unpacked_doubles(in.bytes);
  }
  return out;
}

std::string parse_field(std::string_view message, int wanted) {
  for (WireReader in(message); in.next();)
    if (in.field == wanted) return std::string(in.bytes);
  return {};
}

EventValue parse_value(std::string_view message) {
  EventValue out;
  for (WireReader in(message); in.next();) {
    if (in.field == field::kTag) out.tag = in.bytes;
    if (in.field == field::kSimpleValue) out.scalar = in.as_float();
    if (in.field == field::kImage) out.png = parse_field(in.bytes, field::kEncoded);
    if (in.field == field::kHistogram) out.histogram = parse_histogram(in.bytes);
    if (in.field == field::kTensor) out.text = parse_field(in.bytes, field::kStrings);
  }
  return out;
}

Event parse_event(std::string_view message) {
  Event out;
  for (WireReader in(message); in.next();) {
    if (in.field == field::kWallTime) out.wall_time = in.as_double();
    if (in.field == field::kStep) out.step = static_cast<std::int64_t>(in.number);
    if (in.field == field::kFileVersion) out.file_version = in.bytes;
    if (in.field != field::kSummary) continue;
    for (WireReader summary(in.bytes); summary.next();)
      if (summary.field == field::kValue) out.values.push_back(parse_value(summary.bytes));
  }
  return out;
}

/// Payload of the record at the front, which is then removed; nothing if it is cut off.
std::optional<std::string_view> take_record(std::string_view& rest) {
  if (rest.size() < kRecordFrame) return std::nullopt;
  THIMBLE_CHECK(masked_crc32c(rest.substr(0, 8)) == get<std::uint32_t>(rest, 8), data, "checksum of a length is wrong");
  const auto length = get<std::uint64_t>(rest, 0);
  THIMBLE_CHECK(length <= limits::kEventRecordBytes, data, "record of ", length, " bytes exceeds the limit");
  if (rest.size() - kRecordFrame < length) return std::nullopt;
  const std::string_view payload = rest.substr(12, static_cast<std::size_t>(length));
  THIMBLE_CHECK(masked_crc32c(payload) == get<std::uint32_t>(rest, 12 + payload.size()), data,
                "checksum of a record is wrong");
  rest.remove_prefix(kRecordFrame + payload.size());
  return payload;
}

}  // namespace

std::vector<Event> parse_events(std::string_view bytes, const std::string& name, bool cut_end) {
  std::vector<Event> out;
  std::string_view rest = bytes;
  try {
    while (!rest.empty()) {
      const auto payload = take_record(rest);
      if (!payload && cut_end) break;
      THIMBLE_CHECK(payload.has_value(), data, "the last record is cut off");
      out.push_back(parse_event(*payload));
    }
  } catch (const Error& error) {
    throw Error(error.kind(),
                text::cat("event file damaged at byte ", bytes.size() - rest.size(), ": ", error.message()),
                Place{name, 0, 0, {}});
  }
  return out;
}

std::vector<Event> read_events(const std::filesystem::path& path, bool cut_end) {
  return parse_events(read_file(path), shown(path), cut_end);
}

}  // namespace thimble::io
