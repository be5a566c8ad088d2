#pragma once
// What must hold after every optimiser step, whatever the step wanted.

#include "nn/parameter.h"

#include <variant>

namespace thimble::nn {

/// Values stay within [lo, hi] (range of a hardware weight).
struct ClipValues {
  double lo = -1, hi = 1;
};
/// Elements whose mask is 0 stay 0 (magnitude pruning). The mask has the shape and dtype of the parameter.
struct MaskValues {
  Tensor mask;
};
/// The parameter keeps the values it had when the constraint was made.
struct FreezeValues {
  Tensor values;
};

/// A rule for one parameter.
struct Constraint {
  Parameter* parameter = nullptr;
  std::variant<ClipValues, MaskValues, FreezeValues> rule;

  void apply() const;
};

Constraint freeze(Parameter& parameter);

}  // namespace thimble::nn
