#include "apps/fenet/stream/feature_stream.h"

#include "core/base/error.h"
#include "core/parallel/blocks.h"

#include "apps/fenet/data/preprocess.h"
#include "apps/fenet/data/stored_samples.h"

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

/// As recordings in files are read: to float, then times the factor of the channel.
void take_frames(std::string_view bytes, const StreamForm& form, float* to) {
  const std::int64_t frames = form.samples;
  std::vector<float> values(static_cast<std::size_t>(frames * form.channels));
  floats_of(bytes, form.element, values.data());
  for (std::int64_t t = 0; t < frames; ++t)
    for (std::int64_t c = 0; c < form.channels; ++c) {
      const double value = static_cast<double>(values[static_cast<std::size_t>(t * form.channels + c)]);
      to[c * frames + t] = static_cast<float>(form.scale[static_cast<std::size_t>(c)] * value);
    }
}

}  // namespace

FeatureStream::FeatureStream(const Network& network, StreamForm form)
    : network_(network),
      form_(std::move(form)),
      bytes_(static_cast<std::size_t>(form_.channels * form_.samples) * io::size_of(form_.element)),
      states_(static_cast<std::size_t>(form_.channels), FilterState(form_.filter)),
      segment_(Tensor::empty({1, form_.channels, form_.samples})) {
  THIMBLE_CHECK(form_.channels > 0 && form_.samples > 0, value, "a stream of ", form_.channels, " channels, ",
                form_.samples, " samples a segment");
  THIMBLE_CHECK(static_cast<std::int64_t>(form_.scale.size()) == form_.channels, value, form_.scale.size(),
                " factors for ", form_.channels, " channels");
}

std::int64_t FeatureStream::waiting() const {
  return static_cast<std::int64_t>(pending_.size() * static_cast<std::size_t>(form_.samples) / bytes_);
}

void FeatureStream::push(std::string_view bytes, const Row& row) {
  while (!bytes.empty()) {
    if (pending_.empty() && bytes.size() >= bytes_) {
      finish_segment(bytes.substr(0, bytes_), row);
      bytes.remove_prefix(bytes_);
      continue;
    }
    const std::size_t some = std::min(bytes.size(), bytes_ - pending_.size());
    pending_ += bytes.substr(0, some);
    bytes.remove_prefix(some);
    if (pending_.size() < bytes_) return;
    finish_segment(pending_, row);
    pending_.clear();
  }
}

void FeatureStream::finish_segment(std::string_view bytes, const Row& row) {
  float* x = segment_.mut<float>();
  take_frames(bytes, form_, x);
  const float* bad = std::find_if(x, x + segment_.numel(), [](float v) { return !std::isfinite(v); });
  THIMBLE_CHECK(bad == x + segment_.numel(), data, "segment ", segments_, " of the stream, channel ",
                (bad - x) / form_.samples, ": a sample is not finite");
  if (form_.car) take_common_away(segment_);
  if (!form_.filter.empty())
    parallel_blocks(form_.channels, [&](std::int64_t c) {
      states_[static_cast<std::size_t>(c)].run(form_.filter,
                                               {x + c * form_.samples, static_cast<std::size_t>(form_.samples)});
    });
  const Tensor features = features_of(network_, segment_);
  row(segments_++, {features.data<float>(), static_cast<std::size_t>(features.numel())});
}

double percentile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0.0;
  const double place = std::ceil(p * static_cast<double>(sorted.size())) - 1.0;
  return sorted[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(sorted.size() - 1)))];
}

}  // namespace thimble::fenet
