// Neurodata Without Borders, versions 1 and 2, as HDF5.

#include "core/io/file.h"
#include "core/io/hdf5_foreign.h"

#include "apps/fenet/data/recorded.h"
#include "apps/fenet/data/stored_samples.h"
#include "apps/fenet/data/timed_labels.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace thimble::fenet {
namespace {

constexpr std::int64_t kTimesAtOnce = 1 << 20;
constexpr std::int64_t kFramesAtOnce = 1 << 22;  // numbers of a box
constexpr double kVoltsToMicrovolts = 1e6;

class NwbFile {
 public:
  explicit NwbFile(std::filesystem::path path) : path_(std::move(path)), tree_(io::outline_foreign_hdf5(path_)) {}

  const std::filesystem::path& path() const { return path_; }
  const io::Hdf5Tree& tree() const { return tree_; }
  [[noreturn]] void refuse(const std::string& name, const std::string& message, const std::string& hint = {}) const {
    throw Error(ErrorKind::data, message, Place{io::shown(path_), 0, 0, text::printable(name)}, hint);
  }
  const io::Hdf5Outline* find(const std::string& name) const {
    const auto found = tree_.outlines.find(name);
    return found == tree_.outlines.end() ? nullptr : &found->second;
  }
  /// Number of an attribute; nothing if there is none.
  std::optional<double> number(const std::string& object, const std::string& name) const {
    const auto found = tree_.attributes.find(object);
    if (found == tree_.attributes.end()) return std::nullopt;
    const auto value = found->second.find(name);
    if (value == found->second.end() || value->second.is_text || value->second.numbers.numel() != 1)
      return std::nullopt;
    const double number = value->second.numbers.doubles().front();
    if (!std::isfinite(number)) refuse(text::cat(object, " attribute ", name), "is not finite");
    return number;
  }
  std::string word(const std::string& object, const std::string& name) const {
    const auto found = tree_.attributes.find(object);
    if (found == tree_.attributes.end()) return {};
    const auto value = found->second.find(name);
    return value != found->second.end() && value->second.texts.size() == 1 ? value->second.texts.front()
                                                                           : std::string();
  }
  /// A whole data set, in boxes of rows.
  Tensor read(const std::string& name) const {
    const io::Hdf5Outline* outline = find(name);
    if (outline == nullptr) refuse(name, "no such data set");
    if (!outline->is_number) refuse(name, "holds no numbers");
    io::Hdf5Rules rules;
    rules.slabs = {{name, std::vector<std::int64_t>(outline->dims.size(), 0), outline->dims}};
    return io::read_foreign_hdf5(path_, rules).datasets.at(name).numbers.tensor(DType::f64);
  }

 private:
  std::filesystem::path path_;
  io::Hdf5Tree tree_;
};

/// Samples of an ElectricalSeries, in microvolts.
class NwbFrames : public SampleSource {
 public:
  NwbFrames(const NwbFile& file, std::string dataset, std::vector<double> factor, double offset)
      : path_(file.path()), dataset_(std::move(dataset)), factor_(std::move(factor)), offset_(offset) {
    dims_ = file.find(dataset_)->dims;
  }
  std::int64_t frames() const override { return dims_[0]; }
  std::int64_t channels() const override { return dims_.size() == 2 ? dims_[1] : 1; }
  void read(std::int64_t first, std::int64_t count, float* to) const override {
    const std::int64_t most = std::max<std::int64_t>(1, kFramesAtOnce / channels());
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t some = std::min(most, count - done);
      io::Hdf5Slab slab{dataset_, {first + done, 0}, {some, channels()}};
      if (dims_.size() == 1) slab.first.pop_back(), slab.count.pop_back();
      const Tensor box = io::read_foreign_slab(path_, slab).tensor(DType::f64);
      const double* from = box.data<double>();
      for (std::int64_t i = 0; i < some; ++i)
        for (const double factor : factor_) *to++ = static_cast<float>(*from++ * factor + offset_);
      done += some;
    }
  }

