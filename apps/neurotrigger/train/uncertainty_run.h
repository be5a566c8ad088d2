#pragma once
// Uncertainty of z in a run: calibration and coverage of every expert, as file, table and figure.

#include "apps/neurotrigger/study/study.h"

#include <filesystem>
#include <map>
#include <string>

namespace thimble::neurotrigger {

/// Coverage of an expert's calibrated intervals on the rows of a split that the filter keeps.
Coverage coverage_of(const ExpertResult& expert, const Splits& splits, Split split, const Mask& mask);

/// Calibrated 68 % half widths (below, above) in cm of all rows of a split [rows, 2]; zero where there is none.
Tensor widths_in_order(const Splits& splits, const RunResult& run, Split split);

/// Whether the networks of the run have uncertainty outputs.
bool has_uncertainty(const RunResult& run);

/// {"uncertainty": "sigma", "experts": {"0": {"calibration_rows", "factor_68", "factor_95", "val": {...}, "test":
/// ...}}}
std::string uncertainty_json(const Splits& splits, const RunResult& run);
/// Calibrations of a file written by uncertainty_json. Throws Error(data) when it holds something else.
std::map<int, Calibration> read_calibrations(const std::filesystem::path& file);

/// One row per expert: promised and held shares, widths, pulls.
report::Table coverage_table(const Splits& splits, const RunResult& run, Split split);
/// Calibrated pulls of an expert beside the normal distribution of the same number of tracks.
report::Figure pull_figure(const ExpertResult& expert, const Splits& splits, Split split, const Mask& mask);
/// Both with what they mean, and uncertainty.json; empty without uncertainty outputs.
Study uncertainty_study(const RunSettings& settings, const RunResult& run, const Splits& splits, Split split);

}  // namespace thimble::neurotrigger
