#include "apps/fenet/settings.h"

namespace thimble::fenet {

app::LoadOptions load_options() {
  app::LoadOptions options;
  options.app = "fenet";
  options.defaults = app::defaults_tree<Settings>();
  Settings settings;
  options.aliases = app::aliases_of(app::fields_of(settings));
  return options;
}

app::ConfigApp config_app() {
  return {load_options(), app::Schema::of<Settings>(), {}};
}

}  // namespace thimble::fenet
