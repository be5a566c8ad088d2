#pragma once
// What one look at a trained run has to say: paragraphs, tables and figures for the report, numbers as files.

#include "core/report/html.h"

#include "apps/neurotrigger/train/experts.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace thimble::neurotrigger {

struct Study {
  report::FigureGroup section;
  std::vector<std::pair<std::string, std::string>> files;  // name -> content (JSON, CSV)
};

/// Cell with fixed decimals, "-" without a value.
inline report::Cell maybe_cell(Maybe value, int decimals, double factor = 1.0) {
  return report::number(value ? factor * *value : std::numeric_limits<double>::quiet_NaN(), decimals);
}

/// "expert 0", or "all tracks" for the network of all.
std::string network_name(int expert);

/// Rows of a split that have an output of the run and that the filters keep, experts one after another.
struct StudyRows {
  std::vector<std::int64_t> rows;  // in the split
  std::vector<int> networks;       // whose output it is: 0 .. 4, or -1
  Tensor y_hat;                    // [rows, out]
};
StudyRows study_rows(const RunResult& run, Split split);

}  // namespace thimble::neurotrigger
