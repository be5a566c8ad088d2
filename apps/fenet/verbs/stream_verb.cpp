#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/file.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/data/raw_description.h"
#include "apps/fenet/run/subject.h"
#include "apps/fenet/stream/feature_stream.h"
#include "apps/fenet/verbs/verbs.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>

namespace thimble::fenet {
namespace {

using StreamClock = std::chrono::steady_clock;

constexpr int kPollMilliseconds = 100;  // between two looks at whether to end
constexpr std::size_t kReadBytes = 1 << 16;

/// Standard input or output for "-", else the file or pipe of that name.
io::Descriptor open_end(const std::string& name, bool input) {
  const int number =
      name == "-" ? ::dup(input ? STDIN_FILENO : STDOUT_FILENO)
                  : ::open(name.c_str(), input ? O_RDONLY | O_CLOEXEC : O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (number < 0) throw io::system_error(errno, input ? "cannot read" : "cannot write", name);
  return io::Descriptor(number);
}

/// The next bytes, at most `most`; empty at the end and when somebody asked for it.
std::string_view next_bytes(int descriptor, std::string& buffer, std::uint64_t most, StopFlag& stop) {
  while (!stop.requested()) {
    pollfd wait{descriptor, POLLIN, 0};
    const int ready = ::poll(&wait, 1, kPollMilliseconds);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = ::read(descriptor, buffer.data(), std::min<std::uint64_t>(most, buffer.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io::system_error(errno, "cannot read", "the stream");
    return {buffer.data(), static_cast<std::size_t>(got)};
  }
  return {};
}

double number_flag(const app::Context& context, const std::string& name, double fallback) {
  const std::string word = context.flag(name);
  double value = fallback;
  if (!word.empty() && (!text::parse(word, value) || !std::isfinite(value) || value == 0.0))
    throw Error(ErrorKind::usage, text::cat("'", text::printable(word), "' is no number"), {"", 0, 0, name});
  return value;
}

/// What arrives: by --about, and by the flags that say otherwise.
RawDescription described(const app::Context& context) {
  RawDescription about;
  if (const std::string file = context.flag("--about"); !file.empty()) about = read_raw_description(file, false);
  about.channels = context.flag_integer("--channels", about.channels);
  if (about.channels < 1 || about.channels > 100000)
    throw Error(ErrorKind::usage, "how many channels does a moment of the stream have?", {"", 0, 0, "--channels"},
                "--channels N, or --about FILE.json");
  about.rate_hz = number_flag(context, "--rate", about.rate_hz);
  if (about.rate_hz < 0.0) throw Error(ErrorKind::usage, "a rate below 0", {"", 0, 0, "--rate"});
  if (const std::string type = context.flag("--type"); !type.empty()) parse_sample_type(type, about.element);
  const std::size_t count = static_cast<std::size_t>(about.channels);
  if (const double scale = number_flag(context, "--scale", 0.0); scale != 0.0) about.scale.assign(count, scale);
  if (about.scale.empty()) about.scale.assign(count, 1.0);
  if (about.scale.size() != count)
    throw Error(ErrorKind::usage, text::cat(about.scale.size(), " factors for ", count, " channels"),
                {"", 0, 0, "--channels"});
  return about;
}

StreamForm form_of(const RawDescription& about, const Settings& settings) {
  StreamForm form;
  form.channels = about.channels;
  form.element = about.element;
  form.scale = about.scale;
  form.car = settings.data.preprocess.car;
  form.filter = filters_of(settings.data.preprocess, about.rate_hz);
  form.samples = about.samples > 0 ? about.samples : std::lround(settings.data.segment_ms * 1e-3 * about.rate_hz);
  return form;
}

std::string stream_header(std::int64_t channels, std::int64_t features) {
  std::string line = "segment";
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t f = 0; f < features; ++f) line += text::cat(",ch", c, "_f", f);
  return line + "\n";
}

/// Writes rows as they come and notes how long each took since its last sample was read.
class RowWriter {
 public:
  RowWriter(io::Descriptor out, bool binary, std::string name)
      : out_(std::move(out)), binary_(binary), name_(std::move(name)) {}
  void header(const std::string& line) { put(line); }
  void samples_read() { read_ = StreamClock::now(); }
  void row(std::int64_t segment, std::span<const float> features) {
    if (binary_) {
      put({reinterpret_cast<const char*>(features.data()), features.size_bytes()});
    } else {
      std::string line = std::to_string(segment);
      for (const float value : features) line += text::cat(",", value);
      put(line + "\n");
    }
    seconds_.push_back(std::chrono::duration<double>(StreamClock::now() - read_).count());
  }
  const std::vector<double>& seconds() const { return seconds_; }

 private:
  void put(std::string_view bytes) {
    if (const int failed = io::write_all(out_.get(), bytes); failed != 0)
      throw io::system_error(failed, "cannot write features", name_ == "-" ? "standard output" : name_);
  }
  io::Descriptor out_;
  bool binary_;
  std::string name_;
  StreamClock::time_point read_;
  std::vector<double> seconds_;
};

void tell_latency(app::Context& context, const FeatureStream& stream, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  std::string line = text::cat(stream.segments(), " segments; latency in ms:");
  for (const double p : {0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double ms = 1e3 * percentile(seconds, p);
    const std::string name = p == 1.0 ? "max" : text::cat("p", 100.0 * p);
    line += text::cat(" ", name, " ", text::significant(ms, 3));
    context.result().metric(text::cat("latency_ms.", p == 0.999 ? "p99_9" : name), ms);
  }
  context.result().metric("segments", static_cast<double>(stream.segments()));
  log::note(line);
  if (stream.waiting() > 0) log::note("the last ", stream.waiting(), " samples are no whole segment");
}

int run_stream(app::Context& context) {
  const ChosenNetwork chosen = open_network(context);
  const Settings& settings = chosen.chosen.settings;
  use_threads(settings);
  const RawDescription about = described(context);
  const StreamForm form = form_of(about, settings);
  Network network(architecture_of(settings.model), form.samples);
  network.set_weights(chosen.weights);
  if (settings.data.preprocess.standardize)
    log::note(
        "standardisation needs the whole session and is left out: features are those of "
        "data.preprocess.standardize=false");
  if (context.flags().dry_run) return 0;
  const std::string to = context.flag("--to");
  const bool binary = context.flag("--format") == "f32";
  const io::Descriptor input = open_end(context.flag("--input"), true);
  RowWriter writer(open_end(to, false), binary, to);
  if (!binary) writer.header(stream_header(form.channels, network.architecture.features()));
  FeatureStream stream(network, form);
  std::string buffer(kReadBytes, '\0');
  for (std::uint64_t skip = about.header_bytes; skip > 0;) {
    const std::size_t got = next_bytes(input.get(), buffer, skip, context.stop()).size();
    if (got == 0) break;
    skip -= got;
  }
  for (;;) {  // never beyond a segment, so that no row waits for the work on another
    const std::string_view bytes = next_bytes(input.get(), buffer, stream.missing(), context.stop());
    if (bytes.empty()) break;
    writer.samples_read();
    stream.push(bytes, [&](std::int64_t segment, std::span<const float> row) { writer.row(segment, row); });
  }
  tell_latency(context, stream, writer.seconds());
  return 0;
}

}  // namespace

app::Verb stream_verb() {
  app::Verb v;
  v.name = "stream";
  v.group = "Work";
  v.summary = "features while samples arrive on standard input, a pipe or from a file";
  v.run = run_stream;
  v.stops_cleanly = true;
  v.operands = app::plain_operands("[RUN] [key=value ...]", 0, 1);
  v.operands.overrides = true;
  v.flags = {{"--weights", "FILE", "filters of this file or preset; the word is then a CONFIG", "", {}, 0},
             {"--input", "FILE", "samples, all channels of a moment side by side; -: standard input", "-", {}, 0},
             {"--to", "FILE", "where features go; -: standard output", "-", {}, 0},
             {"--format", "KIND", "csv, or f32: little-endian rows", "csv", {"csv", "f32"}, 0},
             {"--about", "JSON", "description of the samples, as simulate writes it", "", {}, 0},
             {"--channels", "N", "channels of a moment", "", {}, 0},
             {"--rate", "HZ", "samples per second", "", {}, 0},
             {"--type", "TYPE", "type of a sample, little-endian", "", {"int16", "int32", "float32", "float64"}, 0},
             {"--scale", "X", "microvolts of one step", "", {}, 0}};
  v.examples = {
      "thimble-fenet stream --weights efficient --channels 12 --input recordings/simulated-0_0.raw --to f.csv",
      "thimble-fenet stream latest --about recordings/simulated-0.json --format f32 --to -"};
  v.more =
      "A row is written as soon as the last sample of its segment was read. Filters of the settings run on, segment "
      "after segment. The rows have the bits of predict --what features with data.preprocess.standardize=false. At the "
      "end the times from reading the last sample of a segment to having written its row are told.";
  return v;
}

}  // namespace thimble::fenet
