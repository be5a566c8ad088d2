#pragma once
// Every key of a FENet configuration.

#include "apps/common/config/load.h"
#include "apps/common/config/schema.h"
#include "apps/common/config/verb.h"

namespace thimble::fenet {

struct Settings : app::CommonKeys {
  static void fields(auto& self, auto&& f) { app::CommonKeys::fields(self, f); }
};

/// How configurations of this application are found and merged.
app::LoadOptions load_options();
/// That with the settings: what the verbs config and sweep need.
app::ConfigApp config_app();

}  // namespace thimble::fenet
