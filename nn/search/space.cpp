#include "nn/search/space.h"

#include "core/base/error.h"
#include "core/linalg/stats.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace thimble::nn::search {
namespace {

constexpr double kMostCombinations = 9007199254740992.0;  // 2^53
constexpr std::int64_t kMostValues = 1'000'000;           // of one parameter of a grid

[[noreturn]] void refuse(const std::string& name, const std::string& message) {
  throw Error(ErrorKind::value, message, {"", 0, 0, name});
}

void check(const std::string& name, const Choice& choice) {
  if (choice.values.empty()) refuse(name, "there is no value to choose from");
  if (choice.weights.empty()) return;
  if (choice.weights.size() != choice.values.size())
    refuse(name, text::cat(choice.values.size(), " values have ", choice.weights.size(), " probabilities"));
  const bool sensible =
      std::all_of(choice.weights.begin(), choice.weights.end(), [](double w) { return w >= 0 && std::isfinite(w); });
  const double sum = std::accumulate(choice.weights.begin(), choice.weights.end(), 0.0);
  if (!sensible || sum <= 0) refuse(name, "probabilities must not be negative and must not all be zero");
}

void check(const std::string& name, const Whole& whole) {
  if (whole.low > whole.high)
    refuse(name, text::cat("the least value ", whole.low, " is above the greatest, ", whole.high));
  if (static_cast<double>(whole.high) - static_cast<double>(whole.low) > kMostCombinations)
    refuse(name, "the range holds more than 2^53 numbers");
}

void check(const std::string& name, const Real& real) {
  using Shape = Real::Shape;
  if (!std::isfinite(real.a) || !std::isfinite(real.b) || !std::isfinite(real.step) || real.step < 0)
    refuse(name, "bounds and step must be finite, the step positive");
  const bool bounded = real.shape == Shape::uniform || real.shape == Shape::log_uniform;
  if (bounded && real.a > real.b)
    refuse(name, text::cat("the least value ", real.a, " is above the greatest, ", real.b));
  if (real.shape == Shape::log_uniform && real.a <= 0) refuse(name, "a logarithmic range needs values above zero");
  if (!bounded && real.b <= 0) refuse(name, "the deviation must be above zero");
}

Value draw(const Choice& choice, double u) {
  const std::size_t count = choice.values.size();
  if (choice.weights.empty())
    return choice.values[std::min(count - 1, static_cast<std::size_t>(u * static_cast<double>(count)))];
  const double sum = std::accumulate(choice.weights.begin(), choice.weights.end(), 0.0);
  double above = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (choice.weights[i] == 0) continue;
    last = i;
    above += choice.weights[i] / sum;
    if (u < above) break;
  }
  return choice.values[last];
}

Value draw(const Whole& whole, double u) {
  const double count = static_cast<double>(whole.high) - static_cast<double>(whole.low) + 1;
  const auto offset = static_cast<std::int64_t>(std::min(count - 1, std::floor(u * count)));
  return {whole.low + offset};
}

double quantile(const Real& real, double u) {
  const double inner = std::clamp(u, 1e-16, 1 - 1e-16);  // a normal number has no end
  switch (real.shape) {
    case Real::Shape::uniform:
      return real.a + u * (real.b - real.a);
    case Real::Shape::log_uniform:
      return std::clamp(std::exp(std::log(real.a) + u * (std::log(real.b) - std::log(real.a))), real.a, real.b);
    case Real::Shape::normal:
      return real.a + real.b * linalg::normal_quantile(inner);
    default:
      return std::exp(real.a + real.b * linalg::normal_quantile(inner));
  }
}

Value draw(const Real& real, double u) {
  const double value = quantile(real, u);
  if (real.step == 0) return {value};
  const double rounded = std::nearbyint(value / real.step) * real.step;
  if (real.whole && std::abs(rounded) < kMostCombinations) return {static_cast<std::int64_t>(rounded)};
  return {rounded};
}

std::vector<Value> each_once(const std::vector<Value>& values) {
  std::vector<Value> kept;
  for (const Value& value : values)
    if (std::none_of(kept.begin(), kept.end(), [&](const Value& k) { return same_setting(k, value); }))
      kept.push_back(value);
  return kept;
}

