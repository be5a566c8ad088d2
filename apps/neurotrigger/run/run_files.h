#pragma once
// What a training leaves in its run folder besides checkpoints: weights, figures of merit, predictions, curves.

#include "apps/neurotrigger/train/experts.h"

#include <filesystem>
#include <string>

namespace thimble::neurotrigger {

/// weights.json; expert_<e>/{train,val,test}_result.json; prediction_random{1,2,3}.h5 with row numbers and outputs; by
/// the key `predictions` also pred_data_random{1,2,3}.csv: every row of the split, zeros where there is no prediction;
/// and the _filtered forms of both when a filter is set. Every file is replaced atomically.
void write_run_files(const std::filesystem::path& folder, const RunSettings& settings, const Splits& splits,
                     const RunResult& run);

/// {"train": {"filtered": {...}, "unfiltered": {"loss_overall", "std_overall", "loss": {"0": ...}, "std": {...}}}, ...}
/// as JSON text; null where a value does not exist, {} without a filter.
std::string losses_json(const RunSettings& settings, const Splits& splits, const RunResult& run);

/// Figures of merit as JSON text: loss, loss_old, loss_vs_old_loss, z_diff_std and the physical ones.
std::string merit_json(const Merit& merit);

/// Outputs of all experts in row order of a split, zeros where there is none; only rows of the mask.
Tensor outputs_in_order(const Splits& splits, const RunResult& run, Split split, bool filtered);

/// A prediction file: `idx` [n] i64 and `y_hat` [n, out] f32, rows ascending; with uncertainty outputs also
/// `sigma_z_cm` [n, 2] f32, the calibrated 68 % half widths below and above z. Attribute `tracks` says which data set
/// the rows belong to (content_hash). A sealed file.
std::string predictions_hdf5(const Splits& splits, const RunResult& run, Split split, bool filtered);

}  // namespace thimble::neurotrigger
