#pragma once
// A recording as the rest of the application sees it: sessions of a day, each a run of segments that are read a few at
// a time, so that a session may be larger than memory.

#include "core/tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace thimble::fenet {

/// Segments of one session, in order, read on demand. Reading the same segments twice gives the same numbers.
class SegmentSource {
 public:
  virtual ~SegmentSource() = default;
  virtual std::int64_t segments() const = 0;  // B
  virtual std::int64_t channels() const = 0;  // C
  virtual std::int64_t samples() const = 0;   // T, of one segment
  /// Segments first .. first + n - 1 into `block` [n, C, T] f32. From one thread at a time, unless it is a source of a
  /// Session from load_recordings.
  virtual void read(std::int64_t first, const Tensor& block) const = 0;
  /// All segments [B, C, T] f32 where they lie in memory; null otherwise.
  virtual const Tensor* resident() const { return nullptr; }
};

/// One block of a day: one batch of the training, since the decoder is fitted inside the loss.
struct Session {
  std::string name;                               // "20300102/0"
  Tensor labels;                                  // [B, D] f32, normalised to [-1, 1] per axis over the day
  std::shared_ptr<const SegmentSource> segments;  // as the network sees them: filtered, standardised
  std::shared_ptr<const SegmentSource> raw;       // as recorded, the same channels (baseline features)
};

struct Day {
  std::string name;  // "20300102"
  std::vector<Session> sessions;
  Tensor channel_r2;                         // [C, 2] f64: stored squared correlation per channel; may be undefined
  std::vector<std::filesystem::path> files;  // read for it; none: simulated
  double rate_hz = 30000.0;                  // samples per second
  std::vector<std::int64_t> channels;        // numbers of the channels kept, in the order of the file
};

/// Segments that lie in memory: x [B, C, T] f32.
std::shared_ptr<const SegmentSource> in_memory(Tensor x);

}  // namespace thimble::fenet
