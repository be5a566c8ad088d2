#pragma once
// Outputs of a whole run row by row, and the tracks on which it does worst.

#include "core/report/table.h"

#include "apps/neurotrigger/train/experts.h"

#include <cstddef>
#include <vector>

namespace thimble::neurotrigger {

/// Outputs of all networks of a run on one split, in row order.
struct RowOutputs {
  Tensor y_hat;              // [N, 2]; 0 where nothing was predicted
  Mask predicted;            // rows that have an expert of the run and that the filter keeps
  std::int64_t columns = 2;  // that the networks fill
};
RowOutputs row_outputs(const Splits& splits, const RunResult& run, Split split);

/// Targets, outputs and old outputs of some rows, all of them predicted.
Compared compared_rows(const Dataset& data, const RowOutputs& outputs, const std::vector<std::int64_t>& rows);

struct WorstTrack {
  std::int64_t row = 0;
  double loss = 0;  // mean of the squared differences over the outputs, scaled units
};
/// The `count` predicted rows with the highest loss, worst first; equal losses in row order.
std::vector<WorstTrack> worst_tracks(const Dataset& data, const RowOutputs& outputs, std::size_t count);

/// One line per track: row, run, event, track, expert, loss, targets, outputs, old output.
report::Table worst_table(const Dataset& data, const RowOutputs& outputs, const std::vector<WorstTrack>& worst);

}  // namespace thimble::neurotrigger
