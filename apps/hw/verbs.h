#pragma once
// The verbs of thimble-hw. Each reads an FXIR file or an export folder; none needs the training side.

#include "apps/common/cli/program.h"

namespace thimble::app::hw_tool {

Verb check_verb();
Verb export_verb();
Verb vectors_verb();
Verb verify_verb();
Verb report_verb();
Verb explain_verb();
Verb diff_verb();

}  // namespace thimble::app::hw_tool
