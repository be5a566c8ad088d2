#include "apps/fenet/channels/channel_ranking.h"

#include "core/parallel/blocks.h"

#include "apps/fenet/evaluate/criteria.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thimble::fenet {
namespace {

/// The columns of one channel: [B, N] of [B, C * N].
Tensor columns_of(const Tensor& features, std::int64_t channel, std::int64_t width) {
  Tensor out = Tensor::empty({features.size(0), width});
  for (std::int64_t b = 0; b < features.size(0); ++b)
    std::copy_n(features.data<float>() + b * features.size(1) + channel * width, width, out.mut<float>() + b * width);
  return out;
}

/// Adds the scores of a session, `share` of them, to r2 [C, D].
void add_session(const Network& network, const Session& session, const Protocol& protocol, double share, Tensor& r2) {
  const Tensor features = extract_features(network, *session.segments);
  const std::int64_t width = network.architecture.features(), axes = r2.size(1);
  parallel_jobs(r2.size(0), [&](std::int64_t c) {
    const Scores scores = judge(columns_of(features, c, width), 1, session.labels, protocol);
    for (std::int64_t axis = 0; axis < axes; ++axis) {
      const auto found = scores.metrics.find("pearsonr2-" + axis_name(axis));
      const double value = found != scores.metrics.end() && std::isfinite(found->second) ? found->second : 0.0;
      r2.mut<double>()[c * axes + axis] += share * value;
    }
  });
}

double better_axis(const Tensor& r2, std::int64_t channel) {
  const double* row = r2.data<double>() + channel * r2.size(1);
  return *std::max_element(row, row + r2.size(1));
}

}  // namespace

std::vector<std::int64_t> ChannelScores::ranking() const {
  std::vector<std::int64_t> out(static_cast<std::size_t>(r2.size(0)));
  std::iota(out.begin(), out.end(), 0);
  std::stable_sort(out.begin(), out.end(),
                   [&](std::int64_t a, std::int64_t b) { return better_axis(r2, a) > better_axis(r2, b); });
  return out;
}

std::vector<bool> ChannelScores::mask(std::int64_t top) const {
  const std::vector<std::int64_t> best = ranking();
  std::vector<bool> out(best.size(), top == 0);
  for (std::size_t i = 0; i < best.size() && static_cast<std::int64_t>(i) < top; ++i)
    out[static_cast<std::size_t>(best[i])] = true;
  return out;
}

std::vector<ChannelScores> score_channels(const Network& network, const std::vector<Day>& days,
                                          const Protocol& protocol) {
  std::vector<ChannelScores> out;
  for (const Day& day : days) {
    const Session& first = day.sessions.front();
    ChannelScores scores{day.name, Tensor::zeros({first.segments->channels(), first.labels.size(1)}, DType::f64)};
    for (const Session& session : day.sessions)
      add_session(network, session, protocol, 1.0 / static_cast<double>(day.sessions.size()), scores.r2);
    out.push_back(std::move(scores));
  }
  const bool alike = std::all_of(out.begin(), out.end(),
                                 [&](const ChannelScores& s) { return s.r2.shape() == out.front().r2.shape(); });
  if (out.size() < 2 || !alike) return out;
  ChannelScores pooled{"pooled", Tensor::zeros(out.front().r2.shape(), DType::f64)};
  for (const ChannelScores& day : out)
    for (std::int64_t i = 0; i < day.r2.numel(); ++i)
      pooled.r2.mut<double>()[i] += day.r2.data<double>()[i] / static_cast<double>(out.size());
  out.push_back(std::move(pooled));
  return out;
}

}  // namespace thimble::fenet
