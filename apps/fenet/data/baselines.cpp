#include "apps/fenet/data/baselines.h"

#include "core/base/error.h"
#include "core/parallel/blocks.h"

#include "nn/daubechies.h"

#include "apps/fenet/data/filters.h"
#include "apps/fenet/data/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>

namespace thimble::fenet {
namespace {

constexpr double kThreshold = -3.5;  // of the RMS
constexpr int kWaveletLevels = 7;
constexpr int kWaveletOrder = 4;
constexpr std::array<std::array<double, 2>, 6> kBands{
    {{0.5, 4.0}, {4.0, 8.0}, {8.0, 12.0}, {12.0, 30.0}, {30.0, 70.0}, {70.0, 200.0}}};

/// Where the features of all segments go, one channel after the other.
struct Table {
  Tensor out;  // [B, C * K]
  std::int64_t width;
  Table(const SegmentSource& source, Baseline baseline)
      : out(Tensor::zeros({source.segments(), source.channels() * features_of(baseline)})),
        width(features_of(baseline)) {}
  float* at(std::int64_t segment, std::int64_t channel) const {
    return out.mut<float>() + segment * out.size(1) + channel * width;
  }
};

/// Calls body(channel, segment, samples of it) in the order of the segments; channels in parallel. The samples may be
/// written over.
void for_segments(const SegmentSource& source,
                  const std::function<void(std::int64_t, std::int64_t, std::span<float>)>& body) {
  const std::int64_t channels = source.channels(), length = source.samples();
  for_blocks(source, [&](std::int64_t first, const Tensor& block) {
    parallel_blocks(channels, [&](std::int64_t c) {
      for (std::int64_t b = 0; b < block.size(0); ++b)
        body(c, first + b, {block.mut<float>() + (b * channels + c) * length, static_cast<std::size_t>(length)});
    });
  });
}

std::vector<FilterState> states_of(const SegmentSource& source, const Filter& filter) {
  return std::vector<FilterState>(static_cast<std::size_t>(source.channels()), FilterState(filter));
}

/// Root mean square of every channel behind the filter.
std::vector<double> band_rms(const SegmentSource& source, const Filter& filter) {
  std::vector<FilterState> states = states_of(source, filter);
  std::vector<double> out(states.size(), 0.0);
  for_segments(source, [&](std::int64_t c, std::int64_t, std::span<float> x) {
    states[static_cast<std::size_t>(c)].run(filter, x);
    for (const float v : x) out[static_cast<std::size_t>(c)] += static_cast<double>(v) * static_cast<double>(v);
  });
  const double count = static_cast<double>(source.segments() * source.samples());
  for (double& value : out) value = std::sqrt(value / count);
  return out;
}

void threshold_crossings(const SegmentSource& source, double rate, const Table& table) {
  const Filter filter = bandpass(4, 250.0, 5000.0, rate);
  const std::vector<double> rms = band_rms(source, filter);
  std::vector<FilterState> states = states_of(source, filter);
  std::vector<float> before(states.size(), 0.0F);
  for_segments(source, [&](std::int64_t c, std::int64_t b, std::span<float> x) {
    const auto channel = static_cast<std::size_t>(c);
    states[channel].run(filter, x);
    const auto threshold = static_cast<float>(kThreshold * rms[channel]);
    int count = 0;
    for (const float v : x) {
      if (before[channel] > threshold && v <= threshold) ++count;
      before[channel] = v;
    }
    *table.at(b, c) = static_cast<float>(count);
  });
}

/// Mean magnitude behind each filter into features `first`, `first` + 1, ...
void band_magnitudes(const SegmentSource& source, const std::vector<Filter>& filters, int first, const Table& table) {
  std::vector<std::vector<FilterState>> states;
  for (const Filter& filter : filters) states.push_back(states_of(source, filter));
  for_segments(source, [&](std::int64_t c, std::int64_t b, std::span<float> x) {
    std::vector<float> band;
    for (std::size_t i = 0; i < filters.size(); ++i) {
      band.assign(x.begin(), x.end());
      states[i][static_cast<std::size_t>(c)].run(filters[i], band);
      double sum = 0.0;
      for (const float v : band) sum += std::abs(static_cast<double>(v));
      table.at(b, c)[first + static_cast<int>(i)] = static_cast<float>(sum / static_cast<double>(x.size()));
    }
  });
}

/// One level of the wavelet transform, periodic at the ends: mean square of the details; `x` becomes the rest.
double wavelet_level(std::vector<double>& x, const std::vector<double>& low, const std::vector<double>& high) {
  if (x.size() % 2 == 1) x.push_back(x.back());
  std::vector<double> rest(x.size() / 2);
  double power = 0.0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    double detail = 0.0;
    for (std::size_t k = 0; k < low.size(); ++k) {
      const double value = x[(2 * i + k) % x.size()];
      rest[i] += low[k] * value;
      detail += high[k] * value;
    }
    power += detail * detail;
  }
  x = std::move(rest);
  return power / static_cast<double>(x.size());
}

void wavelet_power(const SegmentSource& source, const Table& table) {
  const nn::Wavelet& wavelet = nn::daubechies(kWaveletOrder);
  for_segments(source, [&](std::int64_t c, std::int64_t b, std::span<float> x) {
    std::vector<double> rest(x.begin(), x.end());
    float* out = table.at(b, c);
    for (int level = 0; level < kWaveletLevels; ++level)
      out[level] = static_cast<float>(wavelet_level(rest, wavelet.low, wavelet.high));
    double power = 0.0;
    for (const double v : rest) power += v * v / static_cast<double>(rest.size());
    out[kWaveletLevels] = static_cast<float>(power);
  });
}

void field_potentials(const SegmentSource& source, double rate, const Table& table) {
  for_segments(source, [&](std::int64_t c, std::int64_t b, std::span<float> x) {
    double sum = 0.0;
    for (const float v : x) sum += static_cast<double>(v);
    *table.at(b, c) = static_cast<float>(sum / static_cast<double>(x.size()));
  });
  std::vector<Filter> filters;
  for (const auto& band : kBands) filters.push_back(bandpass(2, band[0], band[1], rate));
  band_magnitudes(source, filters, 1, table);
}

}  // namespace