std::vector<Value> stepped(const Real& real) {
  const auto count = static_cast<std::int64_t>(std::ceil((real.b - real.a) / real.step));
  std::vector<Value> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = real.a + static_cast<double>(i) * real.step;
    if (real.whole && value == std::floor(value))
      values.emplace_back(static_cast<std::int64_t>(value));
    else
      values.emplace_back(value);
  }
  return values;
}

}  // namespace

Value Parameter::at(double u) const {
  return std::visit([u](const auto& held) { return draw(held, u); }, domain);
}

std::optional<std::vector<Value>> Parameter::values() const {
  if (const auto* choice = std::get_if<Choice>(&domain)) return each_once(choice->values);
  if (const auto* whole = std::get_if<Whole>(&domain)) {
    if (whole->high - whole->low >= kMostValues) return std::nullopt;
    std::vector<Value> values;
    for (std::int64_t v = whole->low; v <= whole->high; ++v) values.emplace_back(v);
    return values;
  }
  const Real& real = std::get<Real>(domain);
  const bool countable = real.shape == Real::Shape::uniform && real.step > 0 &&
                         (real.b - real.a) / real.step < static_cast<double>(kMostValues);
  return countable ? std::optional(stepped(real)) : std::nullopt;
}

Space::Space(std::vector<Parameter> parameters, Canonical canonical)
    : parameters_(std::move(parameters)), canonical_(std::move(canonical)) {
  std::set<std::string> names;
  for (const Parameter& parameter : parameters_) {
    if (!names.insert(parameter.name).second) refuse(parameter.name, "the parameter is named twice");
    std::visit([&](const auto& held) { check(parameter.name, held); }, parameter.domain);
    values_.push_back(parameter.values());
  }
}

std::optional<std::uint64_t> Space::combinations() const {
  double product = 1;
  for (const auto& values : values_) {
    if (!values) return std::nullopt;
    product *= static_cast<double>(values->size());
  }
  THIMBLE_CHECK(product <= kMostCombinations, value, "the grid has more than 2^53 combinations");
  return static_cast<std::uint64_t>(product);
}

Assignment Space::combination(std::uint64_t index) const {
  const auto count = combinations();
  THIMBLE_CHECK(count && index < *count, value, "there is no combination ", index, " of the grid");
  Assignment settings(parameters_.size());
  for (std::size_t i = parameters_.size(); i-- > 0;) {
    const std::vector<Value>& values = *values_[i];
    settings[i] = {parameters_[i].name, values[index % values.size()]};
    index /= values.size();
  }
  return settings;
}

Assignment Space::at(std::span<const double> point) const {
  THIMBLE_CHECK(point.size() == parameters_.size(), shape, "a point of ", point.size(), " coordinates for ",
                parameters_.size(), " parameters");
  Assignment settings;
  for (std::size_t i = 0; i < point.size(); ++i)
    settings.emplace_back(parameters_[i].name, parameters_[i].at(point[i]));
  return canonical(std::move(settings));
}

Assignment Space::canonical(Assignment values) const {
  return canonical_ ? canonical_(std::move(values)) : values;
}

std::string Space::description() const {
  std::string out;
  for (const Parameter& parameter : parameters_) {
    out += out.empty() ? "" : "; ";
    out += parameter.name;
    if (const auto* choice = std::get_if<Choice>(&parameter.domain)) {
      out += " in " + Value{choice->values}.json();
      for (const double weight : choice->weights) out += text::cat(" ", weight);
    } else if (const auto* whole = std::get_if<Whole>(&parameter.domain)) {
      out += text::cat(" in ", whole->low, "..", whole->high);
    } else {
      constexpr const char* kShapes[] = {"uniform", "log_uniform", "normal", "log_normal"};
      const Real& real = std::get<Real>(parameter.domain);
      out += text::cat(" ", kShapes[static_cast<std::size_t>(real.shape)], "(", real.a, ", ", real.b, ")");
      if (real.step > 0) out += text::cat(" step ", real.step, real.whole ? " whole" : "");
    }
  }
  return out;
}

}  // namespace thimble::nn::search
