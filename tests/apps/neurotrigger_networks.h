#pragma once
// Networks, splits and settings that several tests of the NeuroTrigger application start from.

#include "apps/neurotrigger/data/track_file.h"
#include "apps/neurotrigger/train/experts.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

namespace thimble::test {

/// The hardware network's settings, no images: BaselineModel with tanh/2 and the standard recipe.
inline neurotrigger::Settings plain_settings() {
  neurotrigger::Settings settings;
  settings.act = "tanh/2";
  settings.plots.every = 0;
  return settings;
}

/// plain_settings for a run of these experts.
inline neurotrigger::RunSettings plain_run(const std::vector<int>& experts,
                                           neurotrigger::Settings settings = plain_settings()) {
  neurotrigger::RunSettings run;
  run.config = "plain";
  settings.experts.assign(experts.begin(), experts.end());
  run.all = settings;
  run.experts = experts;
  for (const int expert : experts) run.own.emplace(expert, settings);
  return run;
}

/// Start weights of the given experts.
inline std::map<int, nn::Graph> fresh_networks(const std::vector<int>& experts) {
  std::map<int, nn::Graph> models;
  for (const int expert : experts) models.emplace(expert, neurotrigger::start_model(plain_settings(), expert));
  return models;
}

/// Training and validation split both hold the tracks of a file, the test split none: the recipe of section 9.6.
inline neurotrigger::Splits recorded_splits(const std::filesystem::path& file) {
  neurotrigger::Splits splits;
  splits[neurotrigger::Split::train] = neurotrigger::read_tracks(file);
  splits[neurotrigger::Split::val] = splits[neurotrigger::Split::train];
  splits[neurotrigger::Split::test] = neurotrigger::empty_dataset(0);
  return splits;
}

/// Outputs of given networks on all splits.
inline neurotrigger::RunResult run_of(const std::map<int, nn::Graph>& models, const neurotrigger::Splits& splits) {
  std::vector<int> experts;
  for (const auto& [expert, model] : models) experts.push_back(expert);
  return neurotrigger::evaluate_experts(plain_run(experts), splits, models);
}

/// The networks of a weights.json with tanh/2.
inline std::map<int, nn::Graph> reference_networks(const std::filesystem::path& weights) {
  std::map<int, nn::Graph> models;
  for (const auto& [expert, state] : neurotrigger::read_weights(weights)) {
    nn::Graph model = neurotrigger::build_model({"BaselineModel", "tanh/2"});
    neurotrigger::load_state(model, state, weights.string());
    models.emplace(expert, std::move(model));
  }
  return models;
}
inline neurotrigger::RunResult reference_run(const std::filesystem::path& weights, const neurotrigger::Splits& splits) {
  return run_of(reference_networks(weights), splits);
}

/// All rows as the training table of an ExpertTask.
inline std::shared_ptr<const nn::Dataset> training_table(const neurotrigger::Dataset& data) {
  auto table = std::make_shared<nn::Dataset>();
  table->x = data.inputs;
  table->y = data.targets;
  return table;
}

}  // namespace thimble::test
