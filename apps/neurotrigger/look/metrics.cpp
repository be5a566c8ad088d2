#include "apps/neurotrigger/look/metrics.h"

#include "core/base/error.h"
#include "core/linalg/stats.h"

#include "apps/neurotrigger/data/scaling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thimble::neurotrigger {
namespace {

constexpr double kTrimmedShare = 0.05;
constexpr double kNearCm = 10.0;

Maybe finite(double value) {
  return std::isfinite(value) ? Maybe(value) : Maybe();
}

Maybe ratio(Maybe a, Maybe b) {
  return a && b ? finite(*a / *b) : Maybe();
}

/// Mean squared difference over the columns of y_hat; rows [first, last).
Maybe squared_error(const Tensor& y, const Tensor& y_hat, std::int64_t first, std::int64_t last) {
  const std::int64_t wide = y.size(1), columns = y_hat.size(1);
  if (last <= first) return {};
  const float *truth = y.data<float>(), *guess = y_hat.data<float>();
  double sum = 0;
  for (std::int64_t i = first; i < last; ++i)
    for (std::int64_t c = 0; c < columns; ++c) {
      const double d = static_cast<double>(truth[i * wide + c]) - static_cast<double>(guess[i * columns + c]);
      sum += d * d;
    }
  return sum / static_cast<double>((last - first) * columns);
}

std::vector<double> scaled_differences(const Tensor& y, const Tensor& y_hat, std::int64_t column, std::int64_t first,
                                       std::int64_t last) {
  const float *truth = y.data<float>(), *guess = y_hat.data<float>();
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(last - first));
  for (std::int64_t i = first; i < last; ++i)
    out.push_back(static_cast<double>(truth[i * y.size(1) + column]) -
                  static_cast<double>(guess[i * y_hat.size(1) + column]));
  return out;
}

Maybe z_spread(const Tensor& y, const Tensor& y_hat, std::int64_t first, std::int64_t last) {
  return finite(linalg::standard_deviation(scaled_differences(y, y_hat, 0, first, last), linalg::Divisor::n_minus_1));
}

Maybe trimmed(const std::vector<double>& values) {
  return finite(linalg::trimmed_standard_deviation(values, kTrimmedShare));
}

/// y_old cut to the columns that the network has.
Tensor same_columns(const Tensor& y_old, const Tensor& y_hat) {
  if (y_old.size(1) == y_hat.size(1)) return y_old;
  std::vector<std::int64_t> all(static_cast<std::size_t>(y_old.size(0)));
  std::iota(all.begin(), all.end(), 0);
  return gather_rows(y_old, all, y_hat.size(1));
}

void add_old(const Compared& c, Merit& m) {
  if (!c.has_old) return;
  const Tensor old = same_columns(c.y_old, c.y_hat);
  m.loss_old = squared_error(c.y, old, 0, m.rows);
  m.loss_vs_old = ratio(m.loss, m.loss_old);
  m.z_std_old = z_spread(c.y, old, 0, m.rows);
  m.z_std_vs_old = ratio(m.z_std, m.z_std_old);
  m.z_trimmed_old_cm = trimmed(differences(c.y, old));
}

/// Weighted mean over batches; a batch without a value is left out.
struct BatchMean {
  double sum = 0, weight = 0;
  void add(Maybe value, std::int64_t rows) {
    if (!value) return;
    sum += *value * static_cast<double>(rows);
    weight += static_cast<double>(rows);
  }
  Maybe value() const { return weight > 0 ? Maybe(sum / weight) : Maybe(); }
};

}  // namespace

std::vector<double> differences(const Tensor& y, const Tensor& y_hat, std::int64_t column) {
  std::vector<double> out = scaled_differences(y, y_hat, column, 0, y.size(0));
  for (double& d : out) d *= column == 0 ? kCmPerUnit : kDegPerUnit;
  return out;
}

std::vector<double> physical_column(const Tensor& scaled, std::int64_t column) {
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(scaled.size(0)));
  const float* from = scaled.data<float>();
  for (std::int64_t i = 0; i < scaled.size(0); ++i) {
    const double value = static_cast<double>(from[i * scaled.size(1) + column]);
    out.push_back(column == 0 ? z_to_cm(value) : theta_to_degrees(value));
  }
  return out;
}

Merit merit_of(const Compared& c) {
  Merit m;
  m.rows = c.rows();
  if (m.rows == 0) return m;
  m.loss = squared_error(c.y, c.y_hat, 0, m.rows);
  m.z_std = z_spread(c.y, c.y_hat, 0, m.rows);
  const std::vector<double> difference = differences(c.y, c.y_hat), reco = physical_column(c.y);
  m.z_mean_cm = finite(linalg::mean(difference));
  m.z_trimmed_cm = trimmed(difference);
  std::vector<double> near;
  for (std::size_t i = 0; i < reco.size(); ++i)
    if (std::abs(reco[i]) < kNearCm) near.push_back(difference[i]);
  m.z_trimmed_near_cm = trimmed(near);
  if (c.y_hat.size(1) > 1) m.theta_trimmed_deg = trimmed(differences(c.y, c.y_hat, 1));
  m.trigger = trigger_numbers(c);
  add_old(c, m);
  return m;
}

