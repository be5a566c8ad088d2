#pragma once
// The verbs of thimble-fenet; each stands in a file of its own.

#include "apps/common/cli/program.h"

namespace thimble::fenet {

app::Verb simulate_verb();
app::Verb channels_verb();
app::Verb stream_verb();
app::Verb train_verb();
app::Verb sweep_verb();
app::Verb evaluate_verb();
app::Verb predict_verb();
app::Verb baselines_verb();
app::Verb report_verb();
app::Verb export_verb();
app::Verb verify_verb();
app::Verb import_verb();
app::Verb explore_verb();
app::Verb study_verb();
app::Verb quantise_verb();

/// Verbs, flags, examples: everything that main() needs.
app::Program program();

/// Targets of export for the chip; `text`: with configuration bits and text files.
int export_chip(app::Context& context, bool text);
/// Targets of export for other programs.
int export_weights(app::Context& context);
int export_ndt(app::Context& context);

}  // namespace thimble::fenet
