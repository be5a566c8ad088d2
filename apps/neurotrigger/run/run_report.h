#pragma once
// The page and the table a physicist reads after a training.

#include "core/report/html.h"
#include "core/report/table.h"

#include "apps/neurotrigger/train/experts.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Spread of z that a network 27-81-2 with tanh/2 reaches for expert 0 within 10 cm of the collision point, by preset
/// of the simulator (section 7.4 of the specification); nothing for other data.
struct ExpectedSpread {
  double low = 0, high = 0;  // cm
  double limit() const { return 1.15 * high; }
};
std::optional<ExpectedSpread> expected_spread(const std::string& preset);

/// One row per expert and the overall row: tracks, losses, spreads, the old network or the expected figure beside it.
report::Table result_table(const RunSettings& settings, const Splits& splits, const RunResult& run, Split split);

/// One sentence: "expert 0: trimmed std of z 3.01 cm, expected 2.9 to 3.2 cm for simulated ideal tracks".
std::string result_sentence(const RunSettings& settings, const Splits& splits, const RunResult& run);

/// Whether the experts' spreads have the expected order: expert 0 best, experts without innermost or outermost stereo
/// layer (4 and 1) behind 2 and 3. A sentence.
std::string order_sentence(const RunResult& run, Split split);

/// Figures, tables, warnings and settings of a run; `test` is shown where there is a test split, else `val`.
report::Report build_report(const RunSettings& settings, const Splits& splits, const RunResult& run);

/// Split that results are quoted on: test if it has rows, else val.
Split quoted_split(const Splits& splits);

}  // namespace thimble::neurotrigger
