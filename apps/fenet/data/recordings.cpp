#include "apps/fenet/data/recordings.h"

#include "core/base/error.h"

#include "apps/fenet/data/preprocess.h"
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
  Segments keep(Segments source) {
    const std::int64_t bytes = bytes_of(*source);
    if (bytes > left_) return std::make_shared<Shared>(std::move(source));
    left_ -= bytes;
    return resident(std::move(source), bytes);
  }

 private:
  std::int64_t left_;
};

std::vector<Day> simulated(const DataKeys& keys, const SimulateKeys& simulate, std::int64_t seed) {
  std::vector<Day> days = simulate_days(simulate, seed);
  Memory memory(keys.resident_mb);
  for (Day& day : days)
    for (Session& session : day.sessions) {
      const Segments recorded = keys.preprocess.car ? without_common(session.raw) : session.raw;
      session.segments = memory.keep(preprocessed(recorded, keys.preprocess, day.rate_hz));
      session.raw = std::make_shared<Shared>(session.raw);
    }
  return days;
}

}  // namespace

void check_data_keys(const DataKeys& data) {
  static_cast<void>(filters_of(data.preprocess, data.rate_hz > 0 ? data.rate_hz : kSimulatedRate));
}

std::vector<Day> load_days(const std::vector<std::string>& files, const DataKeys& data, const SimulateKeys& simulate,
                           std::int64_t seed) {
  check_data_keys(data);
  if (files.empty()) return simulated(data, simulate, seed);
  throw Error(ErrorKind::config, "recordings in files are not read yet", {"", 0, 0, "data.train"});
}

Recordings load_recordings(const DataKeys& data, const SimulateKeys& simulate, std::int64_t seed) {
  Recordings out;
  out.simulated = data.train.empty() && data.test.empty() && data.dev.empty();
  if (out.simulated || !data.train.empty()) out.train = load_days(data.train, data, simulate, seed);
  if (!data.dev.empty()) out.dev = load_days(data.dev, data, simulate, seed);
  if (!data.test.empty()) out.test = load_days(data.test, data, simulate, seed);
  return out;
}

}  // namespace thimble::fenet
