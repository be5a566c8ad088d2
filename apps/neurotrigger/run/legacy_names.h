#pragma once
// Names and forms of the original trainer for what it knows too (key legacy_names), so that scripts written for it find
// their files: 1_result.json, 1_post_training_plots, ckpts/epoch=E-step=S.ckpt, app.log, the flat summary.json.

#include "apps/neurotrigger/train/experts.h"

#include <filesystem>
#include <string>

namespace thimble::neurotrigger {

/// "val_result.json", or "1_result.json": the number of the split, train = 0, leaked into the original's names.
std::string result_name(Split split, bool legacy);
/// Figures of merit as they stand in that file; the legacy form has "1_loss", "1_loss_old", "1_loss_vs_old_loss",
/// "1_z_diff_std" alone.
std::string result_text(const Merit& merit, Split split, bool legacy);
/// "post_training_plots" or "1_post_training_plots".
std::string plots_name(bool legacy);

/// More names for files of a finished run, as links where the disk has them: app.log = log.txt,
/// expert_<e>/ckpts/epoch=E-step=S.ckpt = the best checkpoint (E and S count from 0), ckpts/last.ckpt = the newest.
void add_legacy_names(const std::filesystem::path& folder, const RunResult& run);

/// summary.json with the settings at the top level, beside config, git_id, run_description, data_path, loss; `status`,
/// which the verb `runs` looks for, is added to what the original has. `config_json`, `losses_json`: JSON texts, the
/// latter empty before training.
std::string legacy_summary(const RunSettings& settings, const Splits& splits, const std::string& config_json,
                           const std::string& losses_json, const std::string& status);

}  // namespace thimble::neurotrigger
