#pragma once
// Named numbers of an epoch or a step, in the order in which they were given.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thimble::nn {

/// A few named numbers; NaN stands for "no value".
class Metrics {
 public:
  Metrics() = default;
  Metrics(std::initializer_list<std::pair<std::string, double>> list) : values_(list) {}

  /// Adds or replaces.
  void set(std::string_view name, double value);
  void append(const Metrics& other);
  /// Null if there is none of that name.
  const double* find(std::string_view name) const;
  /// Throws Error(config) with the known names.
  double at(std::string_view name) const;
  bool empty() const { return values_.empty(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

/// Whether small or large values of a metric are good.
enum class Goal { min, max };

}  // namespace thimble::nn
