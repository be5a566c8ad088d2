#pragma once
// Small recordings in files, made by our own writers.

#include "core/io/atomic_file.h"
#include "core/io/npy.h"

#include "apps/fenet/data/raw_description.h"
#include "apps/fenet/data/session.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

namespace thimble::test {

/// All of a session, read at once: [B, C, T].
inline Tensor signal_of(const fenet::SegmentSource& source) {
  Tensor x = Tensor::empty({source.segments(), source.channels(), source.samples()});
  source.read(0, x);
  return x;
}

/// x[b, c, t], whole numbers that 16 bits hold.
inline Tensor whole_numbers(std::int64_t segments, std::int64_t channels, std::int64_t samples) {
  std::vector<float> x;
  for (std::int64_t b = 0; b < segments; ++b)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < samples; ++t)
        x.push_back(static_cast<float>((b * 7919 + c * 104729 + t * 31 + t * t * (c + 3)) % 2001 - 1000));
  return Tensor::from(x, {segments, channels, samples});
}

inline Tensor some_labels(std::int64_t segments) {
  std::vector<float> y;
  for (std::int64_t b = 0; b < segments; ++b) {
    y.push_back(static_cast<float>(std::sin(0.3 * static_cast<double>(b))));
    y.push_back(static_cast<float>(std::cos(0.2 * static_cast<double>(b))));
  }
  return Tensor::from(y, {segments, 2});
}

/// Interleaved int16 of x [B, C, T].
inline std::string interleaved(const Tensor& x) {
  std::string out;
  const std::int64_t channels = x.size(1), samples = x.size(2);
  for (std::int64_t b = 0; b < x.size(0); ++b)
    for (std::int64_t t = 0; t < samples; ++t)
      for (std::int64_t c = 0; c < channels; ++c) {
        const auto value = static_cast<std::int16_t>(x.data<float>()[(b * channels + c) * samples + t]);
        out.append(reinterpret_cast<const char*>(&value), sizeof value);
      }
  return out;
}

}  // namespace thimble::test
