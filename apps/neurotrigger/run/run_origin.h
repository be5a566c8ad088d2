#pragma once
// Where a run comes from, for people and for the tools of the original trainer: commit and changes of the working tree,
// hyper-parameters of every expert.

#include "apps/neurotrigger/data/sources.h"

#include <filesystem>

namespace thimble::neurotrigger {

/// git_id.txt (commit and a line end) and git_diff.txt; both empty, with a note in the log, outside a repository.
/// expert_<e>/{csv,tb}/version_0/hparams.yaml: settings of the expert with `config`, `git_id`, `run_description` and
/// `datapaths`.
void write_origin_files(const std::filesystem::path& folder, const RunSettings& settings, const Splits& splits);

/// Paths of the files of a split.
std::vector<std::string> split_paths(const Splits& splits, Split split);

}  // namespace thimble::neurotrigger
