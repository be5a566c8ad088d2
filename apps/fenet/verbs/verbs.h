#pragma once
// The verbs of thimble-fenet; each returns the exit code of an ordinary end.

#include "apps/common/cli/program.h"

namespace thimble::fenet {

/// Verbs, flags, examples: everything that main() needs.
app::Program program();

}  // namespace thimble::fenet