EpochValues validation_epoch(const Compared& c, std::int64_t batch_size) {
  THIMBLE_CHECK(batch_size > 0, value, "validation_epoch: batch size ", batch_size);
  BatchMean loss, loss_ratio, spread, spread_ratio;
  const Tensor old = c.has_old && c.rows() > 0 ? same_columns(c.y_old, c.y_hat) : Tensor();
  for (std::int64_t first = 0; first < c.rows(); first += batch_size) {
    const std::int64_t last = std::min(c.rows(), first + batch_size), rows = last - first;
    const Maybe batch_loss = squared_error(c.y, c.y_hat, first, last),
                batch_spread = z_spread(c.y, c.y_hat, first, last);
    loss.add(batch_loss, rows);
    spread.add(batch_spread, rows);
    if (!old.defined()) continue;
    loss_ratio.add(ratio(batch_loss, squared_error(c.y, old, first, last)), rows);
    spread_ratio.add(ratio(batch_spread, z_spread(c.y, old, first, last)), rows);
  }
  return {loss.value(), loss_ratio.value(), spread.value(), spread_ratio.value()};
}

Compared join(const std::vector<Compared>& parts) {
  Compared out;
  std::int64_t rows = 0, columns = 2;
  for (const Compared& part : parts)
    if (part.rows() > 0) rows += part.rows(), columns = part.y_hat.size(1), out.has_old = out.has_old || part.has_old;
  out.y = Tensor::empty({rows, 2});
  out.y_old = Tensor::empty({rows, 2});
  out.y_hat = Tensor::empty({rows, columns});
  float *y = out.y.mut<float>(), *old = out.y_old.mut<float>(), *hat = out.y_hat.mut<float>();
  for (const Compared& part : parts) {
    if (part.rows() == 0) continue;
    y = std::copy_n(part.y.data<float>(), part.y.numel(), y);
    old = std::copy_n(part.y_old.data<float>(), part.y_old.numel(), old);
    hat = std::copy_n(part.y_hat.data<float>(), part.y_hat.numel(), hat);
  }
  return out;
}

std::vector<CutPoint> cut_curve(const Tensor& y, const Tensor& y_hat, const std::vector<double>& cuts_cm,
                                double near_cm, double far_cm) {
  const std::vector<double> reco = physical_column(y), network = physical_column(y_hat);
  std::vector<double> near, far;
  for (std::size_t i = 0; i < reco.size(); ++i) {
    if (std::abs(reco[i]) < near_cm) near.push_back(std::abs(network[i]));
    if (std::abs(reco[i]) > far_cm) far.push_back(std::abs(network[i]));
  }
  std::vector<CutPoint> curve;
  if (near.empty() || far.empty()) return curve;
  const auto kept = [](const std::vector<double>& values, double cut) {
    const auto inside = std::count_if(values.begin(), values.end(), [cut](double v) { return v < cut; });
    return static_cast<double>(inside) / static_cast<double>(values.size());
  };
  for (const double cut : cuts_cm) curve.push_back({cut, kept(near, cut), 1.0 - kept(far, cut)});
  return curve;
}

SpreadCurve spread_against_z(const std::vector<double>& reco_cm, const std::vector<double>& difference_cm,
                             std::size_t step) {
  constexpr std::size_t kMostRows = 50'000;
  constexpr double kEdgeCm = 75.0, kWindowCm = 1.0;
  std::vector<std::pair<double, double>> sorted;  // reco z, difference
  for (std::size_t i = 0; i < std::min(reco_cm.size(), kMostRows); ++i)
    sorted.emplace_back(reco_cm[i], difference_cm[i]);
  std::sort(sorted.begin(), sorted.end());
  const auto by_z = [](const std::pair<double, double>& row, double z) { return row.first < z; };
  const auto z_by = [](double z, const std::pair<double, double>& row) { return z < row.first; };
  const auto first = std::upper_bound(sorted.begin(), sorted.end(), -kEdgeCm, z_by),
             last = std::lower_bound(first, sorted.end(), kEdgeCm, by_z);
  SpreadCurve curve;
  for (std::ptrdiff_t i = 0; i < last - first; i += static_cast<std::ptrdiff_t>(step)) {
    const double centre = first[i].first;
    const auto begin = std::upper_bound(sorted.begin(), sorted.end(), centre - kWindowCm, z_by),
               end = std::lower_bound(begin, sorted.end(), centre + kWindowCm, by_z);
    std::vector<double> window;
    for (auto row = begin; row != end; ++row) window.push_back(row->second);
    curve.z_cm.push_back(centre);
    curve.spread_cm.push_back(linalg::trimmed_standard_deviation(window, kTrimmedShare));
    curve.rows.push_back(static_cast<std::int64_t>(window.size()));
  }
  return curve;
}

}  // namespace thimble::neurotrigger
