#include "nn/search/encoding.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>

namespace thimble::nn::search {
namespace {

/// Quantile of a number: the inverse of Parameter::at.
double quantile_of(const Real& real, double value) {
  const auto share = [](double v, double a, double b) { return b > a ? std::clamp((v - a) / (b - a), 0.0, 1.0) : 0.5; };
  switch (real.shape) {
    case Real::Shape::uniform:
      return share(value, real.a, real.b);
    case Real::Shape::log_uniform:
      return value <= 0 ? 0 : share(std::log(value), std::log(real.a), std::log(real.b));
    case Real::Shape::normal:
      return 0.5 * std::erfc((real.a - value) / (real.b * std::sqrt(2.0)));
    default:
      return value <= 0 ? 0 : 0.5 * std::erfc((real.a - std::log(value)) / (real.b * std::sqrt(2.0)));
  }
}

/// Values that can be drawn, each once.
std::vector<Value> possible(const Choice& choice) {
  std::vector<Value> out;
  for (std::size_t i = 0; i < choice.values.size(); ++i) {
    const bool known =
        std::any_of(out.begin(), out.end(), [&](const Value& v) { return same_setting(v, choice.values[i]); });
    if (!known && (choice.weights.empty() || choice.weights[i] > 0)) out.push_back(choice.values[i]);
  }
  return out;
}

}  // namespace

std::size_t Encoding::Axis::level_of(const Value& value) const {
  for (std::size_t i = 0; i < levels.size(); ++i)
    if (same_setting(levels[i], value)) return i;
  fail(ErrorKind::value, "'", parameter.name, "' is never ", value.str());
}

std::vector<Value> Encoding::Axis::beside(const Value& value) const {
  std::vector<Value> out;
  if (!levels.empty()) {
    const std::size_t at = level_of(value);
    for (std::size_t i = 0; i < levels.size(); ++i)
      if (ordered ? i + 1 == at || at + 1 == i : i != at) out.push_back(levels[i]);
    return out;
  }
  if (const auto* whole = std::get_if<Whole>(&parameter.domain)) {
    const auto v = static_cast<std::int64_t>(*value.number());
    if (v > whole->low) out.emplace_back(v - 1);
    if (v < whole->high) out.emplace_back(v + 1);
    return out;
  }
  const Real& real = std::get<Real>(parameter.domain);
  if (real.step == 0) return out;
  const Value low = parameter.at(0), high = parameter.at(1);
  for (const double v : {*value.number() - real.step, *value.number() + real.step}) {
    const double rounded = std::nearbyint(v / real.step) * real.step;
    if (rounded < *low.number() || rounded > *high.number()) continue;
    out.push_back(real.whole ? Value(static_cast<std::int64_t>(rounded)) : Value(rounded));
  }
  return out;
}

Encoding::Axis Encoding::axis_of(const Parameter& parameter) {
  Axis axis;
  axis.parameter = parameter;
  const auto* choice = std::get_if<Choice>(&parameter.domain);
  if (choice == nullptr) return axis;
  axis.levels = possible(*choice);
  axis.ordered = std::all_of(axis.levels.begin(), axis.levels.end(), [](const Value& v) { return v.number(); });
  if (axis.ordered)
    std::sort(axis.levels.begin(), axis.levels.end(),
              [](const Value& a, const Value& b) { return *a.number() < *b.number(); });
  axis.ordered = axis.ordered || axis.levels.size() == 2;
  return axis;
}

Encoding::Encoding(const Space& space) {
  for (const Parameter& parameter : space.parameters()) {
    Axis axis = axis_of(parameter);
    axis.first = dims_;
    dims_ += axis.width();
    const auto* real = std::get_if<Real>(&parameter.domain);
    if (real != nullptr && real->step == 0) continuous_.emplace_back(axis.first, axes_.size());
    axes_.push_back(std::move(axis));
  }
}

std::vector<double> Encoding::of(const Assignment& values) const {
  std::vector<double> point(dims_, 0.0);
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const Axis& axis = axes_[i];
    const Value& value = values[i].second;
    if (!axis.levels.empty()) {
      const std::size_t level = axis.level_of(value), last = axis.levels.size() - 1;
      if (axis.ordered)
        point[axis.first] = last == 0 ? 0.5 : static_cast<double>(level) / static_cast<double>(last);
      else
        point[axis.first + level] = 1;
    } else if (const auto* whole = std::get_if<Whole>(&axis.parameter.domain)) {
      const double low = static_cast<double>(whole->low), high = static_cast<double>(whole->high);
      point[axis.first] = high > low ? (*value.number() - low) / (high - low) : 0.5;
    } else {
      point[axis.first] = quantile_of(std::get<Real>(axis.parameter.domain), *value.number());
    }
  }
  return point;
}

std::vector<Assignment> Encoding::neighbours(const Assignment& values) const {
  std::vector<Assignment> out;
  for (std::size_t i = 0; i < axes_.size(); ++i)
    for (Value& value : axes_[i].beside(values[i].second)) {
      out.push_back(values);
      out.back()[i].second = std::move(value);
    }
  return out;
}

Assignment Encoding::with(const Assignment& values, std::span<const double> coordinates) const {
  Assignment out = values;
  for (std::size_t k = 0; k < continuous_.size(); ++k) {
    const std::size_t place = continuous_[k].second;
    out[place].second = axes_[place].parameter.at(std::clamp(coordinates[k], 0.0, 1.0));
  }
  return out;
}

}  // namespace thimble::nn::search
