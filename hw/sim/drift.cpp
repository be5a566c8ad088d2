#include "hw/sim/drift.h"

#include "core/base/error.h"

#include <cmath>

namespace thimble::hw {

std::string Drift::str() const {
  std::string line = text::cat("largest error ", text::significant(max_error, 4), " (", text::significant(max_steps, 4),
                               " steps), rms ", text::significant(rms, 4), " over ", vectors, " vectors");
  if (class_agreement) line += text::cat(", same class in ", text::fixed(*class_agreement * 100, 2), " %");
  return line;
}

Drift drift(std::span<const double> reference, const Vectors& outputs, const std::vector<FxType>& types) {
  THIMBLE_CHECK(reference.size() == outputs.data.size() && outputs.width == types.size(), shape,
                "drift: ", reference.size(), " reference values for ", outputs.rows(), " vectors of ", types.size(),
                " elements");
  Drift result{.vectors = outputs.rows()};
  double squares = 0;
  std::size_t agreeing = 0;
  for (std::size_t r = 0; r < outputs.rows(); ++r) {
    std::size_t best_reference = 0, best_output = 0;
    const auto expected = reference.subspan(r * types.size(), types.size());
    const auto row = outputs.row(r);
    for (std::size_t i = 0; i < types.size(); ++i) {
      THIMBLE_CHECK(std::isfinite(expected[i]), data, "drift: reference of vector ", r, " element ", i, " is ",
                    expected[i]);
      const double error = std::abs(expected[i] - types[i].value(row[i]));
      result.max_error = std::max(result.max_error, error);
      result.max_steps = std::max(result.max_steps, error / types[i].step());
      squares += error * error;
      if (expected[i] > expected[best_reference]) best_reference = i;
      if (types[i].value(row[i]) > types[best_output].value(row[best_output])) best_output = i;
    }
    agreeing += best_reference == best_output ? 1 : 0;
  }
  if (!reference.empty()) result.rms = std::sqrt(squares / static_cast<double>(reference.size()));
  if (types.size() >= 2 && result.vectors > 0)
    result.class_agreement = static_cast<double>(agreeing) / static_cast<double>(result.vectors);
  return result;
}

}  // namespace thimble::hw
