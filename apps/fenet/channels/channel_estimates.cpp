#include "apps/fenet/channels/channel_estimates.h"

#include "core/base/error.h"
#include "core/linalg/stats.h"
#include "core/parallel/blocks.h"

#include "apps/fenet/data/filters.h"
#include "apps/fenet/data/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

namespace thimble::fenet {
namespace {

constexpr std::int64_t kKept = 20000;        // magnitudes of a channel that its median is taken of
constexpr std::int64_t kCoarseSamples = 30;  // averaged before the mains is looked at
constexpr double kShare = 0.999;
constexpr std::int64_t kWindows = 256;
// the mains and, for each, the frequencies it is compared with
constexpr std::array<double, 2> kMains{50.0, 60.0};
constexpr std::array<double, 5> kAround{0.0, -7.0, -5.0, 5.0, 7.0};

/// Power at ten frequencies, over windows of about a second.
class MainsMeter {
 public:
  void add(std::span<const float> x, double rate) {
    for (const float v : x) {
      sum_ += static_cast<double>(v);
      if (++count_ % kCoarseSamples != 0) continue;
      const double value = sum_ / double{kCoarseSamples};
      sum_ = 0.0;
      const double time = static_cast<double>(count_) / rate;
      for (std::size_t i = 0; i < turns_.size(); ++i)
        turns_[i] += std::polar(value, -2.0 * std::numbers::pi * frequency(i) * time);
      if (static_cast<double>(count_ - window_) < rate) continue;
      end_window();
    }
  }
  /// The larger ratio of both mains; 0 without a whole second.
  double ratio() const {
    double largest = 0.0;
    for (std::size_t m = 0; m < kMains.size(); ++m) {
      double around = 0.0;
      for (std::size_t k = 1; k < kAround.size(); ++k) around += power_[m * kAround.size() + k] / 4.0;
      if (around > 0.0) largest = std::max(largest, power_[m * kAround.size()] / around);
    }
    return largest;
  }

 private:
  static double frequency(std::size_t i) { return kMains[i / kAround.size()] + kAround[i % kAround.size()]; }
  void end_window() {
    for (std::size_t i = 0; i < turns_.size(); ++i) power_[i] += std::norm(turns_[i]), turns_[i] = 0.0;
    window_ = count_;
  }
  double sum_ = 0.0;
  std::int64_t count_ = 0, window_ = 0;
  std::array<std::complex<double>, kMains.size() * kAround.size()> turns_{};
  std::array<double, kMains.size() * kAround.size()> power_{};
};

/// Everything of one channel that is gathered in one pass.
struct Gathered {
  FilterState band;
  MainsMeter mains;
  std::vector<float> magnitudes;  // of every so many samples
  double squares = 0;
  float high = 0, low = 0;
  std::int64_t count = 0, at_high = 0, at_low = 0;

  explicit Gathered(const Filter& filter) : band(filter) {}

  void add(const Filter& filter, double rate, std::int64_t every, std::span<float> x) {
    mains.add(x, rate);
    for (const float v : x) {
      if (count == 0 || v > high) high = v, at_high = 0;
      if (count == 0 || v < low) low = v, at_low = 0;
      at_high += v == high ? 1 : 0;
      at_low += v == low ? 1 : 0;
      ++count;
    }
    band.run(filter, x);
    for (std::size_t t = 0; t < x.size(); ++t) {
      squares += static_cast<double>(x[t]) * static_cast<double>(x[t]);
      if ((count - static_cast<std::int64_t>(x.size()) + static_cast<std::int64_t>(t)) % every == 0)
        magnitudes.push_back(std::abs(x[t]));
    }
  }
};

ChannelEstimate finished(const Gathered& g, double mean, double deviation) {
  ChannelEstimate out;
  out.mean = mean, out.deviation = deviation;
  out.noise_rms = linalg::quantile(g.magnitudes, 0.5, linalg::QuantileRule::linear) / 0.6745;
  out.spike_rms = std::sqrt(g.squares / static_cast<double>(g.count));
  out.line_ratio = g.mains.ratio();
  const double share = static_cast<double>(g.at_high + g.at_low) / static_cast<double>(g.count);
  out.saturated = g.high > g.low && share > 1e-3;
  return out;
}

void mark_dead(std::vector<ChannelEstimate>& channels) {
  std::vector<double> deviations;
  for (const ChannelEstimate& channel : channels) deviations.push_back(channel.deviation);
  const double usual = linalg::quantile(deviations, 0.5, linalg::QuantileRule::linear);
  for (ChannelEstimate& channel : channels) channel.dead = channel.deviation <= 0.01 * usual;
}

/// One correlation of a window with a filter, padded as a level is.
std::vector<double> correlated(const std::vector<double>& x, const Tensor& filter, int stride) {
  const auto taps = static_cast<std::int64_t>(filter.numel()), length = static_cast<std::int64_t>(x.size());
  const std::int64_t left = std::max<std::int64_t>(taps - stride, 0);
  std::vector<double> out(static_cast<std::size_t>((length + left - 1) / stride + 1), 0.0);
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::int64_t j = 0; j < taps; ++j) {
      const std::int64_t at = static_cast<std::int64_t>(i) * stride + j - left;
      if (at >= 0 && at < length)
        out[i] += static_cast<double>(filter.data<float>()[j]) * x[static_cast<std::size_t>(at)];
    }
  return out;
}

/// Magnitudes of every stage, gathered over windows.
struct Magnitudes {
  std::vector<std::vector<double>> activations, features;
  explicit Magnitudes(std::size_t levels) : activations(levels + 1), features(levels + 2) {}