 private:
  std::filesystem::path path_;
  std::string dataset_;
  std::vector<double> factor_;  // microvolts of one step, per channel
  double offset_;               // microvolts
  std::vector<std::int64_t> dims_;
};

/// Groups whose `data` may be broadband voltage: [time] or [time, channels] below /acquisition.
std::vector<std::string> broadband_series(const NwbFile& file) {
  std::vector<std::string> out;
  for (const auto& item : file.tree().outlines) {
    const std::string& name = item.first;
    if (name.rfind("/acquisition/", 0) != 0 || name.size() < 6 || name.substr(name.size() - 5) != "/data") continue;
    const std::string group = name.substr(0, name.size() - 5), type = file.word(group, "neurodata_type");
    const bool possible = type.empty() || type == "ElectricalSeries" || type == "TimeSeries";
    if (possible && item.second.is_number && !item.second.dims.empty() && item.second.dims.size() <= 2)
      out.push_back(group);
  }
  return out;
}

/// The one series, or the one that the settings name by path or last part.
std::string choose(const NwbFile& file, const std::vector<std::string>& groups, const std::string& wanted,
                   const std::string& key, const std::string& where) {
  std::vector<std::string> fits;
  for (const std::string& group : groups)
    if (wanted.empty() || group == wanted || group == text::cat("/", wanted) ||
        group.substr(group.rfind('/') + 1) == wanted)
      fits.push_back(group);
  const std::string list =
      groups.empty() ? "the file holds none" : text::cat("the file holds ", text::join(groups, ", "));
  if (fits.empty()) file.refuse(wanted.empty() ? where : wanted, "no such time series", list);
  if (fits.size() > 1)
    file.refuse(where, text::cat(fits.size(), " time series"), text::cat("name one with ", key, ": ", list));
  return fits.front();
}

/// Frames without a gap in their times.
struct Run {
  std::int64_t first = 0, frames = 0;
  double begin = 0, rate = 0;  // seconds, samples per second
};

/// Runs of a series with a time for every frame, read a piece at a time. A step of more than half a sample too much is
/// a gap.
std::vector<Run> runs_of_times(const NwbFile& file, const std::string& name, std::int64_t frames) {
  const io::Hdf5Outline& outline = *file.find(name);
  if (outline.dims.size() != 1 || outline.dims[0] != frames || !outline.is_number)
    file.refuse(name, text::cat("one time for each of ", frames, " samples is needed"));
  if (frames < 2) file.refuse(name, "fewer than two times");
  std::vector<Run> runs;
  double before = 0, step = 0;
  for (std::int64_t done = 0; done < frames; done += kTimesAtOnce) {
    const std::int64_t count = std::min(kTimesAtOnce, frames - done);
    const std::vector<double> times = io::read_foreign_slab(file.path(), {name, {done}, {count}}).doubles();
    if (done == 0) step = times[1] - times[0];
    for (std::int64_t i = 0; i < count; ++i) {
      const double time = times[static_cast<std::size_t>(i)];
      if (done + i > 0 && !(time > before))
        file.refuse(name, text::cat("time ", done + i, " is not after the one before"));
      if (runs.empty() || std::abs(time - before - step) > 0.5 * step) runs.push_back({done + i, 0, time, 0});
      ++runs.back().frames;
      runs.back().rate = static_cast<double>(runs.back().frames - 1) / std::max(time - runs.back().begin, 1e-12);
      before = time;
    }
  }
  return runs;
}

std::vector<Run> runs_of(const NwbFile& file, const std::string& group, std::int64_t frames) {
  if (file.find(group + "/timestamps") != nullptr) return runs_of_times(file, group + "/timestamps", frames);
  const std::string start = group + "/starting_time";
  const std::optional<double> rate = file.number(start, "rate");
  if (!rate || !(*rate > 0.0)) file.refuse(group, "has neither timestamps nor a starting_time with a rate above 0");
  const Tensor begin = file.read(start);
  if (begin.numel() != 1) file.refuse(start, "one time is needed");
  return {{0, frames, begin.item(), *rate}};
}

