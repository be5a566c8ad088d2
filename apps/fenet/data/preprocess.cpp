#include "apps/fenet/data/preprocess.h"

#include "core/base/error.h"
#include "core/parallel/blocks.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>

namespace thimble::fenet {
namespace {

constexpr std::int64_t kBlockBytes = 16 << 20;
constexpr std::int64_t kStatesEvery = 64;  // segments between two remembered states of a filter

/// Segments that make a block of bounded size.
std::int64_t block_segments(const SegmentSource& source) {
  const std::int64_t bytes = source.channels() * source.samples() * std::int64_t{sizeof(float)};
  return std::clamp<std::int64_t>(kBlockBytes / std::max<std::int64_t>(1, bytes), 1,
                                  std::max<std::int64_t>(1, source.segments()));
}

/// A source made from another one of the same segments.
class Derived : public SegmentSource {
 public:
  explicit Derived(Segments source) : source_(std::move(source)) {}
  std::int64_t segments() const override { return source_->segments(); }
  std::int64_t channels() const override { return source_->channels(); }
  std::int64_t samples() const override { return source_->samples(); }

 protected:
  Segments source_;
};

class Selection : public Derived {
 public:
  Selection(Segments source, std::vector<std::int64_t> channels)
      : Derived(std::move(source)), channels_(std::move(channels)) {
    for (const std::int64_t c : channels_)
      THIMBLE_CHECK(c >= 0 && c < source_->channels(), value, "channel ", c, " of ", source_->channels());
  }
  std::int64_t channels() const override { return static_cast<std::int64_t>(channels_.size()); }
  void read(std::int64_t first, const Tensor& block) const override {
    const std::int64_t count = block.size(0), length = samples();
    const Tensor all = Tensor::empty({count, source_->channels(), length});
    source_->read(first, all);
    const float* from = all.data<float>();
    float* to = block.mut<float>();
    for (std::int64_t b = 0; b < count; ++b)
      for (const std::int64_t c : channels_) {
        std::copy_n(from + (b * source_->channels() + c) * length, length, to);
        to += length;
      }
  }

 private:
  std::vector<std::int64_t> channels_;
};

class CommonAverage : public Derived {
 public:
  using Derived::Derived;
  void read(std::int64_t first, const Tensor& block) const override {
    source_->read(first, block);
    parallel_blocks(block.size(0), [&](std::int64_t b) { take_common_away(block.rows(b, 1)); });
  }
};

class Filtered : public Derived {
 public:
  Filtered(Segments source, Filter filter)
      : Derived(std::move(source)),
        filter_(std::move(filter)),
        states_(static_cast<std::size_t>(channels()), FilterState(filter_)) {
    remembered_.push_back(states_);
  }
  void read(std::int64_t first, const Tensor& block) const override {
    go_to(first);
    for (std::int64_t done = 0; done < block.size(0);) {
      const std::int64_t count = std::min(block.size(0) - done, kStatesEvery - next_ % kStatesEvery);
      advance(block.rows(done, count));
      done += count;
    }
  }

 private:
  /// Brings the filters to the beginning of a segment: from where they are, or from the state remembered before it.
  void go_to(std::int64_t first) const {
    const std::int64_t known = std::min(first / kStatesEvery, static_cast<std::int64_t>(remembered_.size()) - 1);
    if (next_ > first || known * kStatesEvery > next_) {
      next_ = known * kStatesEvery;
      states_ = remembered_[static_cast<std::size_t>(known)];
    }
    while (next_ < first) {
      const std::int64_t count = std::min(first - next_, kStatesEvery - next_ % kStatesEvery);
      advance(Tensor::empty({std::min(count, block_segments(*this)), channels(), samples()}));
    }
  }
  /// The next segments, not beyond a multiple of kStatesEvery.
  void advance(const Tensor& block) const {
    source_->read(next_, block);
    const std::int64_t length = samples();
    parallel_blocks(channels(), [&](std::int64_t c) {
      for (std::int64_t b = 0; b < block.size(0); ++b) {
        float* x = block.mut<float>() + (b * channels() + c) * length;
        states_[static_cast<std::size_t>(c)].run(filter_, {x, static_cast<std::size_t>(length)});
      }
    });
    next_ += block.size(0);
    if (next_ == static_cast<std::int64_t>(remembered_.size()) * kStatesEvery) remembered_.push_back(states_);
  }

  Filter filter_;
  mutable std::int64_t next_ = 0;                             // segment that states_ stand before
  mutable std::vector<FilterState> states_;                   // of every channel
  mutable std::vector<std::vector<FilterState>> remembered_;  // before segment i * kStatesEvery
};

class Standardised : public Derived {
 public:
  using Derived::Derived;
  void read(std::int64_t first, const Tensor& block) const override {
    std::call_once(once_, [&] { statistics_ = channel_statistics(*source_); });
    source_->read(first, block);
    const std::int64_t length = samples();
    float* x = block.mut<float>();
    for (std::int64_t b = 0; b < block.size(0); ++b)
      for (std::size_t c = 0; c < statistics_.mean.size(); ++c, x += length) {
        const double mean = statistics_.mean[c], deviation = statistics_.deviation[c];
        const double divisor = deviation > 0.0 ? deviation : 1.0;
        for (std::int64_t t = 0; t < length; ++t)
          x[t] = static_cast<float>((static_cast<double>(x[t]) - mean) / divisor);
      }
  }

