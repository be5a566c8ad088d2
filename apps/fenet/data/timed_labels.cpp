#include "apps/fenet/data/timed_labels.h"

#include "core/base/error.h"

#include <algorithm>

namespace thimble::fenet {
namespace {

/// Values at a time within the series, by a straight line.
void at_time(const TimedSeries& series, double time, double* to) {
  const std::int64_t columns = series.values.size(1);
  const auto after = std::upper_bound(series.times.begin(), series.times.end(), time);
  const auto last = static_cast<std::int64_t>(series.times.size()) - 1;
  const std::int64_t right = std::clamp<std::int64_t>(after - series.times.begin(), 1, std::max<std::int64_t>(1, last));
  const double* a = series.values.data<double>() + (right - 1) * columns;
  const double* b = a + columns;
  const double from = series.times[static_cast<std::size_t>(right - 1)];
  const double part = (time - from) / (series.times[static_cast<std::size_t>(right)] - from);
  for (std::int64_t j = 0; j < columns; ++j) to[j] = a[j] + part * (b[j] - a[j]);
}

}  // namespace

TimedLabels labels_at(const TimedSeries& series, bool positions, double begin, double seconds, std::int64_t segments) {
  THIMBLE_CHECK(series.times.size() >= 2, data, series.times.size(), " times of the behaviour: two or more are needed");
  const std::int64_t columns = series.values.size(1);
  std::vector<float> labels;
  std::vector<double> one(static_cast<std::size_t>(columns)), two(one);
  TimedLabels out;
  for (std::int64_t b = 0; b < segments; ++b) {
    const double from = begin + static_cast<double>(b) * seconds, to = from + seconds;
    if (from < series.times.front() || to > series.times.back()) {
      if (labels.empty()) out.first = b + 1;
      continue;
    }
    at_time(series, positions ? from : from + 0.5 * seconds, one.data());
    if (positions) at_time(series, to, two.data());
    for (std::size_t j = 0; j < one.size(); ++j)
      labels.push_back(static_cast<float>(positions ? (two[j] - one[j]) / seconds : one[j]));
  }
  const auto count = static_cast<std::int64_t>(labels.size()) / columns;
  if (count > 0) out.labels = Tensor::from(labels, {count, columns});
  return out;
}

}  // namespace thimble::fenet