std::shared_ptr<const NwbFrames> open_series(const NwbFile& file, const std::string& group) {
  const std::string data = group + "/data";
  const io::Hdf5Outline& outline = *file.find(data);
  const std::int64_t channels = outline.dims.size() == 2 ? outline.dims[1] : 1;
  if (outline.dims[0] < 1 || channels < 1) file.refuse(data, "is empty");
  const double conversion = file.number(data, "conversion").value_or(1.0);
  const double offset = file.number(data, "offset").value_or(0.0);
  std::vector<double> factor(static_cast<std::size_t>(channels), conversion * kVoltsToMicrovolts);
  if (file.find(group + "/channel_conversion") != nullptr) {
    const Tensor own = file.read(group + "/channel_conversion");
    if (own.numel() != channels)
      file.refuse(group + "/channel_conversion", text::cat(own.numel(), " factors for ", channels, " channels"));
    for (std::size_t c = 0; c < factor.size(); ++c) factor[c] *= own.data<double>()[c];
  }
  if (file.find(group + "/electrodes") != nullptr &&
      file.find(group + "/electrodes")->dims != std::vector<std::int64_t>{channels})
    file.refuse(group + "/electrodes", text::cat("one row number for each of ", channels, " channels is needed"));
  return std::make_shared<NwbFrames>(file, data, std::move(factor), offset * kVoltsToMicrovolts);
}

// ---- behaviour

std::vector<double> times_of(const NwbFile& file, const std::string& group, std::int64_t rows) {
  std::vector<double> times;
  for (const Run& run : runs_of(file, group, rows)) {
    if (file.find(group + "/timestamps") != nullptr) return file.read(group + "/timestamps").to_vector();
    for (std::int64_t i = 0; i < run.frames; ++i) times.push_back(run.begin + static_cast<double>(i) / run.rate);
  }
  return times;
}

std::vector<std::string> behaviour_series(const NwbFile& file) {
  std::vector<std::string> out;
  for (const auto& item : file.tree().outlines) {
    const std::string& name = item.first;
    const bool place = name.rfind("/processing/", 0) == 0 && name.size() > 5 && name.substr(name.size() - 5) == "/data";
    if (place && item.second.is_number && item.second.dims.size() == 2 && item.second.dims[0] > 1)
      out.push_back(name.substr(0, name.size() - 5));
  }
  return out;
}

TimedSeries behaviour_inside(const NwbFile& file, const DataKeys& keys) {
  const std::string group = choose(file, behaviour_series(file), keys.labels, "data.labels", "/processing");
  const double conversion = file.number(group + "/data", "conversion").value_or(1.0);
  TimedSeries out;
  out.values = file.read(group + "/data");
  for (std::int64_t i = 0; i < out.values.numel(); ++i) out.values.mut<double>()[i] *= conversion;
  out.times = times_of(file, group, out.values.size(0));
  return out;
}

/// Behaviour in a MATLAB file: data set [D, n] (MATLAB's order reversed) and times of n.
TimedSeries behaviour_beside(const std::string& path, const std::string& dataset, const std::string& times) {
  const NwbFile file{std::filesystem::path(path)};
  const auto rooted = [](const std::string& name) { return name.rfind('/', 0) == 0 ? name : "/" + name; };
  TimedSeries out;
  out.times = file.read(rooted(times.empty() ? "t" : times)).to_vector();
  const Tensor stored = file.read(rooted(dataset));
  const auto n = static_cast<std::int64_t>(out.times.size());
  if (stored.rank() != 2 || stored.size(1) != n)
    file.refuse(dataset, text::cat(stored.shape(), " where [axes, ", n, "] is needed, one column for every time"));
  out.values = Tensor::empty({n, stored.size(0)}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t d = 0; d < stored.size(0); ++d)
      out.values.mut<double>()[i * stored.size(0) + d] = stored.data<double>()[d * n + i];
  return out;
}

