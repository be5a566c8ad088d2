#pragma once
// Settings as coordinates for a model: numbers by their rank or quantile in 0..1, words one coordinate each.

#include "nn/search/space.h"

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace thimble::nn::search {

class Encoding {
 public:
  explicit Encoding(const Space& space);

  /// Coordinates of a point.
  std::size_t dims() const { return dims_; }
  std::vector<double> of(const Assignment& values) const;
  /// Settings that differ from `values` in one parameter by one step: the neighbours in a list of numbers, every other
  /// word, the next multiple of a stepped number. Continuous parameters have none.
  std::vector<Assignment> neighbours(const Assignment& values) const;
  /// Coordinates that change without steps, as (coordinate, parameter).
  const std::vector<std::pair<std::size_t, std::size_t>>& continuous() const { return continuous_; }
  /// `values` with the continuous parameters at these coordinates.
  Assignment with(const Assignment& values, std::span<const double> coordinates) const;

 private:
  struct Axis {
    Parameter parameter;
    std::vector<Value> levels;  // of a list: ascending where they are numbers
    bool ordered = false;       // one coordinate
    std::size_t first = 0;      // its first coordinate
    std::size_t width() const { return levels.empty() || ordered ? 1 : levels.size(); }
    std::size_t level_of(const Value& value) const;
    std::vector<Value> beside(const Value& value) const;
  };
  static Axis axis_of(const Parameter& parameter);

  std::vector<Axis> axes_;
  std::vector<std::pair<std::size_t, std::size_t>> continuous_;
  std::size_t dims_ = 0;
};

}  // namespace thimble::nn::search
