#include "apps/neurotrigger/run/subject.h"

#include "core/base/error.h"

#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/hardware/hardware_look.h"
#include "apps/neurotrigger/train/uncertainty_run.h"

#include <algorithm>

namespace thimble::neurotrigger {
namespace {

namespace fs = std::filesystem;

/// The model that has tensors of these names.
std::string model_named_by(const State& state) {
  if (find_tensor(state, "net.12.weight") != nullptr) return "SimpleModel";
  return find_tensor(state, "net.1.running_mean") != nullptr ? "BaselineModelBN" : "BaselineModel";
}

/// Number of outputs: the length of the last vector of biases.
std::int64_t outputs_of(const State& state) {
  std::int64_t outputs = 2;
  for (const auto& [name, tensor] : state)
    if (name.ends_with(".bias")) outputs = tensor.numel();
  return outputs;
}

/// Settings of networks that came without a run.
RunSettings settings_of_file(const app::Context& context, const fs::path& weights) {
  const Networks networks = read_weights(weights);
  const State& first = networks.begin()->second;
  std::vector<std::string> experts;
  for (const auto& [expert, state] : networks) experts.push_back(text::to_text(expert));
  const std::string yaml = text::cat("act: tanh/2\nmodel: ", model_named_by(first),
                                     "\nout_size: ", std::min<std::int64_t>(2, outputs_of(first)), "\nexperts: [",
                                     text::join(experts, ", "), "]\n");
  app::LoadOptions options = load_options();
  options.builtin = [&yaml](const std::string&) { return app::parse_yaml(yaml, "weights"); };
  return bind_settings(app::load_config("weights", context.overrides(), options));
}

/// What only the run itself knows: the epochs of its training, and the calibration of uncertainty outputs, which other
/// tracks cannot give.
void add_memory(Subject& subject) {
  std::map<int, ExpertOutcome> histories = load_histories(subject.settings, subject.folder);
  std::map<int, Calibration> calibrations;
  if (has_uncertainty(subject.result)) calibrations = read_calibrations(subject.folder / "uncertainty.json");
  for (ExpertResult& expert : subject.result.experts) {
    const int e = expert.outcome.expert;
    if (const auto known = calibrations.find(e); known != calibrations.end()) expert.calibration = known->second;
    const auto found = histories.find(e);
    if (found == histories.end()) continue;
    nn::Graph model = std::move(expert.outcome.model);
    expert.outcome = std::move(found->second);
    expert.outcome.model = std::move(model);
  }
}

}  // namespace

std::vector<app::Flag> subject_flags() {
  return {{"--weights", "FILE", "networks of this weights.json instead of those of the run", "", {}, 0},
          {"--data", "FILE,...", "track files to look at instead of the run's tracks", "", {}, 0},
          {"--target",
           "KIND",
           "networks as the hardware computes them: hw-a present, hw-b its successor",
           "float",
           {"float", "hw-a", "hw-b"},
           0}};
}

Splits given_tracks(const std::string& files) {
  Splits splits;
  for (const Split split : kSplits) splits[split] = empty_dataset(0);
  const std::vector<std::string> paths = text::split(files, ',');
  splits[Split::test] = read_tracks(paths);
  for (const std::string& path : paths) splits.inputs.emplace_back("data.test", path);
  return splits;
}

Subject open_subject(const app::Context& context) {
  const std::string weights = context.flag("--weights"), data = context.flag("--data");
  Subject subject;
  if (context.words().empty()) {
    if (weights.empty() || data.empty())
      throw Error(ErrorKind::usage, "which run?", {},
                  text::cat("thimble-neurotrigger ", context.verb().name,
                            " latest; or without a run: --weights weights.json --data random3.gz"));
    subject.settings = settings_of_file(context, weights);
  } else {
    OldRun run = open_run(context);
    subject.folder = std::move(run.folder);
    subject.settings = std::move(run.settings);
  }
  use_threads(subject.settings.all);
  subject.weights = weights.empty() ? subject.folder / "weights.json" : fs::path(weights);
  std::map<int, nn::Graph> models = load_models(subject.settings, subject.weights);
  subject.splits = data.empty() ? load_splits(subject.settings.all) : given_tracks(data);
  Splits seen = subject.splits;
  for (const Split split : kSplits) apply_quirk(seen[split], subject.settings.all.hw_quirk);
  if (const std::string target = context.flag("--target"); !target.empty())
    models = seen_by(target, std::move(models), subject.settings);
  subject.result = evaluate_experts(subject.settings, seen, models);
  if (!subject.folder.empty() && weights.empty()) add_memory(subject);
  return subject;
}

}  // namespace thimble::neurotrigger
