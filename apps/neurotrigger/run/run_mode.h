#pragma once
// Ways to start a training: the verb `train` with its flags, and the older form `MODE [-p] [-s] [-d TEXT] [-m k=v
// ...]`, which is rewritten to it. A debug run is short, profiled and lands in a folder of the temporary directory.

#include "apps/common/cli/program.h"
#include "apps/common/config/load.h"
#include "apps/common/run/run_folder.h"
#include "apps/neurotrigger/settings.h"

#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Epochs of a debug run, whatever else is set.
inline constexpr std::int64_t kDebugEpochs = 10;

/// Flags of `train`.
std::vector<app::Flag> train_flags();

/// Words of the older form as words of `train`; others as they are, but for -m, which `train` does not need. Tells on
/// standard error what the modern form is.
std::vector<std::string> modern_words(std::vector<std::string> words, const app::Program& program);

/// The configuration named by the word or by --config. Throws Error(usage) for none or two.
std::string wanted_config(const app::Context& context);

/// Settings from the command line, low to high: common flags, --data, -d, key=value, -s. With -p and no description a
/// line is asked for when somebody sits at a terminal.
std::vector<app::Override> training_overrides(const app::Context& context);

/// --debug; Error(usage) together with -p.
bool wants_debug(const app::Context& context);
/// kDebugEpochs epochs for everyone.
void make_debug(app::LoadedConfig& loaded);
/// Where the run folder goes: below the log root <out>/neurotrigger; debug runs without an `out` below
/// nt_pytorch_debug_log of the temporary directory.
app::RunIdentity run_identity(const RunSettings& settings, bool debug);
/// Adds "<UTC date and time>: <run folder>" to log.txt of the log root.
void note_in_log_root(const app::RunIdentity& identity, const app::RunFolder& folder);

}  // namespace thimble::neurotrigger
