#include "apps/fenet/evaluate/criteria.h"

#include "core/base/error.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace thimble::fenet {
namespace {

double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<double> column(const std::vector<double>& rows, std::size_t columns, std::size_t k) {
  std::vector<double> out;
  for (std::size_t i = k; i < rows.size(); i += columns) out.push_back(rows[i]);
  return out;
}

std::vector<double> wide(const Tensor& t) {
  return t.to(DType::f64).to_vector();
}

}  // namespace

std::string axis_name(std::int64_t axis) {
  return axis < 3 ? std::string(1, "xyz"[axis]) : text::cat("axis", axis);
}

Metrics criteria_of(const Tensor& labels, const Tensor& predictions) {
  THIMBLE_CHECK(
      labels.defined() && predictions.defined() && labels.rank() == 2 && labels.shape() == predictions.shape(), shape,
      "criteria: labels ", labels.defined() ? labels.shape() : Shape{}, " and predictions ",
      predictions.defined() ? predictions.shape() : Shape{}, ", expected equal matrices");
  const std::vector<double> truth = wide(labels), guess = wide(predictions);
  const auto axes = static_cast<std::size_t>(labels.size(1));
  std::vector<double> correlations, r2;
  Metrics out;
  for (std::size_t k = 0; k < axes; ++k) {
    const std::vector<double> y = column(truth, axes, k), p = column(guess, axes, k);
    const std::string name = axis_name(static_cast<std::int64_t>(k));
    const double r = linalg::pearson(p, y);
    correlations.push_back(r * r);
    r2.push_back(linalg::r2(y, p));
    out[text::cat("pearsonr2-", name)] = correlations.back();
    out[text::cat("decoder-", name, "-R2")] = r2.back();
  }
  out["pearsonr2-xy-normed"] = root_mean_square(correlations);
  out["decoder-R2"] = linalg::joint_r2(truth, guess, axes);
  out["decoder-xy-avg-R2"] = linalg::mean(r2);
  out["decoder-xy-norm-R2"] = root_mean_square(r2);
  out["decoder-MSE"] = linalg::mean_squared_error(truth, guess);
  return out;
}

MeanMetrics mean_over_valid(const std::vector<Metrics>& stretches) {
  MeanMetrics out;
  std::map<std::string, std::vector<double>> values;
  for (const Metrics& stretch : stretches) {
    bool valid = true;
    for (const auto& entry : stretch) {
      std::vector<double>& list = values[entry.first];
      valid = valid && !std::isnan(entry.second);
      if (!std::isnan(entry.second)) list.push_back(entry.second);
    }
    out.invalid += valid ? 0 : 1;
  }
  for (const auto& entry : values) out.means[entry.first] = linalg::mean(entry.second);
  return out;
}

Metrics day_criteria(const std::vector<Metrics>& days) {
  const Metrics means = mean_over_valid(days).means;
  Metrics out;
  std::vector<double> axes;
  for (const auto& entry : means) {
    const std::string& name = entry.first;
    if (name.starts_with("pearsonr2-") || name == "decoder-MSE") out["eval/" + name] = entry.second;
    const bool axis = name != "decoder-R2" && name.starts_with("decoder-") && name.ends_with("-R2") &&
                      !name.starts_with("decoder-xy-");
    if (!axis) continue;
    axes.push_back(entry.second);
    out["eval/timely/" + name] = entry.second;
  }
  if (means.contains("decoder-R2")) out["eval/timely/avg-decoder-R2"] = means.at("decoder-R2");
  if (axes.empty()) return out;
  out["eval/timely/decoder-xy-avg-R2"] = linalg::mean(axes);
  out["eval/timely/decoder-xy-norm-R2"] = root_mean_square(axes);
  return out;
}

linalg::Histogram day_histogram(const std::vector<Metrics>& days, std::size_t bins) {
  std::vector<double> values;
  for (const Metrics& day : days) {
    const auto found = day.find("decoder-R2");
    if (found != day.end() && !std::isnan(found->second)) values.push_back(found->second);
  }
  linalg::Histogram histogram = linalg::histogram(values, bins);
  histogram.outside += static_cast<std::int64_t>(days.size() - values.size());
  return histogram;
}

Metrics cost_criteria(double average_r2, double operations, double divisor) {
  THIMBLE_CHECK(operations > 0 && divisor > 0, value, "cost criteria: ", operations, " operations and divisor ",
                divisor, ", expected positive numbers");
  return {{"unquantized-perf-cost-ratio", average_r2 / operations},
          {"unquantized-perf-cost-combo", average_r2 - operations / divisor}};
}

std::array<double, 3> direction_colour(double x, double y) {
  const double angle = std::atan2(y, x), third = 2 * std::numbers::pi / 3;
  return {0.5 * (1 + std::cos(angle)), 0.5 * (1 + std::cos(angle + third)), 0.5 * (1 + std::cos(angle - third))};
}

}  // namespace thimble::fenet
