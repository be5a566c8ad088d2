#include "apps/neurotrigger/look/trigger_view.h"

#include "core/base/error.h"
#include "core/linalg/stats.h"

#include "apps/neurotrigger/look/metrics.h"

#include <algorithm>
#include <cmath>

namespace thimble::neurotrigger {
namespace {

/// Rounding of rejection * n must not cost a track.
constexpr double kRounding = 1e-9;

Maybe mean_of(const std::vector<double>& values) {
  return values.empty() ? Maybe() : Maybe(linalg::mean(values));
}

}  // namespace

Maybe share_below(const std::vector<double>& values, double cut) {
  if (values.empty()) return {};
  const auto below = std::count_if(values.begin(), values.end(), [cut](double v) { return v < cut; });
  return static_cast<double>(below) / static_cast<double>(values.size());
}

WorkingPoint working_point(std::vector<double> far, const std::vector<double>& near, double rejection) {
  THIMBLE_CHECK(rejection > 0 && rejection <= 1, value, "working_point: rejection ", rejection,
                ", expected more than 0 and at most 1");
  WorkingPoint point;
  point.rejection = rejection;
  if (far.empty()) return point;
  const auto n = static_cast<double>(far.size());
  const auto most_kept = static_cast<std::ptrdiff_t>(
      std::min(std::floor((1.0 - rejection) * n + kRounding), n - 1));  // n - 1: something is rejected
  std::nth_element(far.begin(), far.begin() + most_kept, far.end());
  point.cut_cm = far[static_cast<std::size_t>(most_kept)];
  point.efficiency = share_below(near, *point.cut_cm);
  return point;
}

TriggerNumbers trigger_numbers(const std::vector<double>& reco, const std::vector<double>& network,
                               const TriggerRegions& regions) {
  THIMBLE_CHECK(reco.size() == network.size(), shape, "trigger_numbers: ", reco.size(), " and ", network.size(),
                " rows");
  std::vector<double> near, far, far_plus, near_error, plus_error, minus_error;
  for (std::size_t i = 0; i < reco.size(); ++i) {
    const double z = reco[i], size = std::abs(network[i]), error = z - network[i];
    if (std::abs(z) < regions.near) near.push_back(size), near_error.push_back(error);
    if (std::abs(z) > regions.far) far.push_back(size);
    if (z > regions.far) far_plus.push_back(size);
    if (z > regions.feed) plus_error.push_back(error);
    if (z < -regions.feed) minus_error.push_back(error);
  }
  TriggerNumbers out;
  out.near_rows = static_cast<std::int64_t>(near.size());
  out.far_rows = static_cast<std::int64_t>(far.size());
  for (std::size_t i = 0; i < kRejections.size(); ++i) out.at[i] = working_point(far, near, kRejections[i]);
  out.efficiency = share_below(near, regions.cut);
  out.far_kept = share_below(far, regions.cut);
  out.far_kept_plus = share_below(far_plus, regions.cut);
  if (!near_error.empty()) out.resolution_cm = linalg::trimmed_standard_deviation(near_error);
  out.feed_down_cm = mean_of(plus_error);
  out.feed_up_cm = mean_of(minus_error);
  return out;
}

TriggerNumbers trigger_numbers(const Compared& compared, const TriggerRegions& regions) {
  if (compared.rows() == 0) return trigger_numbers(std::vector<double>{}, {}, regions);
  return trigger_numbers(physical_column(compared.y), physical_column(compared.y_hat), regions);
}

}  // namespace thimble::neurotrigger
