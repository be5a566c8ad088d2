#pragma once
// Words and flags that several verbs of thimble-hw share.

#include "hw/ir/vectors.h"

#include "apps/common/cli/context.h"

#include <filesystem>

namespace thimble::app::hw_tool {

/// The FXIR file itself, or fxir.json of an export folder.
std::filesystem::path graph_file(const std::string& word);

/// --out, which these verbs need. Throws Error(usage) without it.
std::filesystem::path out_folder(const Context& context);

/// --vectors N; --seed is a flag of every verb.
std::vector<Flag> stimulus_flags();
hw::Vectors stimulus_of(const Context& context, const hw::Graph& graph);

/// A number of seconds or vectors that must be at least 1.
std::int64_t positive(const Context& context, const std::string& flag, std::int64_t fallback);

}  // namespace thimble::app::hw_tool
