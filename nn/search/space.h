#pragma once
// What may be tried: named parameters, each with the values it can take. A point of the unit cube becomes settings
// through the inverse distribution of every parameter, so random draws, Sobol points and models use one decoding.

#include "nn/search/value.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace thimble::nn::search {

/// One of a list; equally likely unless weights are given.
struct Choice {
  std::vector<Value> values;
  std::vector<double> weights;
};

/// Whole numbers low..high, both included.
struct Whole {
  std::int64_t low = 0, high = 0;
};

/// A number. `step` > 0 rounds draws to multiples of it, halves to even.
struct Real {
  enum class Shape {
    uniform,      // between a and b
    log_uniform,  // exp of a uniform number; a and b are values, both positive
    normal,       // mean a, deviation b
    log_normal,   // exp of a normal number with mean a and deviation b
  };
  Shape shape = Shape::uniform;
  double a = 0, b = 1;
  double step = 0;
  bool whole = false;  // the rounded draw is a whole number
};

struct Parameter {
  std::string name;  // dotted key
  std::variant<Choice, Whole, Real> domain;

  /// Value at quantile u, 0 <= u <= 1.
  Value at(double u) const;
  /// Every value a grid visits, in order, each once: the list, low..high, or a, a + step, ... below b for a stepped
  /// uniform number. Nothing where there are infinitely many.
  std::optional<std::vector<Value>> values() const;
};

/// Settings that say the same in one way: those without effect get one value.
using Canonical = std::function<Assignment(Assignment)>;

/// Parameters with distinct names and sensible bounds.
class Space {
 public:
  /// With `canonical` every drawn point is written that way, so that no two arms differ in what has no effect. Throws
  /// Error(value) naming the parameter: an empty list, weights that do not fit, bounds in the wrong order, a logarithm
  /// of numbers that are not positive, a name used twice.
  explicit Space(std::vector<Parameter> parameters, Canonical canonical = {});

  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Combinations of a grid; nothing when a parameter has infinitely many values. Throws Error(value) beyond 2^53.
  std::optional<std::uint64_t> combinations() const;
  /// Combination `index` of the grid; the last parameter runs fastest. Throws Error(value) where there is no grid.
  Assignment combination(std::uint64_t index) const;
  /// Settings at a point of the unit cube, one coordinate per parameter.
  Assignment at(std::span<const double> point) const;
  /// `values` in the one way of writing them.
  Assignment canonical(Assignment values) const;
  /// One line that is equal for equal spaces.
  std::string description() const;

 private:
  std::vector<Parameter> parameters_;
  Canonical canonical_;
  std::vector<std::optional<std::vector<Value>>> values_;
};

}  // namespace thimble::nn::search
