#include "apps/common/config/verb.h"
#include "apps/common/run/run_folder.h"
#include "apps/fenet/settings.h"
#include "apps/fenet/verbs/verbs.h"

namespace thimble::fenet {

app::Program program() {
  const app::ConfigApp config = config_app();
  app::Program p;
  p.name = "fenet";
  p.purpose = "Learn features from broadband neural recordings and take the network to hardware.";
  p.try_first = "Try this first (simulated recordings, under a minute):";
  p.examples = {"thimble-fenet train demo", "thimble-fenet evaluate latest"};
  // one per line: what is added does not move the others
  // clang-format off
  p.verbs = {
      simulate_verb(),
      stream_verb(),
      channels_verb(),
      train_verb(),
      evaluate_verb(),
      predict_verb(),
      baselines_verb(),
      sweep_verb(),
      report_verb(),
      quantise_verb(),
      export_verb(),
      verify_verb(),
      import_verb(),
      explore_verb(),
      study_verb(),
      app::runs_verb("fenet"),
      app::compare_verb("fenet"),
      app::config_verb(config),
  };
  // clang-format on
  p.synonyms = {{"eval", "evaluate"}, {"synth", "simulate"}, {"run", "train"}, {"quantize", "quantise"}};
  p.complete = [config](const app::Verb& v, const std::string& word) { return app::complete_config(v, word, config); };
  return p;
}

}  // namespace thimble::fenet
