#include "apps/fenet/data/recordings.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/file.h"

#include "apps/common/config/schema.h"
#include "apps/fenet/data/channel_masks.h"
#include "apps/fenet/data/day_files.h"
#include "apps/fenet/data/labels.h"
#include "apps/fenet/data/preprocess.h"
#include "apps/fenet/data/recorded.h"
#include "apps/fenet/data/signal_cache.h"
#include "apps/fenet/data/simulator.h"

#include <mutex>

namespace thimble::fenet {
namespace {

/// Lets several threads read a source that remembers where it is.
class Shared : public SegmentSource {
 public:
  explicit Shared(Segments source) : source_(std::move(source)) {}
  std::int64_t segments() const override { return source_->segments(); }
  std::int64_t channels() const override { return source_->channels(); }
  std::int64_t samples() const override { return source_->samples(); }
  void read(std::int64_t first, const Tensor& block) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    source_->read(first, block);
  }

 private:
  Segments source_;
  mutable std::mutex mutex_;
};

std::int64_t bytes_of(const SegmentSource& source) {
  return source.segments() * source.channels() * source.samples() * std::int64_t{sizeof(float)};
}

/// Decides what stays in memory: sessions in order until the budget is used up.
class Memory {
 public:
  explicit Memory(std::int64_t megabytes) : left_(megabytes << 20) {}
  bool holds(const SegmentSource& source) const { return bytes_of(source) <= left_; }
  Segments keep(Segments source) {
    if (!holds(*source)) return std::make_shared<Shared>(std::move(source));
    const std::int64_t bytes = bytes_of(*source);
    left_ -= bytes;
    return resident(std::move(source), bytes);
  }

