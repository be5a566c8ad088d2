#include "apps/fenet/run/outputs.h"

#include "apps/fenet/settings.h"

namespace thimble::fenet {

Tensor session_outputs(const Network& network, const Session& session, const Protocol& given, const std::string& what) {
  const Protocol protocol = with_reduction(given, network);
  const Tensor features = extract_features(network, *session.segments);
  const std::int64_t channels = session.segments->channels();
  if (what == "predictions") return judge(features, channels, session.labels, protocol).predictions.to(DType::f32);
  if (what == "features") return features;
  const Tensor z = protocol.normalise ? normalise_columns(features) : features;
  return what == "normalised" ? z : fit_head(z, channels, session.labels, protocol).reduce(z);
}

}  // namespace thimble::fenet