  static void add(std::vector<double>& to, const std::vector<double>& values) {
    for (const double v : values) to.push_back(std::abs(v));
  }
  void window(const Architecture& architecture, const std::vector<Tensor>& weights, std::vector<double> x) {
    add(activations[0], x);
    for (std::size_t level = 0; level < architecture.kernels.size(); ++level) {
      const int power = architecture.relu_powers[level];
      features[level + 1].push_back(folded_mean(correlated(x, weights[2 * level], architecture.strides[level]), power));
      x = correlated(x, weights[2 * level + 1], architecture.strides[level]);
      add(activations[level + 1], x);
    }
    features.back().push_back(folded_mean(x, architecture.relu_powers.back()));
  }
  static double folded_mean(const std::vector<double>& y, int power) {
    double sum = 0.0;
    for (const double v : y) sum += v >= 0.0 ? v : -std::ldexp(v, -power);
    return sum / static_cast<double>(y.size());
  }
};

double most_of(std::vector<double> values) {
  return values.empty() ? 0.0 : linalg::quantile(values, kShare, linalg::QuantileRule::linear);
}

LevelEstimate level_estimate(std::string name, double activation, double feature, std::int64_t word_length) {
  LevelEstimate out{std::move(name), activation, feature, 0, 0};
  const double largest = std::max(activation, feature);
  const auto bits = largest > 0.0 ? static_cast<std::int64_t>(std::ceil(std::log2(largest))) : 0;
  out.integer_bits = std::max<std::int64_t>(0, bits);
  out.fraction = std::clamp<std::int64_t>(word_length - 1 - out.integer_bits, 0, word_length - 2);
  return out;
}

}  // namespace

std::vector<ChannelEstimate> estimate_channels(const SegmentSource& recorded, double rate_hz) {
  const Filter filter = bandpass(4, 250.0, std::min(5000.0, 0.45 * rate_hz), rate_hz);
  std::vector<Gathered> all(static_cast<std::size_t>(recorded.channels()), Gathered(filter));
  const std::int64_t length = recorded.samples(), channels = recorded.channels();
  const std::int64_t every = std::max<std::int64_t>(1, recorded.segments() * length / kKept);
  for_blocks(recorded, [&](std::int64_t, const Tensor& block) {
    parallel_blocks(channels, [&](std::int64_t c) {
      for (std::int64_t b = 0; b < block.size(0); ++b)
        all[static_cast<std::size_t>(c)].add(
            filter, rate_hz, every,
            {block.mut<float>() + (b * channels + c) * length, static_cast<std::size_t>(length)});
    });
  });
  const ChannelStatistics statistics = channel_statistics(recorded);
  std::vector<ChannelEstimate> out;
  for (std::size_t c = 0; c < all.size(); ++c)
    out.push_back(finished(all[c], statistics.mean[c], statistics.deviation[c]));
  mark_dead(out);
  return out;
}

std::vector<LevelEstimate> estimate_levels(const Network& network, const SegmentSource& segments,
                                           std::int64_t word_length) {
  const std::size_t levels = network.architecture.kernels.size();
  Magnitudes magnitudes(levels);
  const std::vector<Tensor> weights = network.weights();
  const std::int64_t every = std::max<std::int64_t>(1, segments.segments() * segments.channels() / kWindows);
  std::int64_t number = 0;
  for_blocks(segments, [&](std::int64_t, const Tensor& block) {
    for (std::int64_t w = 0; w < block.size(0) * block.size(1); ++w, ++number) {
      if (number % every != 0) continue;
      const float* x = block.data<float>() + w * segments.samples();
      magnitudes.window(network.architecture, weights, {x, x + segments.samples()});
    }
  });
  std::vector<LevelEstimate> out;
  for (std::size_t level = 0; level <= levels; ++level)
    out.push_back(level_estimate(level == 0 ? std::string("input") : text::cat("level ", level),
                                 most_of(magnitudes.activations[level]), most_of(magnitudes.features[level]),
                                 word_length));
  out.push_back(level_estimate("last pass", 0.0, most_of(magnitudes.features.back()), word_length));
  return out;
}

}  // namespace thimble::fenet
