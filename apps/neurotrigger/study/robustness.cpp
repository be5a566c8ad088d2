#include "apps/neurotrigger/study/robustness.h"

#include "core/base/error.h"
#include "core/linalg/stats.h"
#include "core/random/philox.h"

#include "apps/neurotrigger/data/kinematics.h"
#include "apps/neurotrigger/data/scaling.h"
#include "apps/neurotrigger/look/trigger_view.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace thimble::neurotrigger {
namespace {

using Kind = Disturbance::Kind;

/// Columns of Stream draws of one hit.
enum Draw : std::uint64_t { chosen, time, side };

/// New driftT of a hit.
float disturbed_drift(float drift, const Disturbance& d, const Stream& stream, std::uint64_t hit) {
  if (d.kind == Kind::time_shift) {
    if (drift == 0.0f) return drift;  // the side is not known: no time either
    const double bins = std::clamp(std::abs(static_cast<double>(drift)) * kLastTimeBin + d.amount, 0.0,
                                   static_cast<double>(kLastTimeBin));
    return static_cast<float>(std::copysign(bins / kLastTimeBin, static_cast<double>(drift)));
  }
  if (stream.uniform64(Draw::chosen, hit) >= d.amount) return drift;
  if (d.kind == Kind::unknown_side) return 0.0f;
  const auto bins = static_cast<double>(stream.below(kLastTimeBin + 1, Draw::time, hit));
  return static_cast<float>((stream.uniform64(Draw::side, hit) < 0.5 ? -1.0 : 1.0) * bins / kLastTimeBin);
}

/// All inputs of a super layer to 0; with hit patterns (behind the 27) its eleven wires too.
void drop_layer(float* inputs, std::int64_t width, std::size_t s) {
  std::fill_n(inputs + 3 * s, 3, 0.0f);
  if (width == static_cast<std::int64_t>(kPatternInputs))
    std::fill_n(inputs + kInputs + kPatternWires * s, kPatternWires, 0.0f);
}

void disturb_row(float* inputs, const Disturbance& d, const Stream& stream, std::int64_t row) {
  for (std::size_t s = 0; s < kSuperLayers; ++s)
    if (has_hit(inputs, s))
      inputs[3 * s + 1] =
          disturbed_drift(inputs[3 * s + 1], d, stream, static_cast<std::uint64_t>(row) * kSuperLayers + s);
}

/// z in cm of every row by the network `experts` names; NaN without one.
std::vector<double> outputs_by(const RunResult& run, const Tensor& inputs, const std::vector<int>& experts) {
  std::vector<double> z(experts.size(), std::numeric_limits<double>::quiet_NaN());
  for (const ExpertResult& expert : run.experts) {
    if (expert.outcome.model.nodes().empty()) continue;
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < experts.size(); ++i)
      if (expert.outcome.expert < 0 || experts[i] == expert.outcome.expert)
        rows.push_back(static_cast<std::int64_t>(i));
    if (rows.empty()) continue;
    const std::vector<double> own = physical_column(predict(expert.outcome.model, gather_rows(inputs, rows)));
    for (std::size_t i = 0; i < rows.size(); ++i) z[static_cast<std::size_t>(rows[i])] = own[i];
  }
  return z;
}

/// One network on all tracks takes whatever is left of them.
bool one_for_all(const RunResult& run) {
  return run.experts.size() == 1 && run.experts[0].outcome.expert < 0;
}

struct Before {
  std::vector<double> reco, z;
  std::vector<int> experts;
};