const std::vector<Baseline>& baselines() {
  static const std::vector<Baseline> all{Baseline::threshold_crossings, Baseline::spiking_band_power,
                                         Baseline::wavelet_power, Baseline::field_potentials};
  return all;
}

std::string title_of(Baseline baseline) {
  static const std::array<const char*, 4> titles{"threshold crossings", "spiking-band power", "mean wavelet power",
                                                 "field potential bands"};
  return titles[static_cast<std::size_t>(baseline)];
}

std::string short_name_of(Baseline baseline) {
  static const std::array<const char*, 4> names{"tc", "sbp", "mwp", "lfp"};
  return names[static_cast<std::size_t>(baseline)];
}

std::int64_t features_of(Baseline baseline) {
  static const std::array<std::int64_t, 4> widths{1, 1, kWaveletLevels + 1, std::int64_t{kBands.size()} + 1};
  return widths[static_cast<std::size_t>(baseline)];
}

Tensor baseline_features(Baseline baseline, const SegmentSource& recorded, double rate_hz) {
  const Table table(recorded, baseline);
  if (baseline == Baseline::threshold_crossings) threshold_crossings(recorded, rate_hz, table);
  if (baseline == Baseline::spiking_band_power)
    band_magnitudes(recorded, {bandpass(2, 300.0, 1000.0, rate_hz)}, 0, table);
  if (baseline == Baseline::wavelet_power) wavelet_power(recorded, table);
  if (baseline == Baseline::field_potentials) field_potentials(recorded, rate_hz, table);
  return table.out;
}

}  // namespace thimble::fenet
