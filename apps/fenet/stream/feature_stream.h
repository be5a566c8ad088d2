#pragma once
// Features while samples arrive: a segment's are ready as soon as its last sample is there.

#include "core/io/array.h"

#include "apps/fenet/data/filters.h"
#include "apps/fenet/model/network.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::fenet {

/// What arrives: moments of all channels side by side.
struct StreamForm {
  std::int64_t channels = 0, samples = 900;  // samples of a segment
  io::Element element = io::Element::i16;    // i16, i32, f32 or f64
  std::vector<double> scale;                 // microvolts of one step, per channel
  bool car = false;                          // without the mean over all channels
  Filter filter;                             // its state is carried from segment to segment
};

class FeatureStream {
 public:
  /// The network stays with the caller.
  FeatureStream(const Network& network, StreamForm form);

  /// Takes the next bytes, of any number, and calls row(segment, features [C * N]) for every segment that they
  /// complete. The features have the bits of extract_features on the whole recording, filtered but not standardised.
  /// Throws Error(data) naming segment and channel for a sample that is not finite.
  using Row = std::function<void(std::int64_t segment, std::span<const float> features)>;
  void push(std::string_view bytes, const Row& row);

  std::int64_t segments() const { return segments_; }
  /// Moments that wait for the rest of their segment.
  std::int64_t waiting() const;
  /// Bytes that complete the segment under way.
  std::size_t missing() const { return bytes_ - pending_.size(); }

 private:
  void finish_segment(std::string_view bytes, const Row& row);

  const Network& network_;
  StreamForm form_;
  std::size_t bytes_;  // of a segment
  std::string pending_;
  std::vector<FilterState> states_;
  Tensor segment_;  // [1, C, T]
  std::int64_t segments_ = 0;
};

/// Times in order of size: the smallest that at least the share `p` does not exceed; 0 for none.
double percentile(const std::vector<double>& sorted, double p);

}  // namespace thimble::fenet