RobustnessRow row_of(const std::string& name, int network, const Before& before, const std::vector<double>& z,
                     const std::vector<int>& experts) {
  constexpr double kNear = 1.0, kFar = 20.0, kCut = 15.0;
  RobustnessRow row;
  row.disturbance = name;
  row.network = network;
  std::vector<double> now, then, near, far;
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (std::isnan(before.z[i]) || (network >= 0 && before.experts[i] != network)) continue;
    ++row.tracks;
    const bool lost = std::isnan(z[i]);
    const double size = lost ? std::numeric_limits<double>::infinity() : std::abs(z[i]);
    if (std::abs(before.reco[i]) < kNear) near.push_back(size);
    if (std::abs(before.reco[i]) > kFar) far.push_back(size);
    if (lost) {
      ++row.lost;
      continue;
    }
    if (experts[i] != before.experts[i]) ++row.moved;
    now.push_back(before.reco[i] - z[i]);
    then.push_back(before.reco[i] - before.z[i]);
  }
  row.efficiency = share_below(near, kCut);
  row.far_kept = share_below(far, kCut);
  if (now.empty()) return row;
  row.spread_cm = linalg::trimmed_standard_deviation(now);
  row.spread_before_cm = linalg::trimmed_standard_deviation(then);
  row.mean_cm = linalg::mean(now);
  return row;
}

}  // namespace

std::string Disturbance::name() const {
  const std::string percent = text::cat(text::fixed(100 * amount, 0), " %");
  switch (kind) {
    case Kind::none:
      return "as recorded";
    case Kind::drop_layer:
      return text::cat("without SL", static_cast<int>(amount));
    case Kind::time_shift:
      return text::cat("event time ", amount > 0 ? "+" : "", text::shortest(amount), " bins");
    case Kind::unknown_side:
      return text::cat("side unknown ", percent);
    case Kind::noise:
      return text::cat("noise hits ", percent);
  }
  return "?";
}

const std::vector<Disturbance>& disturbances() {
  static const std::vector<Disturbance> list = [] {
    std::vector<Disturbance> all{{Kind::none, 0}};
    for (std::size_t s = 0; s < kSuperLayers; ++s) all.push_back({Kind::drop_layer, static_cast<double>(s)});
    for (const double bins : {-20.0, -10.0, -5.0, 5.0, 10.0, 20.0}) all.push_back({Kind::time_shift, bins});
    for (const double share : {0.25, 0.5, 1.0}) all.push_back({Kind::unknown_side, share});
    for (const double share : {0.05, 0.1, 0.2}) all.push_back({Kind::noise, share});
    return all;
  }();
  return list;
}

DisturbedTracks disturbed(const Dataset& data, const Disturbance& d, std::uint64_t seed) {
  const std::int64_t width = data.inputs.size(1);
  DisturbedTracks out{data.inputs.clone(), {}};
  const Stream stream = Rng(seed).stream("robustness").stream(d.name());
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    float* inputs = out.inputs.mut<float>() + row * width;
    if (d.kind == Kind::drop_layer)
      drop_layer(inputs, width, static_cast<std::size_t>(d.amount));
    else if (d.kind != Kind::none)
      disturb_row(inputs, d, stream, row);
    const int before = data.experts[static_cast<std::size_t>(row)];
    // from the expert, not from the inputs: a hit in the middle of its range may be three zeros
    const unsigned off = d.kind == Kind::drop_layer ? 1u << static_cast<unsigned>(d.amount) : 0u;
    out.experts.push_back(expert_of_stereo(stereo_of_expert(before) & ~off));
  }
  return out;
}

std::vector<RobustnessRow> robustness_rows(const RunResult& run, const Dataset& data, std::uint64_t seed) {
  Before before;
  before.reco = physical_column(data.targets);
  before.experts.assign(data.experts.begin(), data.experts.end());
  before.z = outputs_by(run, data.inputs, before.experts);
  std::vector<RobustnessRow> rows;
  for (const Disturbance& d : disturbances()) {
    DisturbedTracks tracks = disturbed(data, d, seed);
    const std::vector<double> z = outputs_by(run, tracks.inputs, tracks.experts);
    if (one_for_all(run)) tracks.experts = before.experts;
    for (const ExpertResult& expert : run.experts)
      if (expert.outcome.expert >= 0)
        rows.push_back(row_of(d.name(), expert.outcome.expert, before, z, tracks.experts));
    rows.push_back(row_of(d.name(), kTogether, before, z, tracks.experts));
  }
  return rows;
}

}  // namespace thimble::neurotrigger
