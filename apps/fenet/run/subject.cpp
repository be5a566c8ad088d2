#include "apps/fenet/run/subject.h"

#include "core/base/error.h"

#include "apps/fenet/model/weights_file.h"
#include "apps/fenet/train/fold_training.h"

#include <algorithm>
#include <cmath>

namespace thimble::fenet {
namespace {

std::vector<std::int64_t> widened(const std::vector<int>& values) {
  return {values.begin(), values.end()};
}

/// The settings' network becomes that of the architecture.
void take_architecture(const Architecture& a, ModelKeys& keys) {
  ModelKeys now;
  now.kernels = widened(a.kernels);
  now.strides = widened(a.strides);
  now.relu_powers = widened(a.relu_powers);
  now.features_by_layer = widened(a.features_by_layer);
  now.normalize_at_end = keys.normalize_at_end || a.normalize_at_end;
  now.dropout = keys.dropout;
  now.pool = keys.pool;
  keys = std::move(now);
}

Chosen configuration_of(const app::Context& context) {
  Chosen chosen;
  const std::string config = context.words().empty() ? "{}" : context.word(0);
  chosen.loaded = app::load_config(config, context.all_overrides(), load_options());
  chosen.name = chosen.loaded.name;
  chosen.settings = bind_settings(chosen.loaded);
  return chosen;
}

bool names_preset(const std::string& word) {
  return std::find(presets().begin(), presets().end(), word) != presets().end();
}

/// The checkpoint that the settings name, joined as the published program does: nothing comes between.
std::string best_model(const RunKeys& keys) {
  return keys.best_model.empty() ? "" : keys.model_save_dir + keys.best_model;
}

/// One "fold" with the network of a file or preset.
std::shared_ptr<const CrossValidation> given_network(const std::string& weights, Settings& settings) {
  auto run = std::make_shared<CrossValidation>();
  FoldResult& fold = run->folds.emplace_back();
  fold.best = std::nan("");
  if (names_preset(weights)) {
    take_architecture(preset(weights), settings.model);
    for (const Tensor& w : start_network(settings, settings.eval.efficiency_samples).weights())
      fold.weights.push_back(w);
    return run;
  }
  const WeightsFile file = read_weights(weights);
  take_architecture(file.architecture, settings.model);
  settings.pls.dims = std::min(settings.pls.dims, file.architecture.features());
  fold.weights = file.weights;
  if (file.reduction.defined()) fold.weights.push_back(file.reduction);
  return run;
}

const std::vector<Day>& days_of(const Recordings& recordings, const std::string& split) {
  if (split == "dev") return recordings.dev;
  return split == "test" ? recordings.test : recordings.train;
}

std::vector<JudgedSession> all_sessions(const std::vector<Day>& days, const FoldResult& fold) {
  std::vector<JudgedSession> out;
  for (const Day& day : days)
    for (const Session& session : day.sessions) out.push_back({session, day.rate_hz, day.channels, &fold});
  return out;
}

const FoldResult& best_fold(const CrossValidation& run) {
  const auto worse = [](const FoldResult& a, const FoldResult& b) { return !(a.best >= b.best); };
  return *std::max_element(run.folds.begin(), run.folds.end(), worse);
}

void require_sessions(const Subject& subject, const std::string& split) {
  if (!subject.sessions.empty()) return;
  throw Error(ErrorKind::usage, "there is no session to look at", {"", 0, 0, "--split"},
              text::cat("the ", split.empty() ? "held-out" : split, " days are empty; name files with data.",
                        split.empty() ? "test" : split));
}

}  // namespace

std::vector<app::Flag> subject_flags() {
  return {{"--weights",
           "FILE",
           "filters of this file (.h5, .pt) or preset instead of a run's; RUN is then a CONFIG",
           "",
           {},
           0},
          {"--split",
           "NAME",
           "sessions: held out by each fold, or those of the train, dev or test days",
           "",
           {"held-out", "train", "dev", "test"},
           0}};
}

Subject open_subject(const app::Context& context) {
  Subject subject;
  const std::string split = context.flag("--split");
  std::string weights = context.flag("--weights");
  if (weights.empty() && context.words().empty()) weights = best_model(configuration_of(context).settings.run);
  const bool held_out = split.empty() || split == "held-out";
  if (weights.empty()) {
    if (context.words().empty())
      throw Error(ErrorKind::usage, "which run?", {},
                  text::cat("thimble-fenet ", context.verb().name, " latest; or without a run: --weights FILE"));
    OldRun old = open_run(context);
    subject.folder = std::move(old.folder);
    subject.chosen = std::move(old);
    subject.run = std::make_shared<CrossValidation>(read_folds(subject.folder));
  } else {
    subject.chosen = configuration_of(context);
    subject.run = given_network(weights, subject.chosen.settings);
  }
  const Settings& settings = subject.chosen.settings;
  use_threads(settings);
  subject.recordings = load_recordings(settings);
  const Recordings& r = subject.recordings;
  if (weights.empty() && held_out)
    subject.sessions = judged_sessions(settings, r.train, r.test.empty() ? r.dev : r.test, *subject.run);
  else
    subject.sessions = all_sessions(days_of(r, held_out ? "train" : split), best_fold(*subject.run));
  require_sessions(subject, split);
  return subject;
}

ChosenNetwork open_network(const app::Context& context) {
  ChosenNetwork out;
  const std::string weights = context.flag("--weights");
  if (!weights.empty()) {
    out.chosen = configuration_of(context);
    out.weights = given_network(weights, out.chosen.settings)->folds.front().weights;
    return out;
  }
  if (context.words().empty())
    throw Error(ErrorKind::usage, "which network?", {},
                text::cat("thimble-fenet ", context.verb().name, " latest; or without a run: --weights FILE"));
  OldRun old = open_run(context);
  const CrossValidation run = read_folds(old.folder);
  const FoldResult& fold = best_fold(run);
  out.weights = fold.best_weights.empty() ? fold.weights : fold.best_weights;
  out.chosen = std::move(old);
  return out;
}

Subject untrained_subject(const app::Context& context) {
  Subject subject;
  subject.chosen = configuration_of(context);
  const Settings& settings = subject.chosen.settings;
  use_threads(settings);
  subject.recordings = load_recordings(settings);
  auto run = std::make_shared<CrossValidation>();
  FoldResult& fold = run->folds.emplace_back();
  const std::string split = context.flag("--split");
  const std::vector<Day>& days = days_of(subject.recordings, split);
  if (!days.empty() && !days.front().sessions.empty())
    for (const Tensor& w : start_network(settings, days.front().sessions.front().segments->samples()).weights())
      fold.start_weights.push_back(w);
  subject.run = run;
  subject.sessions = all_sessions(days, subject.run->folds.front());
  require_sessions(subject, split);
  return subject;
}

}  // namespace thimble::fenet
