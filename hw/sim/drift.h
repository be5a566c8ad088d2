#pragma once
// How far the integers of a design are from the real numbers they stand for: float reference against integer output.

#include "hw/ir/vectors.h"

#include <optional>
#include <span>

namespace thimble::hw {

struct Drift {
  std::size_t vectors = 0;
  double max_error = 0;                        // largest |reference - integer * 2^-f|, in units of the value
  double rms = 0;                              // root of the mean squared error over all elements
  double max_steps = 0;                        // largest error in steps 2^-f of its element
  std::optional<double> class_agreement = {};  // share of vectors with the same argmax, for two or more outputs

  /// One line for reports.
  std::string str() const;
};

/// `reference` is [rows][width] like `outputs`; `types` are the formats of the output elements. Ties of the argmax go
/// to the lowest index. Throws Error(shape) if sizes differ, Error(data) if a reference value is not finite.
Drift drift(std::span<const double> reference, const Vectors& outputs, const std::vector<FxType>& types);

}  // namespace thimble::hw