 private:
  std::int64_t left_;
};

std::vector<Day> simulated(const DataKeys& keys, const SimulateKeys& simulate, std::int64_t seed, Memory& memory) {
  std::vector<Day> days = simulate_days(simulate, seed);
  for (Day& day : days)
    for (Session& session : day.sessions) {
      const Segments recorded = keys.preprocess.car ? without_common(session.raw) : session.raw;
      session.segments = memory.keep(preprocessed(recorded, keys.preprocess, day.rate_hz));
      session.raw = std::make_shared<Shared>(session.raw);
    }
  return days;
}

/// Labels of all sessions below each other, as stored.
Tensor all_labels(const RecordedDay& day) {
  std::vector<float> values;
  std::int64_t axes = 0;
  for (const RecordedSession& session : day.sessions) {
    if (!session.labels.defined())
      throw Error(ErrorKind::data, "has no labels", Place{io::shown(day.files.front()), 0, 0, "labels"});
    axes = session.labels.size(1);
    const float* from = session.labels.data<float>();
    values.insert(values.end(), from, from + session.labels.numel());
  }
  return Tensor::from(values, {static_cast<std::int64_t>(values.size()) / axes, axes});
}

/// Labels that never change cannot be learnt: all of them is an error, some a warning.
void check_labels(const Tensor& normalised, const RecordedDay& day) {
  std::int64_t constant = 0;
  const std::int64_t axes = normalised.size(1);
  const float* y = normalised.data<float>();
  for (std::int64_t axis = 0; axis < axes; ++axis) {
    bool zero = true;
    for (std::int64_t b = 0; b < normalised.size(0); ++b) zero = zero && y[b * axes + axis] == 0.0F;
    constant += zero ? 1 : 0;
  }
  if (constant == axes)
    throw Error(ErrorKind::data, "all labels are constant, so there is nothing to decode",
                Place{io::shown(day.files.front()), 0, 0, "labels"});
  if (constant > 0) log::warning(day.name, ": ", constant, " of ", axes, " label axes are constant");
}

/// Everything of the settings that changes the numbers of a signal, as text.
std::string signal_options(DataKeys keys, const std::vector<std::int64_t>& channels, std::size_t session) {
  const DataKeys standard;
  keys.dir = standard.dir, keys.train = keys.dev = keys.test = {};
  keys.cache = standard.cache, keys.cache_dir = standard.cache_dir, keys.resident_mb = standard.resident_mb;
  keys.channels = standard.channels;
  std::string list;
  for (const std::int64_t channel : channels) list += text::cat(channel, " ");
  return text::cat(app::to_json(app::dump_config(keys)), " channels ", list, "session ", session);
}

/// Damaged numbers are to be found before any work starts. What is in memory was read, and what is standardised is read
/// whole for its first segment; the rest is read once, which fills the cache as well.
void look_through(const SegmentSource& source, const DataKeys& keys) {
  if (keys.preprocess.standardize && !keys.cache)
    source.read(0, Tensor::empty({1, source.channels(), source.samples()}));
  else
    for_blocks(source, [](std::int64_t, const Tensor&) {});
}

Day assembled(const RecordedDay& recorded, const DataKeys& keys, std::int64_t index, Memory& memory) {
  for (const std::string& note : recorded.notes) log::note(note);
  Day day;
  day.name = recorded.name;
  day.files = recorded.files;
  day.rate_hz = recorded.rate_hz;
  static_cast<void>(filters_of(keys.preprocess, day.rate_hz));
  day.channels = chosen_channels(keys.channels, recorded, index);
  day.channel_r2 = recorded.channel_r2;
  const Tensor labels = normalise_labels(all_labels(recorded));
  check_labels(labels, recorded);
  std::int64_t at = 0;
  for (const RecordedSession& one : recorded.sessions) {
    Session session;
    session.name = text::cat(day.name, "/", day.sessions.size());
    session.labels = labels.rows(at, one.segments->segments()).clone();
    at += one.segments->segments();
    const bool all = static_cast<std::int64_t>(day.channels.size()) == one.segments->channels();
    const auto chosen = [&](Segments source) { return all ? source : with_channels(std::move(source), day.channels); };
    Segments signal = chosen(keys.preprocess.car ? without_common(one.segments) : one.segments);
    signal = preprocessed(std::move(signal), keys.preprocess, day.rate_hz);
    if (keys.cache)
      signal =
          cached(std::move(signal), keys.cache_dir, day.files, signal_options(keys, day.channels, day.sessions.size()));
    const bool stays = memory.holds(*signal);
    session.segments = memory.keep(std::move(signal));
    if (!stays) look_through(*session.segments, keys);
    session.raw = std::make_shared<Shared>(chosen(one.segments));
    day.sessions.push_back(std::move(session));
  }
  return day;
}

std::vector<Day> read_days(const std::vector<std::string>& names, const std::string& key, const DataKeys& keys,
                           Memory& memory) {
  std::vector<Day> days;
  std::vector<Error> wrong;
  for (const std::filesystem::path& path : day_files(names, keys.dir, key)) {
    try {
      days.push_back(assembled(read_day(path, keys), keys, static_cast<std::int64_t>(days.size()), memory));
    } catch (const Error& error) {
      wrong.push_back(error);
    }
  }
  if (wrong.size() == 1) throw wrong.front();
  if (!wrong.empty()) throw Errors(std::move(wrong));
  return days;
}

/// A day that is both fitted and judged on is a mistake of the settings.
void check_apart(const std::vector<Day>& train, const std::vector<Day>& test) {
  for (const Day& one : train)
    for (const Day& other : test) {
      std::error_code ignored;
      if (!one.files.empty() && std::filesystem::equivalent(one.files.front(), other.files.front(), ignored))
        throw Error(ErrorKind::config, text::cat("the day ", one.name, " is in data.train too"),
                    Place{"", 0, 0, "data.test"}, "judge on days that nothing was fitted on");
    }
}

}  // namespace

void check_data_keys(const DataKeys& data) {
  if (data.rate_hz > 0.0) static_cast<void>(filters_of(data.preprocess, data.rate_hz));
}

Recordings load_recordings(const DataKeys& data, const SimulateKeys& simulate, std::int64_t seed) {
  check_data_keys(data);
  Memory memory(data.resident_mb);
  Recordings out;
  out.simulated = data.train.empty() && data.test.empty() && data.dev.empty();
  out.train =
      out.simulated ? simulated(data, simulate, seed, memory) : read_days(data.train, "data.train", data, memory);
  out.dev = read_days(data.dev, "data.dev", data, memory);
  out.test = read_days(data.test, "data.test", data, memory);
  check_apart(out.train, out.test);
  return out;
}

}  // namespace thimble::fenet