 private:
  mutable std::once_flag once_;
  mutable ChannelStatistics statistics_;
};

/// Sums of a channel, relative to its first sample, so that nothing cancels.
struct Sums {
  double origin = 0, sum = 0, squares = 0;
  bool started = false;
  void add(const float* x, std::int64_t count) {
    if (!started) origin = static_cast<double>(x[0]), started = true;
    double s = 0, q = 0;
    for (std::int64_t t = 0; t < count; ++t) {
      const double d = static_cast<double>(x[t]) - origin;
      s += d, q += d * d;
    }
    sum += s, squares += q;
  }
};

}  // namespace

Segments with_channels(Segments source, std::vector<std::int64_t> channels) {
  return std::make_shared<Selection>(std::move(source), std::move(channels));
}

Segments without_common(Segments source) {
  return std::make_shared<CommonAverage>(std::move(source));
}

void take_common_away(const Tensor& segment) {
  const std::int64_t count = segment.size(1), length = segment.size(2);
  std::vector<double> sum(static_cast<std::size_t>(length), 0.0);
  float* x = segment.mut<float>();
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t t = 0; t < length; ++t)
      sum[static_cast<std::size_t>(t)] += static_cast<double>(x[c * length + t]);
  for (double& value : sum) value /= static_cast<double>(count);
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t t = 0; t < length; ++t)
      x[c * length + t] = static_cast<float>(static_cast<double>(x[c * length + t]) - sum[static_cast<std::size_t>(t)]);
}

Segments filtered(Segments source, Filter filter) {
  return std::make_shared<Filtered>(std::move(source), std::move(filter));
}

Segments standardised(Segments source) {
  return std::make_shared<Standardised>(std::move(source));
}

Segments resident(Segments source, std::int64_t bytes) {
  const std::int64_t segment = source->channels() * source->samples() * std::int64_t{sizeof(float)};
  if (segment > 0 && source->segments() > bytes / segment) return source;
  Tensor all = Tensor::empty({source->segments(), source->channels(), source->samples()});
  source->read(0, all);
  return in_memory(std::move(all));
}

void for_blocks(const SegmentSource& source, const std::function<void(std::int64_t, const Tensor&)>& body) {
  const std::int64_t most = block_segments(source);
  const Tensor block = Tensor::empty({most, source.channels(), source.samples()});
  for (std::int64_t first = 0; first < source.segments(); first += most) {
    const Tensor part = block.rows(0, std::min(most, source.segments() - first));
    source.read(first, part);
    body(first, part);
  }
}

ChannelStatistics channel_statistics(const SegmentSource& source) {
  const std::int64_t channels = source.channels(), length = source.samples();
  std::vector<Sums> sums(static_cast<std::size_t>(channels));
  for_blocks(source, [&](std::int64_t, const Tensor& block) {
    parallel_blocks(channels, [&](std::int64_t c) {
      for (std::int64_t b = 0; b < block.size(0); ++b)
        sums[static_cast<std::size_t>(c)].add(block.data<float>() + (b * channels + c) * length, length);
    });
  });
  ChannelStatistics out;
  const double count = static_cast<double>(source.segments() * length);
  for (const Sums& s : sums) {
    const double mean = s.sum / count;
    out.mean.push_back(s.origin + mean);
    out.deviation.push_back(std::sqrt(std::max(0.0, s.squares / count - mean * mean)));
  }
  return out;
}

Segments preprocessed(Segments recorded, const PreprocessKeys& keys, double rate) {
  if (Filter filter = filters_of(keys, rate); !filter.empty())
    recorded = filtered(std::move(recorded), std::move(filter));
  if (keys.standardize) recorded = standardised(std::move(recorded));
  return recorded;
}

std::vector<std::int64_t> best_channels(const Tensor& r2, double min_r2, std::int64_t top) {
  THIMBLE_CHECK(r2.rank() == 2, shape, "stored R2 ", r2.shape(), ": [channels, axes] is needed");
  const std::vector<double> values = r2.to_vector();
  const auto axes = static_cast<std::size_t>(r2.size(1));
  std::vector<double> scores;
  for (std::size_t c = 0; c < static_cast<std::size_t>(r2.size(0)); ++c)
    scores.push_back(*std::max_element(values.begin() + static_cast<std::ptrdiff_t>(c * axes),
                                       values.begin() + static_cast<std::ptrdiff_t>((c + 1) * axes)));
  double threshold = min_r2;
  if (top > 0 && top < r2.size(0)) {
    std::vector<double> sorted = scores;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    threshold = std::max(threshold, sorted[static_cast<std::size_t>(top - 1)]);
  }
  std::vector<std::int64_t> kept;
  for (std::size_t c = 0; c < scores.size(); ++c)
    if (scores[c] >= threshold) kept.push_back(static_cast<std::int64_t>(c));
  return kept;
}

}  // namespace thimble::fenet