TimedSeries read_behaviour(const NwbFile& file, const DataKeys& keys, RecordedDay& day) {
  const std::size_t colon = keys.labels.rfind(".mat:");
  if (colon == std::string::npos) return behaviour_inside(file, keys);
  const std::string path = keys.labels.substr(0, colon + 4);
  day.files.emplace_back(path);
  return behaviour_beside(path, keys.labels.substr(colon + 5), keys.label_times);
}

void check_times(const NwbFile& file, const TimedSeries& series) {
  for (std::size_t i = 1; i < series.times.size(); ++i)
    if (!(series.times[i] > series.times[i - 1]))
      file.refuse("times of the behaviour", text::cat("time ", i, " is not after the one before"));
}

/// Some segments of a source: those that have labels.
class Part : public SegmentSource {
 public:
  Part(std::shared_ptr<const SegmentSource> source, std::int64_t first, std::int64_t count)
      : source_(std::move(source)), first_(first), count_(count) {}
  std::int64_t segments() const override { return count_; }
  std::int64_t channels() const override { return source_->channels(); }
  std::int64_t samples() const override { return source_->samples(); }
  void read(std::int64_t first, const Tensor& block) const override { source_->read(first_ + first, block); }

 private:
  std::shared_ptr<const SegmentSource> source_;
  std::int64_t first_, count_;
};

}  // namespace

RecordedDay read_nwb_day(const std::filesystem::path& path, const DataKeys& keys) {
  const NwbFile file(path);
  RecordedDay day;
  day.name = path.stem().string();
  day.files = {path};
  const std::string group = choose(file, broadband_series(file), keys.series, "data.series", "/acquisition");
  const auto frames = open_series(file, group);
  const std::vector<Run> runs = runs_of(file, group, frames->frames());
  day.rate_hz = keys.rate_hz > 0 ? keys.rate_hz : runs.front().rate;
  const std::int64_t samples = std::lround(keys.segment_ms * 1e-3 * day.rate_hz);
  if (samples < 1) file.refuse(group, "segments shorter than a sample", "set data.segment_ms");
  const TimedSeries behaviour = read_behaviour(file, keys, day);
  check_times(file, behaviour);
  const double seconds = static_cast<double>(samples) / day.rate_hz;
  for (const Run& run : runs) {
    if (run.frames < 2 || static_cast<double>(run.frames) / run.rate < seconds) {
      day.notes.push_back(text::cat(path.filename().string(), ": a stretch of ", run.frames, " samples between gaps"));
      continue;
    }
    // a rate within a millionth of the wanted one is that rate: times are rounded numbers
    const double rate = std::abs(run.rate / day.rate_hz - 1.0) < 1e-6 ? day.rate_hz : run.rate;
    auto segments = cut_segments(frames, run.first, run.frames, rate, day.rate_hz, samples);
    const TimedLabels labels =
        labels_at(behaviour, keys.label_kind == "position", run.begin, seconds, segments->segments());
    const std::int64_t kept = labels.labels.defined() ? labels.labels.size(0) : 0;
    if (kept < segments->segments())
      day.notes.push_back(text::cat(path.filename().string(), ": ", segments->segments() - kept, " of ",
                                    segments->segments(), " segments lie outside the times of the behaviour"));
    if (kept > 0) day.sessions.push_back({std::make_shared<Part>(segments, labels.first, kept), labels.labels});
  }
  if (day.sessions.empty())
    file.refuse(group, "no segment lies within the times of the behaviour", "are both clocks the same?");
  return day;
}

}  // namespace thimble::fenet
