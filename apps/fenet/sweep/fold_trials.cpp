#include "apps/fenet/sweep/fold_trials.h"

#include "core/base/error.h"
#include "core/base/stop.h"
#include "core/io/atomic_file.h"

#include "nn/data/split.h"

#include "apps/fenet/model/architecture.h"
#include "apps/fenet/run/run_access.h"
#include "apps/fenet/train/cross_validation.h"
#include "apps/fenet/train/fold_training.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>

namespace thimble::fenet {
namespace {

constexpr std::size_t kRecordingsHeld = 2;

app::LoadedConfig loaded_arm(const app::Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat) {
  const app::ArmConfig arm = app::config_of(sweep, values, repeat);
  app::LoadOptions options = load_options();
  options.announce = false;
  return app::load_config(arm.config, arm.overrides, options);
}

/// Sessions to train on and to judge on.
struct Parts {
  std::vector<Session> training, held_out;
};

Parts parts_of(const Settings& settings, const Recordings& recordings, std::int64_t fold) {
  const std::vector<Session> all = sessions_of(recordings.train);
  const auto count = static_cast<std::int64_t>(all.size());
  if (count == 0) throw Error(ErrorKind::data, "there is no session to train on", {"", 0, 0, "data"});
  if (settings.train.folds > count)
    throw Error(ErrorKind::config,
                text::cat("train.folds is ", settings.train.folds, ", there are ", count, " sessions"),
                {"", 0, 0, "train.folds"}, text::cat("train.folds=", count, ", or more sessions"));
  if (settings.train.folds == 1) return {all, sessions_of(recordings.dev)};
  const nn::Split split = nn::contiguous_fold(nn::all_rows(count), settings.train.folds, fold);
  Parts parts;
  for (const std::int64_t i : split.train) parts.training.push_back(all[static_cast<std::size_t>(i)]);
  for (const std::int64_t i : split.valid) parts.held_out.push_back(all[static_cast<std::size_t>(i)]);
  return parts;
}

std::string without_block(const std::string& key) {
  return key.starts_with("model.") ? key.substr(6) : key;
}

/// 3 for kernel3, stride3, relu3; 0 for other keys.
std::int64_t level_of(const std::string& key) {
  const std::string plain = without_block(key);
  std::int64_t level = 0;
  for (const std::string_view word : {"kernel", "stride", "relu"})
    if (plain.starts_with(word) && text::parse(plain.substr(word.size()), level)) return level;
  return 0;
}

/// The course of the metric for hurdles; a look without a value counts as no correlation at all.
std::vector<double> curve_of(const FoldResult& fold) {
  std::vector<double> curve;
  for (const Evaluation& at : fold.evaluations) curve.push_back(std::isfinite(headline_of(at)) ? headline_of(at) : 0);
  return curve;
}

std::map<std::string, double> metrics_of(const FoldResult& fold, const Settings& settings) {
  const Architecture architecture = architecture_of(settings.model);
  double taps = 0;
  for (const int kernel : architecture.kernels) taps += 2 * kernel;
  return {{kSweepScore, fold.best},
          {"last-r2", fold.evaluations.empty() ? std::nan("") : headline_of(fold.evaluations.back())},
          {"operations-per-eval",
           static_cast<double>(published_operations(architecture, settings.eval.efficiency_samples))},
          {"exact-macs", static_cast<double>(exact_macs(architecture, settings.eval.efficiency_samples))},
          {"weights", taps},
          {"weight-bits", taps * static_cast<double>(settings.quant.word_length)}};
}

}  // namespace

const std::vector<SweepMetric>& sweep_metrics() {
  static const std::vector<SweepMetric> list{{kSweepScore, "R2, cross-validated", nn::Goal::max, 4},
                                             {"last-r2", "R2 at the end", nn::Goal::max, 4},
                                             {"operations-per-eval", "operations", nn::Goal::min, 0},
                                             {"exact-macs", "MACs", nn::Goal::min, 0},
                                             {"weights", "weights", nn::Goal::min, 0},
                                             {"weight-bits", "bits of the weights", nn::Goal::min, 0}};
  return list;
}

Settings settings_of(const app::Sweep& sweep, const nn::search::Assignment& values, std::size_t repeat) {
  return bind_settings(loaded_arm(sweep, values, repeat));
}

std::size_t folds_of(const app::Sweep& sweep, const Settings& first) {
  static const std::vector<std::string> keys{"train.folds", "train.fold", "n_folds", "fold"};
  for (const nn::search::Parameter& parameter : sweep.parameters)
    if (std::find(keys.begin(), keys.end(), parameter.name) != keys.end())
      throw Error(ErrorKind::config,
                  text::cat("'", parameter.name, "' cannot be searched: all arms need the same folds"),
                  {sweep.path, 0, 0, parameter.name}, "fix it below 'set'");
  return first.train.fold ? 1 : static_cast<std::size_t>(first.train.folds);
}

std::unique_ptr<nn::search::Strategy> network_search(const app::Sweep& sweep, nn::Goal goal) {
  nn::search::Assignment least;
  for (const nn::search::Parameter& parameter : sweep.parameters) least.emplace_back(parameter.name, parameter.at(0));
  return app::strategy_of(sweep, goal, [least](nn::search::Assignment values) {
    std::optional<double> features;
    for (const auto& [key, value] : values)
      if (without_block(key) == "n_feat_layers") features = value.number();
    for (std::size_t i = 0; i < values.size() && features; ++i)
      if (static_cast<double>(level_of(values[i].first)) >= *features) values[i] = least[i];
    return values;
  });
}

std::shared_ptr<const Recordings> RecordingCache::get(const Settings& settings) {
  const std::string key = text::cat(settings.seed, " ", app::to_json(app::dump_config(settings.data)),
                                    app::to_json(app::dump_config(settings.synth)));
  const std::lock_guard<std::mutex> hold(mutex_);
  const auto found = std::find_if(held_.begin(), held_.end(), [&](const auto& entry) { return entry.first == key; });
  if (found != held_.end()) {
    held_.splice(held_.begin(), held_, found);
    return held_.front().second;
  }
  held_.emplace_front(key, std::make_shared<const Recordings>(load_recordings(settings)));
  if (held_.size() > kRecordingsHeld) held_.pop_back();
  return held_.front().second;
}

std::string FoldTrials::folder_of(const app::Sweep& sweep, std::size_t arm, std::size_t seed) {
  char number[32];
  std::snprintf(number, sizeof number, "arms/%03zu", arm);
  return sweep.seeds.size() < 2 ? number : text::cat(number, "-seed_", sweep.seeds[seed]);
}

std::optional<nn::search::Outcome> FoldTrials::operator()(const nn::search::Trial& trial) {
  const std::size_t seed = trial.repeat / folds_;
  const app::LoadedConfig loaded = loaded_arm(sweep_, *trial.values, seed);
  const Settings settings = bind_settings(loaded);
  const std::int64_t fold = settings.train.fold.value_or(static_cast<std::int64_t>(trial.repeat % folds_));
  const std::filesystem::path folder = run_ / folder_of(sweep_, trial.arm, seed);
  std::filesystem::create_directories(folder);
  io::atomic_replace(folder / "config.yaml", app::resolved_yaml(loaded, config_app()));
  if (early_) std::filesystem::remove_all(folder / text::cat("fold_", fold));
  const std::shared_ptr<const Recordings> recordings = recordings_.get(settings);
  const Parts parts = parts_of(settings, *recordings, fold);
  std::atomic<bool> interrupt{false};
  std::vector<double> curve;
  TrainPlan plan;
  plan.folder = folder.string();
  plan.resume = !early_;
  plan.interrupt = &interrupt;
  plan.watch = [&](std::int64_t, const Evaluation& at) {
    interrupt = interrupt || stop_flag().requested();
    curve.push_back(std::isfinite(headline_of(at)) ? headline_of(at) : 0);
    return !early_ || !trial.hurdles.stops(curve);
  };
  const FoldResult result = train_fold(settings, fold, parts.training, parts.held_out, plan);
  if (result.status == FoldStatus::interrupted) return std::nullopt;
  nn::search::Outcome outcome;
  outcome.metrics = metrics_of(result, settings);
  outcome.curve = curve_of(result);
  outcome.stopped = result.status == FoldStatus::stopped;
  outcome.failed = result.status == FoldStatus::failed || !std::isfinite(result.best);
  if (outcome.failed)
    outcome.reason = text::cat("fold ", fold, ": ", result.reason.empty() ? "no look gave a value" : result.reason);
  return outcome;
}

}  // namespace thimble::fenet
