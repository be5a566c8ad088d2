#pragma once
// The verbs of thimble-neurotrigger; each returns the exit code of an ordinary end.

#include "apps/common/cli/program.h"

namespace thimble::neurotrigger {

int run_train(app::Context& context);
int run_evaluate(app::Context& context);
int run_predict(app::Context& context);
int run_plots(app::Context& context);
int run_split(app::Context& context);
/// What `compare` adds to the settings and metrics that every application compares.
int run_compare(app::Context& context);
int run_export(app::Context& context);
int run_report(app::Context& context);
int run_simulate(app::Context& context);
int run_scan(app::Context& context);
int run_import(app::Context& context);
int run_study(app::Context& context);
int run_drift(app::Context& context);
int run_sweep(app::Context& context);

/// Verbs, flags, examples: everything that main() needs.
app::Program program();

}  // namespace thimble::neurotrigger
