#pragma once
// Data sets as text, column by column as the experiment writes them.

#include "apps/neurotrigger/data/dataset.h"

#include <string>

namespace thimble::neurotrigger {

/// 42 columns: header line, empty line, one line per track; tabs; inputs and targets with 6 significant digits.
std::string track_text(const Dataset& data);

/// How the header of a prediction file is written.
enum class HeaderStyle {
  tabs,
  spaces,  // runs of spaces, byte for byte as the original trainer writes it
};
/// 44 columns: the data with NewZ and NewTheta behind them. `predictions` [N, 1 or 2] in row order, 0 for rows without
/// a prediction. With `widths_cm` [N, 2] a 45th column NewSigmaZ, the mean of both half widths in cm, 6 decimals.
/// 9 whole numbers, 33 values with 6 decimals, 2 with 16. Throws Error(shape) if the rows differ.
std::string prediction_text(const Dataset& data, const Tensor& predictions, HeaderStyle style = HeaderStyle::tabs,
                            const Tensor& widths_cm = {});

}  // namespace thimble::neurotrigger
